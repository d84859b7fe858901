"""Reading event logs from files, and from what is in memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset, Order
from reverie.data.read_as import ReadAs, by_day, match_titles, span
from reverie.data.readers.catalog import has_column, named_columns, read_catalog
from reverie.data.readers.columns import Read, read_columns
from reverie.data.readers.counted import drop_repeats, of_kinds
from reverie.data.readers.doubts import repeats_are_told
from reverie.data.readers.formats import offered_format, open_table
from reverie.data.readers.layouts import FileOptions, with_layout
from reverie.errors import ConfigError, DataError
from reverie.packed import without_packing


def read_events(
    source: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    timestamp: str | None = None,
    rating: str | None = None,
    kind: str | None = None,
    reward: str | bool | None = None,
    propensity: str | bool | None = None,
    weight: str | bool | None = None,
    kinds: Sequence[str] | None = None,
    catalog: Any = None,
    catalog_columns: str | Sequence[str] | None = None,
    format: str | None = None,
    columns: str | Sequence[str] | None = None,
    layout: str | None = None,
    separator: str | None = None,
    encoding: str | None = None,
    day_first: bool | None = None,
    name: str | None = None,
    licence: str = "not stated",
    order: Order | None = None,
) -> Dataset:
    """Read an event log: who did what, and when.

    Parameters
    ----------
    source : path, frame, array, or rows
        A file: a table of text with any separator, JSON (a line an object, an array, a document; nested), Parquet, Arrow or
        Feather, RecBole's atomic ``.inter``, blocks of items as Netflix has them, or lines "user item item ..."; its content says
        what it is. Files may be packed (``.gz``, ``.bz2``, ``.xz``, ``.zst``, ``.zip``). A folder is read as the parts of one
        log, by their names; a path is never a pattern. In memory: frames of pandas, Polars and Arrow, arrays, and tuples, lists
        or mappings, one a row, from an iterator, too. A list of items is one event each.
    user, item, timestamp, rating, kind : str, optional
        Columns, where their names are not among the usual ones (`reverie.data.readers.layouts.EVENT_NAMES`). A column ``part``
        with train, valid and test is kept. `item` also names the column of the catalogue, where that has one of this name. A
        `timestamp` that is named like an order (position, index, rank …) orders a user's events and is no date; without times
        such a column orders them where no user has a number twice. Where nothing has a usual name of a time, the one column that
        looks like times is taken, by its name and values; a user or item column of one value, and small numbers as times, give
        way to a rival. All of it is said. An `item` that the catalogue alone has is the catalogue's.
    reward, propensity, weight : str or True, optional
        Columns of what an event is worth, of how likely the logging policy was to show this item here, and of how much it counts in
        training; True finds them by their usual names (`reverie.data.readers.layouts.FEEDBACK_NAMES`). Nothing is read where they
        are not asked for; a column ``weight`` that nobody asked for is named in what the log was read as.
    kinds : sequence of str, optional
        Count only events of these kinds.
    catalog : path or frame, optional
        Items with titles and more, see `read_catalog`.
    catalog_columns : str or sequence of str, optional
        What the fields of a catalogue without a header are, as ``"item,title,-"``.
    format : str, optional
        ``csv`` (with any separator), ``tsv``, ``atomic``, ``parquet``, ``arrow``, ``jsonl``, ``json``, ``sequences`` or ``blocks``,
        where the content is to be taken for something else; or published files of a known form: ``microlens`` and ``mmrec``, which
        are folders with content beside the log, ``rc15``, ``rc15-family``, ``retailrocket``, ``retailrocket-cart`` or
        ``retailrocket-family`` (see `reverie.rl.dumps`), and those of other packages.
    columns : str or sequence of str, optional
        What each field of a row is, where nothing names the columns: ``"user,item,-,kind,timestamp"``; ``-`` is not read.
    layout : str, optional
        A public log whose layout is known, in the place of `columns`: ``movielens-1m``, ``lastfm-1k``, ``taobao`` …
        (`reverie.data.readers.layouts.layouts`).
    separator, encoding : str, optional
        Of a file of text, where they are not to be told by its content.
    day_first : bool, optional
        Whether dates such as 03/04/2024 have the day first; needed only where all dates of the column can be read both ways.
    name : str, optional
        What to call the dataset; the file's name without suffixes by default.
    licence : str
        Terms of use.
    order : {"timestamp", "source", "none"}, optional
        What orders a user's events; by default their timestamps, else a position, else the order of the rows.

    Returns
    -------
    Dataset
        Ids are Int64 where all come back unchanged from it, else String. Times are whole seconds since 1970 UTC, with the
        nanoseconds behind them in a column ``nanosecond`` where any time is finer. Where there are times, a row that repeats user,
        item, time and kind is dropped, the first stays; but not where all times are whole days,
        or numbers below 100,000, which are no seconds. All else is in the order of the
        source, or of the position. `Dataset.read_as` says what was read as what, and is told to the log ``reverie.data``.

    Raises
    ------
    DataError
        One sentence: which file, row and column, and what to do.
    """
    chosen = {"user": user, "item": item, "timestamp": timestamp, "rating": rating, "kind": kind}
    asked = {"reward": reward, "propensity": propensity, "weight": weight}
    named = tuple(column for column in (*chosen.values(), *asked.values()) if isinstance(column, str))
    content: Mapping[str, ItemFeatures] = {}
    options, chosen, beside = with_layout(layout, FileOptions(format, columns, separator, encoding, day_first, named), chosen)
    if (read := offered_format(options.format)) is not None:
        if said := [role for role, value in {**chosen, **asked, "order": order, "columns": columns}.items() if value]:
            raise ConfigError(f"the format {format} says where everything stands, so {said[0]}= has no meaning; leave it out")
        if not isinstance(source, str | os.PathLike):
            raise DataError(f"the format {format} is one of files, not of a {type(source).__name__}; give a path")
        loaded = read(Path(source))
        raw = Read(loaded.events, ReadAs(str(source), options.format or "", notes=loaded.notes), loaded.catalog)
        order, content = loaded.order, loaded.content
    else:
        with open_table(source, options) as table:
            if item is not None and catalog is not None and not has_column(table.columns, item):
                beside_log = named_columns(catalog, {"item": item}, FileOptions(separator=beside.separator, encoding=encoding))
                chosen |= {"item": None} if beside_log else {}
            raw = read_columns(table, options, chosen, asked, order is None, kinds)
    events, read_as = raw.events, raw.read_as
    if "timestamp" in events.columns and not by_day(events) and repeats_are_told(events):  # on one day the same may happen twice
        events = drop_repeats(events)
        repeats = {"rows that repeat user, item, time and kind": raw.events.height - events.height}
        read_as = replace(read_as, dropped={**read_as.dropped, **{why: count for why, count in repeats.items() if count}})
    items = raw.catalog
    if catalog is not None:
        given: dict[str, Any] = {
            "columns": catalog_columns or beside.columns,
            "separator": beside.separator,
            "encoding": beside.encoding or encoding,
        }
        items = read_catalog(catalog, item=item or read_as.columns.get("item"), **given)
    order = order or ("timestamp" if "timestamp" in events.columns else "source")
    dataset = Dataset(events, items, name or _name(source), order, licence, notes=read_as.notes, content=content)
    dataset = dataset if kinds is None else of_kinds(dataset, kinds)
    titles, unmatched = match_titles(dataset.events, items, _where(catalog))
    if catalog is not None and "title" not in items.columns:
        unmatched += (
            f"the catalogue {_where(catalog)} has no column known as the title; rename the one that holds titles to title, or say "
            "what each is, as catalog_columns=item,title,-",
        )
    ways = {"timestamp": "ordered by time", "source": "in the order of the rows", "none": "in no order"}
    known = replace(
        read_as, times=span(dataset.events), order=ways[order], kinds=dataset.kind_counts, titles=titles,
        notes=dataset.notes, warnings=(*read_as.warnings, *unmatched),
    )  # fmt: skip
    return replace(dataset, read_as=known.tell())


def _where(catalog: Any) -> str:
    return str(catalog) if isinstance(catalog, str | os.PathLike) else "given"


def _name(source: Any) -> str:
    if not isinstance(source, str | os.PathLike):
        return "events"
    path = Path(source)
    return path.name if path.is_dir() else without_packing(path).stem
