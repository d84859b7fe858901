"""File layouts of event logs with catalogues, and of sequences published as one row a prefix (Zhihu, LLaRA's Last.fm)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.dataset import Order
from reverie.data.loaded import Loaded
from reverie.data.readers import read_catalog, read_events
from reverie.data.readers.formats import open_table
from reverie.data.sources.entry import Layout
from reverie.data.sources.fetch import find_file
from reverie.data.sources.fields import read_fields
from reverie.errors import DataError


def table_files(
    events: str,
    catalog: str | None = None,
    *,
    format: str | None = None,
    catalog_format: str | None = None,
    order: Order | None = None,
) -> Layout:
    """Return the reader of an event log with a catalogue beside it, which a copy may lack; options as of `read_events`."""

    def read(folder: Path) -> Loaded:
        log = read_events(find_file(folder, events), format=format, order=order)
        if catalog is None:
            return Loaded(log.events, log.catalog, log.order)
        if not any(folder.glob(f"{catalog}*")):
            return Loaded(log.events, log.catalog, log.order, ("this copy has no titles",))
        return Loaded(log.events, read_catalog(find_file(folder, catalog), format=catalog_format), log.order)

    return read


def amazon_sports(folder: Path) -> Loaded:
    """Read S3-Rec's Sports and Outdoors, whose catalogue has the textual ids of IDGenRec."""
    loaded = table_files("Sports_and_Outdoors.txt", "Sports_and_Outdoors.item_text.tsv", format="sequences")(folder)
    if loaded.notes:
        return loaded
    with open_table(find_file(folder, "Sports_and_Outdoors.item_text.tsv")) as table:
        raw = table.read(["item_id", "idgenrec_textual_id"])
    texts = raw.select(pl.col("item_id").cast(pl.Int64).alias("item"), pl.col("idgenrec_textual_id").alias("text"))
    return replace(loaded, catalog=texts, notes=("the catalogue has textual ids, not titles",))


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


ZHIHU_PADDING = 4838
"""Stands in a history where there is no item; the items are 0..4837."""


def zhihu(folder: Path) -> Loaded:
    """Rebuild the sequences of the three parts."""
    parts, first = {}, 0
    for part, name in (("train", "train"), ("valid", "val"), ("test", "test")):
        path = find_file(folder, f"{name}_data.parquet")
        frame = pl.read_parquet(path, glob=False)
        parts[part] = _rebuilt_events(frame["seq"], frame["seq_len"], frame["tgt"], str(path), ZHIHU_PADDING, first)
        first = int(parts[part]["user"][-1]) + 1
    return Loaded.of_parts(parts, "source")


LASTFM_PADDING = 4606
"""Stands in a history where there is no artist; the artists are 0..4605."""


def lastfm(folder: Path) -> Loaded:
    """Read LLaRA's Last.fm: training sequences rebuilt, held-out users with one history each, and the artists' names."""
    path = find_file(folder, "train_data.parquet")
    frame = pl.read_parquet(path, glob=False)
    parts = {"train": _rebuilt_events(frame["seq"], frame["len_seq"], frame["next"], str(path), LASTFM_PADDING, 0)}
    first = int(parts["train"]["user"][-1]) + 1
    for part, file in (("valid", "Val_data.parquet"), ("test", "Test_data.parquet")):
        rows = pl.read_parquet(find_file(folder, file), glob=False)
        whole = rows.select(
            pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias("user"),
            pl.concat_list(pl.col("seq").list.head("len_seq"), "next").alias("item"),
        )
        parts[part] = whole.explode("item")
        first += len(rows)
    names = read_fields(find_file(folder, "id2name.txt"), "::", ["item", "title"])
    return replace(Loaded.of_parts(parts, "source"), catalog=names.with_columns(pl.col("item").cast(pl.Int64)))


def _rebuilt_events(
    histories: pl.Series, lengths: pl.Series, targets: pl.Series, where: str, padding: int, first: int
) -> pl.DataFrame:
    """Return one event a row, with its sequence as the user; histories of ten items."""
    items = targets.to_numpy().astype(np.int64)
    sequence = rebuild(histories.list.to_array(10).to_numpy(), lengths.to_numpy(), items, where, padding)
    return pl.DataFrame({"user": sequence + first, "item": items})
