"""The event logs of the RecSys Challenge 2015 (yoochoose) and of Retailrocket, as they were published: formats of `read_events`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from reverie.data.readers.convert import check_values, to_ids, to_text
from reverie.data.readers.formats import open_table
from reverie.data.readers.table import READ_ERRORS, unreadable
from reverie.data.readers.times import to_times
from reverie.errors import DataError
from reverie.packed import SUFFIXES, unpacked
from reverie.seeds import numpy_generator

Read = tuple[pl.DataFrame, list[str]]
"""Events, and notes of what was read as what."""
CLICKS = ("user", "timestamp", "item", "category")
BUYS = ("user", "timestamp", "item", "price", "quantity")
RETAILROCKET = ("timestamp", "visitorid", "event", "itemid", "transactionid")
FAMILY_SESSIONS = 200_000
"""Sessions that the SQN family draws from RC15."""


def read_rc15(folder: Path, *, family: bool = False, sessions: int = FAMILY_SESSIONS, seed: int = 0) -> Read:
    """Read the RecSys Challenge 2015: ``yoochoose-clicks.dat`` and, where it is there, ``yoochoose-buys.dat``.

    The layout of the columns is taken from the publisher's description (clicks: session, time, item, category; buys: session,
    time, item, price, quantity; no header).

    Parameters
    ----------
    folder : path
        Holds the files, perhaps packed; or the path of the clicks, which the buys then stand beside.
    family : bool
        Prepare them as the SQN family does: only sessions of three clicks or more, of which `sessions` are drawn, with all buys of
        these sessions.
    sessions : int
        How many are drawn; all where there are no more.
    seed : int
        Seed of the draw, which is unseeded in the original.

    Returns
    -------
    (polars.DataFrame, list of str)
        A user is a session; the kinds are ``click`` and ``buy``.

    Raises
    ------
    DataError
        If the clicks are not there, or a row is not as it should be.
    """
    where = folder if folder.is_dir() else folder.parent
    clicks = _plain_rows(_found(where, "yoochoose-clicks.dat") if folder.is_dir() else folder, CLICKS)
    notes = [f"{clicks.height:,} clicks of {clicks['user'].n_unique():,} sessions"]
    if family:
        counts = clicks.group_by("user", maintain_order=True).len().filter(pl.col("len") > 2).get_column("user").sort()
        drawn = numpy_generator(seed, "rc15").permutation(len(counts))[:sessions]
        clicks = clicks.filter(pl.col("user").is_in(counts[drawn].implode()))
        notes.append(f"of the {len(counts):,} sessions with three clicks or more, {len(drawn):,} are drawn with the seed {seed}")
    events = clicks.with_columns(kind=pl.lit("click"))
    try:
        path = _found(where, "yoochoose-buys.dat")
    except DataError:
        notes.append("there is no file of buys, so these are clicks only")
    else:
        buys = _plain_rows(path, BUYS).with_columns(kind=pl.lit("buy"))
        kept = buys.filter(pl.col("user").is_in(clicks["user"].unique().implode())) if family else buys
        events = pl.concat([events, kept], how="vertical_relaxed")
        notes.append(f"{kept.height:,} of {buys.height:,} buys are counted")
    if events.is_empty():
        raise DataError(f"{where} has no session of three clicks or more; read it without the family's preparation")
    return _by_time(events), notes


def read_retailrocket(path: Path, *, purchase: Literal["cart", "transaction"] = "transaction", family: bool = False) -> Read:
    """Read Retailrocket's ``events.csv``: timestamp, visitorid, event, itemid, transactionid.

    Parameters
    ----------
    path : path
        The file, perhaps packed, or the folder that holds it.
    purchase : {"transaction", "cart"}
        What counts as a purchase (``buy``): a transaction; or an addition to the cart, as in the SQN family, which drops all rows
        with a transaction.
    family : bool
        Drop visitors with two events or fewer, then items with two events or fewer, once each, as the SQN family does.

    Returns
    -------
    (polars.DataFrame, list of str)
        A user is a visitor; the kinds are ``view``, ``cart`` (where transactions are the purchases) and ``buy``.

    Raises
    ------
    DataError
        If there is no such file, or a row is not as it should be.
    """
    with open_table(_found(path, "events.csv") if path.is_dir() else path, "csv") as table:
        if missing := [name for name in RETAILROCKET if name not in table.columns]:
            raise DataError(f"{table.where} has no column '{missing[0]}'; Retailrocket's events.csv has {', '.join(RETAILROCKET)}")
        raw, where = table.read(list(RETAILROCKET), ids=["visitorid", "itemid"], times=["timestamp"]), table.where
    known = {"view": "view", "addtocart": "cart" if purchase == "transaction" else "buy", "transaction": "buy"}
    event = to_text(raw["event"], where, "kind")
    check_values(event, event.is_in(list(known)).fill_null(False), where, "view, addtocart or transaction")
    if purchase == "cart":
        kept = event != "transaction"
        notes = [f"purchase=cart: an addition to the cart counts as the purchase; {(~kept).sum():,} transactions are left out"]
        raw, event = raw.filter(kept & raw["transactionid"].is_null()), event.filter(kept & raw["transactionid"].is_null())
    else:
        notes = ["purchase=transaction: a transaction counts as the purchase"]
    events = _events(raw["visitorid"], raw["itemid"], raw["timestamp"], where)
    events = events.with_columns(event.replace_strict(known, return_dtype=pl.String).alias("kind"))
    if family:
        before = events.height
        events = events.filter(pl.len().over("user") > 2)
        events = events.filter(pl.len().over("item") > 2)
        notes.append(f"visitors, then items, with two events or fewer are left out: {events.height:,} of {before:,} events stay")
        if events.is_empty():
            raise DataError(f"{where} has no visitor and item with three events; read it without the family's preparation")
    return _by_time(events), notes


rc15_family = partial(read_rc15, family=True)
retailrocket_cart = partial(read_retailrocket, purchase="cart")
retailrocket_family = partial(read_retailrocket, purchase="cart", family=True)


def _found(folder: Path, name: str) -> Path:
    """Return the path of a file that may be packed."""
    for suffix in ("", *SUFFIXES):
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    raise DataError(f"{folder} has no file {name}; give the folder of the published files")


def _plain_rows(path: Path, names: tuple[str, ...]) -> pl.DataFrame:
    """Read a file of values behind commas without a header; session, item and time of each row."""
    where = str(path)
    with unpacked(path) as plain:
        try:
            rows = pl.scan_csv(plain.absolute(), has_header=False, infer_schema=False, glob=False, quote_char=None)
            width = len(rows.collect_schema())
            if width != len(names):
                raise DataError(f"{where} has {width} values in a row where {', '.join(names)} are due; check the file")
            raw = rows.rename(dict(zip(rows.collect_schema(), names, strict=True))).select(names[:3]).collect(engine="streaming")
        except READ_ERRORS as error:
            raise unreadable(where, error) from error
    return _events(raw["user"], raw["item"], raw["timestamp"], where)


def _events(users: pl.Series, items: pl.Series, times: pl.Series, where: str) -> pl.DataFrame:
    """Return user, item, timestamp and nanosecond of each event."""
    found = to_times(times, where)
    finer = pl.Series([0], dtype=pl.Int32).new_from_index(0, len(times)) if found.nanoseconds is None else found.nanoseconds
    ids = {"user": to_ids(users, where, "user"), "item": to_ids(items, where, "item")}
    return pl.DataFrame(ids | {"timestamp": found.seconds, "nanosecond": finer})


def _by_time(events: pl.DataFrame) -> pl.DataFrame:
    """Order events by their times, and leave out the parts of a second where all are whole."""
    ordered = events.sort("timestamp", "nanosecond", maintain_order=True)
    return ordered if ordered["nanosecond"].max() else ordered.drop("nanosecond")
