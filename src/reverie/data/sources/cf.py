"""File layouts of collaborative-filtering benchmarks: NGCF and LightGCN's Gowalla, Yelp2018, Amazon-Book and LastFM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from reverie.data.loaded import Loaded
from reverie.data.readers import read_events
from reverie.data.sources.archives import extract_tar
from reverie.data.sources.entry import Layout
from reverie.data.sources.fetch import find_file
from reverie.data.sources.fields import read_fields
from reverie.errors import DataError
from reverie.packed import unpacked
from reverie.scratch import temporary_folder

LINES = {"train": "train.txt", "test": "test.txt"}
PAIRS = {"train": "data1.txt", "test": "test1.txt"}


def lines(folder: Path) -> Loaded:
    """Read one line "user item item ..." for each user (Gowalla, Yelp2018, Amazon-Book as published with NGCF and LightGCN)."""
    return _read_parts(folder, LINES, lambda path: read_events(path, format="sequences").events)


def archived_lines(archive: str, inside: str) -> Layout:
    """Return the reader of `lines` in an archive."""

    def read(folder: Path) -> Loaded:
        path = find_file(folder, archive)
        with temporary_folder() as scratch:
            with unpacked(path) as plain:
                extract_tar(plain, str(path), [f"{inside}/{name}" for name in LINES.values()], scratch)
            return lines(scratch)

    return read


def pairs(folder: Path) -> Loaded:
    """Read one line "user item weight", with tabs, for each pair (LastFM as in LightGCN's repository); weights are not used."""
    return _read_parts(folder, PAIRS, lambda path: read_fields(path, "\t", ["user", "item"]))


def _read_parts(folder: Path, names: dict[str, str], read: Callable[[Path], pl.DataFrame]) -> Loaded:
    paths = {part: find_file(folder, name) for part, name in names.items()}
    return Loaded.of_parts({part: _integer_ids(read(path), path) for part, path in paths.items()}, "none")


def _integer_ids(events: pl.DataFrame, path: Path) -> pl.DataFrame:
    """Return ids as Int64, as both files of a set must have them."""
    numbers = events.select(pl.col("user", "item").cast(pl.Int64, strict=False))
    wrong = numbers.select(pl.any_horizontal(pl.all().is_null())).to_series()
    if wrong.any():
        user, item = events.row(int(wrong.arg_max() or 0))
        raise DataError(f"{path} has the user {user!r} with the item {item!r}, but ids are whole numbers; fetch the dataset again")
    return numbers
