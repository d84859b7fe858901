"""Which events count: those of some kinds, and each only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.errors import DataError, nearest


def of_kinds(dataset: Dataset, kinds: Sequence[str]) -> Dataset:
    """Keep the events of some kinds; a note says how many."""
    kinds, events = [kinds] if isinstance(kinds, str) else list(kinds), dataset.events
    if "kind" not in events.columns:
        raise DataError(f"'{dataset.name}' has no column of kinds, so {', '.join(kinds)} cannot be chosen; leave out the kinds")
    known = events["kind"].drop_nulls().unique().sort().to_list()
    for kind in kinds:
        if kind not in known:
            raise DataError(
                f"'{dataset.name}' has no event of the kind '{kind}'{nearest(kind, known)}; its kinds are {', '.join(known[:20])}"
            )
    kept = events.filter(pl.col("kind").is_in(kinds))
    note = f"{kept.height:,} of {events.height:,} events are counted: {', '.join(kinds)}"
    return replace(dataset, events=kept, notes=(*dataset.notes, note))


def drop_repeats(events: pl.DataFrame) -> pl.DataFrame:
    """Drop rows that repeat user, item, timestamp and kind, keeping the first; the order stays."""
    keys = [column for column in ("user", "item", "timestamp", "nanosecond", "kind") if column in events.columns]
    hashes = events.select(keys).hash_rows().to_numpy()
    ordered = np.sort(hashes)
    meeting = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(meeting):
        return events
    del ordered
    at = np.flatnonzero(np.isin(hashes, meeting))
    repeated = ~events.select(keys)[at].select(pl.struct(keys).is_first_distinct()).to_series().to_numpy()
    keep = np.ones(events.height, dtype=bool)
    keep[at[repeated]] = False
    return events.filter(pl.Series(keep))
