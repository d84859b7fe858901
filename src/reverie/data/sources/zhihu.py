"""File layout of DreamRec's Zhihu: sessions rebuilt from one row for each prefix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from reverie.data.sources.entry import Loaded
from reverie.data.sources.files import find_file
from reverie.data.sources.prefixes import rebuild

PADDING = 4838
"""Stands in a history where there is no item; the items are 0..4837."""

FILES = {"train": "train_data.parquet", "valid": "val_data.parquet", "test": "test_data.parquet"}


def zhihu(folder: Path) -> Loaded:
    """Rebuild the sequences of the three parts."""
    parts, first = [], 0
    for part, name in FILES.items():
        path = find_file(folder, name)
        frame = pl.read_parquet(path)
        targets = frame["tgt"].to_numpy().astype(np.int64)
        sequence = rebuild(frame["seq"].list.to_array(10).to_numpy(), frame["seq_len"].to_numpy(), targets, str(path), PADDING)
        parts.append(pl.DataFrame({"user": sequence + first, "item": targets, "part": [part] * len(targets)}))
        first += int(sequence[-1]) + 1
    events = pl.concat(parts)
    return Loaded(events, pl.DataFrame({"item": events["item"].head(0)}), "source")
