"""Statistics of a dataset: counts, density, quantiles, time span, and the split protocols that it allows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.data.splits import PROTOCOLS
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ReverieError

_FEEDBACK = {"reward": "rewards", "propensity": "propensities"}


def describe(dataset: Dataset) -> dict[str, Any]:
    """Count and measure a dataset."""
    vocabulary, sequences = dataset.vocabulary, dataset.sequences
    pairs = _distinct_pairs(sequences)
    titles = vocabulary.titles
    return {
        "name": dataset.name, "users": vocabulary.n_users, "items": vocabulary.n_items, "events": dataset.n_events,
        "density": pairs / (vocabulary.n_users * vocabulary.n_items), "events_per_user": _quantiles(sequences.lengths),
        "events_per_item": _quantiles(sequences.item_counts()[1:]), "repeated_pairs": 1 - pairs / dataset.n_events,
        **_times(sequences), "titles": 0.0 if titles is None else 1 - titles.null_count() / vocabulary.n_items,
        "kinds": dataset.kind_counts, **({"content": _content(vocabulary)} if vocabulary.content else {}),
        **{key: _levels(dataset.events[name]) for name, key in _FEEDBACK.items() if name in dataset.events.columns},
        "order": dataset.order, "splits": {name: _allows(split, dataset) for name, split in PROTOCOLS.items()},
        "sha256": dataset.sha256, **({} if dataset.feedback_sha256 is None else {"feedback_sha256": dataset.feedback_sha256}),
        "licence": dataset.licence, "citation": dataset.citation, "notes": list(dataset.notes),
    }  # fmt: skip


def _quantiles(counts: np.ndarray[Any, Any]) -> dict[str, float]:
    names = ("min", "25%", "median", "75%", "90%", "max")
    return dict(zip(names, np.quantile(counts, [0, 0.25, 0.5, 0.75, 0.9, 1]).tolist(), strict=True))


def _content(vocabulary: Vocabulary) -> dict[str, str]:
    features = vocabulary.content.items()
    return {name: f"{one.width:,} numbers of {one.present.sum():,} of {vocabulary.n_items:,} items" for name, one in features}


def _levels(values: pl.Series) -> dict[str, Any]:
    """Count the values, the lowest first; quantiles where there are more than twenty."""
    if values.n_unique() > 20:
        return dict(_quantiles(values.to_numpy()))
    return {f"{value:g}": count for value, count in values.value_counts(name="n").sort(values.name).iter_rows()}


def _distinct_pairs(sequences: Sequences) -> int:
    width = sequences.vocabulary.n_items + 1
    keys = sequences.event_rows() * width + sequences.items[sequences.positions()]
    return pl.Series(keys).n_unique()


def _times(sequences: Sequences) -> dict[str, Any]:
    if "time" not in sequences.columns:
        return dict.fromkeys(("first", "last", "span_days", "median_gap_seconds", "same_time_neighbours"))
    time = sequences.columns["time"][sequences.positions()].astype(np.int64)
    rows = sequences.event_rows()
    gaps = np.diff(time)[rows[1:] == rows[:-1]]
    if "nanosecond" in sequences.columns:
        finer = np.diff(sequences.columns["nanosecond"][sequences.positions()].astype(np.int64))
        gaps = gaps + finer[rows[1:] == rows[:-1]] / 1e9
    first, last = int(time.min()), int(time.max())
    return {
        "first": _moment(first), "last": _moment(last), "span_days": (last - first) / 86_400,
        "median_gap_seconds": float(np.median(gaps)) if len(gaps) else None,
        "same_time_neighbours": float((gaps == 0).mean()) if len(gaps) else None,
    }  # fmt: skip


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"


def _allows(split: Callable[[Dataset], Split], dataset: Dataset) -> str:
    try:
        split(dataset)
    except ReverieError as error:
        return str(error)
    return "yes"
