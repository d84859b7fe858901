"""Numbers and protocols in words, for tables and pages."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reverie.plain_yaml import read_yaml
from reverie.study.progress import duration

__all__ = ["duration", "listed", "number", "options", "p_value", "percent", "span", "titled"]
PROSE: dict[str, dict[str, Any]] = read_yaml(Path(__file__).with_name("words.yaml"))
"""What metrics, protocols, slices and sections mean, from ``words.yaml``."""


def titled(name: str) -> str:
    """Return a metric's name as headings write it."""
    return str(PROSE["titles"].get(name, name))


def note(name: str, **values: Any) -> str:
    """Return a note of ``words.yaml``, filled."""
    return str(PROSE["notes"][name]).format(**values)


def ended(text: str) -> str:
    """Return a sentence with a full stop, unless it ends with another mark."""
    return text if text.endswith(("?", "!", ".")) else f"{text}."


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


def p_value(p: float, at_floor: bool = False) -> str:
    """Return a p-value as text; one at the floor of its test, which is all that so many draws can say, with ≤."""
    if not math.isfinite(p):
        return "p unknown"
    digits = 2 if p >= 0.1 else 3 if p >= 0.01 else 4
    sign = "≤" if at_floor else "="
    return f"p {sign} {p:.{digits}f}" if p >= 0.0001 else "p < 0.0001"


def options(chosen: Mapping[str, Any]) -> str:
    """Return options as text; those of a blend as its weighted parts."""
    if chosen.keys() >= {"parts", "weights"}:
        return " + ".join(f"{weight:.2g} {part['name']}" for weight, part in zip(chosen["weights"], chosen["parts"], strict=True))
    return ", ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in chosen.items())


def listed(names: list[str]) -> str:
    """Return names as a list in a sentence."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
