"""Numbers and protocols in words, for tables and pages."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from reverie.study.progress import duration

__all__ = ["duration", "listed", "number", "options", "p_value", "percent", "span", "titled"]
TITLES = {
    "recall@10": "Recall@10",
    "ndcg@10": "NDCG@10",
    "mrr@10": "MRR@10",
    "coverage@10": "Coverage@10",
    "popularity@10": "Popularity@10",
}
"""Metrics as headings and sentences write them."""
MEANINGS = {
    "recall@10": "Share of held-out items that stand among the first ten; with one held-out item per person, "
    "how often the ten hold it.",
    "ndcg@10": "The same, but a place near the top counts more: 1 for the first place, 0.63 for the second, "
    "0.29 for the tenth, 0 after that.",
    "mrr@10": "One divided by the place of the held-out item; 0 after the tenth place.",
    "coverage@10": "Share of the catalogue that appears in at least one person's ten.",
}
"""What a metric means, for people."""
LEAKS = {
    "leave_one_out": "Each user's last event is the test and the one before it the validation. The cut is per user, not in time: "
    "training holds events of other users that happened after a test event, so every model sees a little of the future.",
    "temporal": "Everything after one moment is the test and is never trained on; nothing from the future leaks. Users without "
    "any event before that moment are not asked about.",
    "by_user": "The tested users are in no way part of training. Events of the training users may be later than the test events, "
    "so a little of the future leaks.",
    "by_sequence": "Sequences are cut into parts by time. One that starts before the cut may end after it, and a long sequence "
    "asks more questions than a short one; intervals resample whole sequences.",
    "given": "The files came already split, so whatever their publisher let leak leaks here too.",
}
"""What a protocol asks and what it lets leak, by its name without options."""
SEEN = {
    "remove": "Items of a person's own history are taken out of the ranking, never the held-out item itself.",
    "keep": "Items of a person's own history stay in the ranking.",
}
"""What the rule for seen items does."""


def titled(name: str) -> str:
    """Return a metric's name as headings write it."""
    return TITLES.get(name, name)


def number(value: float | None, digits: int = 4) -> str:
    """Return a metric as text."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}".replace("-", "−")


def percent(value: float | None) -> str:
    """Return a share in percent with one digit after the point."""
    return "–" if value is None or not math.isfinite(value) else f"{100 * value:.1f}\u00a0%"


def span(low: float | None, high: float | None, digits: int = 3) -> str:
    """Return an interval as text."""
    if low is None or high is None or not math.isfinite(low) or not math.isfinite(high):
        return ""
    return f"{number(low, digits)} – {number(high, digits)}" if low < 0 else f"{number(low, digits)}–{number(high, digits)}"


def p_value(p: float) -> str:
    """Return a p-value as text."""
    if not math.isfinite(p):
        return "p unknown"
    digits = 2 if p >= 0.1 else 3 if p >= 0.01 else 4
    return f"p = {p:.{digits}f}" if p >= 0.0001 else "p < 0.0001"


def options(chosen: Mapping[str, Any]) -> str:
    """Return options as text."""
    return ", ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in chosen.items())


def listed(names: list[str]) -> str:
    """Return names as a list in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
