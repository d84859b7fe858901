"""Readers of published sequence files: one line for each user or prefix, and Zhihu."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.data.readers import read_catalog, read_events
from reverie.data.readers.formats import open_table
from reverie.data.sources.entry import Layout, Loaded
from reverie.data.sources.fetch import find_file
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


def rebuild(
    histories: NDArray[np.int64], lengths: NDArray[np.int64], targets: NDArray[np.int64], where: str, padding: int
) -> NDArray[np.int64]:
    """Return which sequence each row belongs to, and check that every history holds the targets before it.

    histories [rows, width], lengths [rows], targets [rows] → [rows].
    """
    rows = np.arange(len(targets))
    begins = (histories == padding).all(axis=1)
    sequence = np.cumsum(begins) - 1
    if not len(begins) or not begins[0]:
        raise DataError(f"{where} row 1 does not begin a sequence; fetch the file again")
    past = rows - np.flatnonzero(begins)[sequence]
    length = np.minimum(past, histories.shape[1])
    steps = np.arange(histories.shape[1])
    inside = steps < length[:, None]
    expected = np.where(inside, targets[np.where(inside, (rows - length)[:, None] + steps, 0)], padding)
    good = (histories == expected).all(axis=1) & (lengths == np.maximum(length, 1))
    if not good.all():
        raise DataError(f"{where} row {int(np.argmin(good)) + 1} does not continue the sequence above it; fetch the file again")
    return sequence


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
