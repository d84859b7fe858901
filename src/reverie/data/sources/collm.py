"""CoLLM's MovieLens-1M: its published labelled rows, and the same preparation from the original ratings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.label import label_by_time
from reverie.data.sources.entry import Loaded
from reverie.data.sources.fetch import find_file
from reverie.data.sources.movielens import publisher_1m
from reverie.errors import DataError

FILES = {"train": "train_ood2.parquet", "valid": "valid_ood2.parquet", "test": "test_ood2.parquet"}
TITLES = "titles.parquet"


def read_prepared(folder: Path) -> Loaded:
    """Read the labelled rows; the history that each row carries is checked against the liked rows before it."""
    columns = ["uid", "iid", "label", "timestamp", "his"]
    frames = [
        pl.read_parquet(find_file(folder, name), columns=columns).with_columns(pl.lit(part).alias("part"))
        for part, name in FILES.items()
    ]
    rows = pl.concat(frames)
    _check_histories(rows, folder)
    events = rows.select(
        pl.col("uid").alias("user"), pl.col("iid").alias("item"), "timestamp", pl.col("label").cast(pl.Float32), "part"
    )
    catalog = pl.read_parquet(find_file(folder, TITLES)).rename({"iid": "item"})
    return Loaded(events, catalog, "timestamp")


def from_ratings(folder: Path) -> Loaded:
    """Make the labelled rows from the publisher's MovieLens-1M: the 20 months up to January 2003, liked from 4 stars on."""
    raw = publisher_1m(folder)
    labelled = label_by_time(Dataset(raw.events, raw.catalog, "ml-1m", raw.order))
    return Loaded(labelled.events, raw.catalog, "timestamp")


def _check_histories(rows: pl.DataFrame, folder: Path) -> None:
    ordered = rows.with_row_index("source").sort("uid", "timestamp", "source")
    user, item, liked = (ordered[name].to_numpy() for name in ("uid", "iid", "label"))
    new = np.append(True, user[1:] != user[:-1])
    before = np.cumsum(liked) - liked
    begin = before[np.maximum.accumulate(np.where(new, np.arange(len(user)), 0))]
    given = ordered["his"].list.eval(pl.element().filter(pl.element() != 0))
    flat, lengths = given.explode(empty_as_null=False).to_numpy(), given.list.len().to_numpy().astype(np.int64)
    expected = before - begin
    wrong = lengths != expected
    if not wrong.any():
        starts = np.repeat(begin, expected) + np.arange(len(flat)) - np.repeat(np.cumsum(expected) - expected, expected)
        differs = item[liked > 0][starts] != flat
        wrong[np.repeat(np.arange(len(user)), expected)[differs]] = True
    if wrong.any():
        row = ordered[int(wrong.argmax())]
        raise DataError(
            f"{folder} has a row of user {row['uid'][0]} and item {row['iid'][0]} whose history is not what the user liked before; "
            f"fetch the files again"
        )
