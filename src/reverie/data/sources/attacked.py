"""File layouts of datasets from attack papers: RecAD (CSV), AUSH and Leg-UP (tab-separated)."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from reverie.data.loaded import Loaded
from reverie.data.readers import read_events
from reverie.data.sources.entry import Layout
from reverie.data.sources.fetch import find_file
from reverie.data.sources.fields import read_fields
from reverie.errors import DataError


def recad(prefix: str) -> Layout:
    """Return the reader of RecAD's format: three CSV files with user_id, item_id, rating and timestamp.

    Parameters
    ----------
    prefix : str
        The files are ``<prefix>_train.csv``, ``<prefix>_valid.csv`` and ``<prefix>_test.csv``.

    Returns
    -------
    callable
        A layout; the part is a column, a user's events are ordered by time.
    """
    parts = {part: f"{prefix}_{part}.csv" for part in ("train", "valid", "test")}

    def read(folder: Path) -> Loaded:
        frames = {part: read_events(find_file(folder, name), user="user_id", item="item_id").events for part, name in parts.items()}
        return Loaded.of_parts(frames, "timestamp")

    return read


def shilling(prefix: str) -> Layout:
    """Return the reader of AUSH's and Leg-UP's format: user, item and rating behind tabs, in a training and a test file."""
    parts = {part: f"{prefix}_{part}.dat" for part in ("train", "test")}

    def read(folder: Path) -> Loaded:
        frames = {}
        for part, name in parts.items():
            path = find_file(folder, name)
            raw = read_fields(path, "\t", ["user", "item", "rating"])
            numbers = raw.select(
                pl.col("user", "item").cast(pl.Int64, strict=False), pl.col("rating").cast(pl.Float32, strict=False)
            )
            if numbers.null_count().sum_horizontal()[0]:
                raise DataError(f"{path} has a line that is not user, item and rating; fetch the dataset again")
            frames[part] = numbers
        frames["test"] = frames["test"].join(frames["train"], on=["user", "item"], how="anti", maintain_order="left")
        return Loaded.of_parts(frames, "none")

    return read
