"""File layout of LLaRA's Last.fm: listening sequences with artist names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from reverie.data.sources.entry import Loaded
from reverie.data.sources.fetch import find_file, read_fields
from reverie.data.sources.sequence_files import rebuild

PADDING = 4606
"""Stands in a history where there is no artist; the artists are 0..4605."""

FILES = {"train": "train_data.parquet", "valid": "Val_data.parquet", "test": "Test_data.parquet"}
NAMES = "id2name.txt"


def lastfm(folder: Path) -> Loaded:
    """Rebuild the sequences of artists."""
    path = find_file(folder, FILES["train"])
    frame = pl.read_parquet(path)
    targets = frame["next"].to_numpy().astype(np.int64)
    user = rebuild(frame["seq"].list.to_array(10).to_numpy(), frame["len_seq"].to_numpy(), targets, str(path), PADDING)
    parts, first = [pl.DataFrame({"user": user, "item": targets, "part": ["train"] * len(targets)})], int(user[-1]) + 1
    for part in ("valid", "test"):
        rows = pl.read_parquet(find_file(folder, FILES[part]))
        whole = rows.select(
            pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("user"),
            pl.concat_list(pl.col("seq").list.head("len_seq"), "next").alias("item"),
            pl.lit(part).alias("part"),
        )
        parts.append(whole.explode("item"))
        first += len(rows)
    names = read_fields(find_file(folder, NAMES), "::", ["item", "title"])
    return Loaded(pl.concat(parts), names.with_columns(pl.col("item").cast(pl.Int64)), "source")
