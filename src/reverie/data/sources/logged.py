"""File layouts of logs with feedback: Retailrocket's held-out purchases, Coat's ratings, and the Open Bandit Dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from reverie.data.loaded import Loaded
from reverie.data.readers import read_events
from reverie.data.readers.formats import open_table
from reverie.data.readers.times import to_times
from reverie.data.sources.fetch import find_file
from reverie.errors import DataError
from reverie.packed import unpacked
from reverie.seeds import numpy_generator

COAT_ORDER = 0
"""Seed of the order of Coat's ratings."""


def held_out_purchases(folder: Path) -> Loaded:
    """Read Retailrocket's events in the order of their times, and the held-out purchases behind them, which have no times."""
    train = read_events(find_file(folder, "train_events.parquet")).events.sort("user", "timestamp", maintain_order=True)
    test = read_events(find_file(folder, "test.parquet")).events.with_columns(kind=pl.lit("buy"))
    return Loaded.of_parts({"train": train.drop("timestamp"), "test": test.select("user", "item", "kind")}, "source")


def coat(folder: Path) -> Loaded:
    """Read Coat's two matrices of ratings, people by coats, 0 where there is none; ids are the numbers of row and column from 0.

    Nobody knows in which order coats were rated, and that of their numbers would teach a sequence model to count; so each person's
    ratings of a part stand in a random order, of the seed `COAT_ORDER`.
    """
    parts, rng = {}, numpy_generator(COAT_ORDER, "order of coat")
    for part in ("train", "test"):
        path = find_file(folder, f"{part}.ascii")
        with unpacked(path) as plain:
            try:
                ratings = np.loadtxt(plain, dtype=np.int64, ndmin=2)
            except ValueError as error:
                raise DataError(f"{path} is no matrix of whole numbers ({error}); fetch the dataset again") from error
        users, items = np.nonzero(ratings)
        items = items[np.lexsort((rng.random(len(items)), users))]
        parts[part] = pl.DataFrame({"user": users, "item": items, "rating": ratings[users, items].astype(np.float32)})
    return Loaded.of_parts(parts, "none")


def open_bandit(folder: Path) -> Loaded:
    """Read one campaign of the Open Bandit Dataset: a round is an event whose reward is the click.

    A user is a context: the beginnings (eight digits) of the four hashed user features, joined by ``-``. A policy may depend on
    what is known of a visitor, and rounds of one context are the only history that there is; they are different visitors, and
    each round stands alone in an estimate. The column ``position`` (1 to 3) stays beside the others.
    """
    with open_table(find_file(folder, "all.csv")) as table:
        features = [f"user_feature_{n}" for n in range(4)]
        raw = table.read(["timestamp", "item_id", "position", "click", "propensity_score", *features], times=["timestamp"])
        times = to_times(raw["timestamp"], table.where)
    events = raw.select(
        pl.concat_str([pl.col(name).str.head(8) for name in features], separator="-").alias("user"),
        pl.col("item_id").cast(pl.Int64).alias("item"),
        times.seconds.alias("timestamp"),
        *([] if times.nanoseconds is None else [times.nanoseconds.alias("nanosecond")]),
        pl.col("click").cast(pl.Float32).alias("reward"),
        pl.col("propensity_score").cast(pl.Float64).alias("propensity"),
        pl.col("position").cast(pl.Int8),
    )
    if events["user"].n_unique() != raw.select(pl.struct(features).n_unique()).item():
        raise DataError(f"{table.where} has user features that begin alike; fetch the dataset again")
    return Loaded(events, pl.DataFrame({"item": events["item"].head(0)}), "timestamp")
