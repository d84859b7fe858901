"""File layouts of MovieLens (100K, 1M, CoLLM's labelled 1M, latest-small) and MovieTweetings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.loaded import Loaded
from reverie.data.readers import read_catalog, read_events
from reverie.data.readers.formats import open_table
from reverie.data.sources.fetch import find_file
from reverie.data.sources.fields import read_fields
from reverie.data.splits.given import label_by_time
from reverie.errors import DataError

GENRES_100K = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy", "Film-Noir",
    "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""Meaning of the 19 flags of ``u.item``, from the file ``u.genre``."""


def atomic_100k(folder: Path) -> Loaded:
    """Read RecBole's copy of MovieLens-100K: title and year stand in two columns."""
    events = read_events(find_file(folder, "ml-100k.inter"), format="atomic").events
    with open_table(find_file(folder, "ml-100k.item"), "atomic") as table:
        raw = table.read(list(table.columns)).rename(lambda column: column.partition(":")[0])
    title, year = pl.col("movie_title").str.replace("^unkonwn$", "unknown"), pl.col("release_year").cast(pl.String)
    catalog = raw.select(
        pl.col("item_id").cast(pl.Int64).alias("item"),
        pl.when(year.str.contains(r"^\d{4}$")).then(pl.format("{} ({})", title, year)).otherwise(title).alias("title"),
        pl.col("class").str.replace_all(" ", "|", literal=True).alias("categories"),
    )
    return Loaded(events, catalog, "timestamp")


def publisher_100k(folder: Path) -> Loaded:
    """Read the publisher's MovieLens-100K."""
    events = read_events(_typed(read_fields(find_file(folder, "u.data"), "\t", ["user", "item", "rating", "timestamp"]))).events
    names = ["item", "title", "date", "video_date", "url", *GENRES_100K]
    raw = read_fields(find_file(folder, "u.item"), "|", names, "latin-1")
    flags = [pl.when(pl.col(genre) == "1").then(pl.lit(genre)) for genre in GENRES_100K]
    catalog = raw.select(
        pl.col("item").cast(pl.Int64), "title", pl.concat_str(flags, separator="|", ignore_nulls=True).alias("categories")
    )
    return Loaded(events, catalog, "timestamp")


def publisher_1m(folder: Path) -> Loaded:
    """Read the publisher's MovieLens-1M."""
    raw = read_fields(find_file(folder, "ratings.dat"), "::", ["user", "item", "rating", "timestamp"])
    return Loaded(read_events(_typed(raw)).events, _movies(folder, "latin-1", integers=True), "timestamp")


def sequences_1m(folder: Path) -> Loaded:
    """Read MovieLens-1M as one line a user, oldest first."""
    events = read_events(find_file(folder, "ml-1m.sequences.txt"), format="sequences").events
    return Loaded(events, _movies(folder, "latin-1", integers=True), "source", ("this copy has no ratings and no times",))


def csv_small(folder: Path) -> Loaded:
    """Read MovieLens latest-small."""
    catalog = read_catalog(find_file(folder, "movies.csv"))
    known = pl.col("categories").replace({"(no genres listed)": None})
    return Loaded(read_events(find_file(folder, "ratings.csv")).events, catalog.with_columns(known), "timestamp")


def movietweetings(folder: Path) -> Loaded:
    """Read a MovieTweetings snapshot; film ids are IMDb's and keep their leading zeros."""
    raw = read_fields(find_file(folder, "ratings.dat"), "::", ["user", "item", "rating", "timestamp"])
    events = read_events(raw.with_columns(pl.col("user", "timestamp").cast(pl.Int64))).events
    return Loaded(events, _movies(folder, "utf-8", integers=False), "timestamp")


def _typed(raw: pl.DataFrame) -> pl.DataFrame:
    return raw.with_columns(pl.col("user", "item", "timestamp").cast(pl.Int64))


def _movies(folder: Path, encoding: str, integers: bool) -> pl.DataFrame:
    raw = read_fields(find_file(folder, "movies.dat"), "::", ["item", "title", "categories"], encoding)
    return raw.with_columns(pl.col("item").cast(pl.Int64)) if integers else raw


def collm_rows(folder: Path) -> Loaded:
    """Read CoLLM's labelled rows; the history that each row carries is checked against the liked rows before it."""
    columns = ["uid", "iid", "label", "timestamp", "his"]
    frames = [
        pl.read_parquet(find_file(folder, f"{part}_ood2.parquet"), columns=columns, glob=False).with_columns(
            pl.lit(part).alias("part")
        )
        for part in ("train", "valid", "test")
    ]
    rows = pl.concat(frames)
    _check_histories(rows, folder)
    events = rows.select(
        pl.col("uid").alias("user"), pl.col("iid").alias("item"), "timestamp", pl.col("label").cast(pl.Float32), "part"
    )
    catalog = pl.read_parquet(find_file(folder, "titles.parquet"), glob=False).rename({"iid": "item"})
    return Loaded(events, catalog, "timestamp")


def collm_from_ratings(folder: Path) -> Loaded:
    """Make CoLLM's labelled rows from the publisher's MovieLens-1M: the 20 months up to January 2003, liked from 4 stars on."""
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
