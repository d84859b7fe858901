"""File layouts without times: S3-Rec's Amazon sets, MicroLens-50k and Steam-200k; Retailrocket's events."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from reverie.data.readers import read_catalog, read_events
from reverie.data.readers.formats import open_table
from reverie.data.sources.entry import Layout, Loaded
from reverie.data.sources.files import find_file
from reverie.errors import DataError


def s3rec(name: str, titles: str | None, text: str | None = None) -> Layout:
    """Return the reader of one S3-Rec file."""

    def read(folder: Path) -> Loaded:
        events = read_events(find_file(folder, f"{name}.txt"), format="sequences").events
        try:
            if titles is not None:
                return Loaded(events, read_catalog(find_file(folder, titles), format="tsv"), "source")
            if text is not None:
                return Loaded(events, _texts(find_file(folder, text)), "source", ("the catalogue has textual ids, not titles",))
        except DataError:
            if any(folder.glob(f"{titles or text}*")):
                raise
        return Loaded(events, pl.DataFrame({"item": events["item"].head(0)}), "source", ("this copy has no titles",))

    return read


def _texts(path: Path) -> pl.DataFrame:
    with open_table(path, "tsv") as table:
        raw = table.read(["item_id", "idgenrec_textual_id"])
    return raw.select(pl.col("item_id").cast(pl.Int64).alias("item"), pl.col("idgenrec_textual_id").alias("text"))


def microlens(folder: Path) -> Loaded:
    """Read MicroLens-50k."""
    events = read_events(find_file(folder, "MicroLens-50k_pairs.tsv"), format="sequences").events
    if not any(folder.glob("MicroLens-50k_titles.csv*")):
        return Loaded(events, pl.DataFrame({"item": events["item"].head(0)}), "source", ("this copy has no titles",))
    return Loaded(events, read_catalog(find_file(folder, "MicroLens-50k_titles.csv")), "source")


def steam(folder: Path) -> Loaded:
    """Read the purchases of Steam-200k."""
    events = read_events(find_file(folder, "game_purchase.dat"), format="tsv", order="none").events
    return Loaded(events, read_catalog(find_file(folder, "item_info.dat"), format="tsv"), "none")


def retailrocket(folder: Path) -> Loaded:
    """Read the events of Retailrocket that carry times."""
    events = read_events(find_file(folder, "train_events.parquet")).events
    return Loaded(events, pl.DataFrame({"item": events["item"].head(0)}), "timestamp")
