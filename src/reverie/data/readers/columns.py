"""Reading the columns of a log: each role brought to its type, and what was read as what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from reverie.data.feedback import check_feedback
from reverie.data.read_as import ReadAs
from reverie.data.readers.choices import date_and_clock, gives_way, times_of
from reverie.data.readers.convert import to_ids, to_numbers, to_text
from reverie.data.readers.dialect import normalise_name
from reverie.data.readers.doubts import doubt
from reverie.data.readers.layouts import FileOptions
from reverie.data.readers.nested import EMPTY
from reverie.data.readers.roles import Roles, by_position, find_roles
from reverie.data.readers.table import Table
from reverie.data.readers.times import to_times
from reverie.errors import DataError, short

PARTS = ("train", "valid", "test")
_ONE = r"['\"]?\w*\d\w*(-[01])?['\"]?"
_SEVERAL = rf"^\s*[\[(]?\s*{_ONE}([\s,|;]+{_ONE})+\s*[\])]?\s*$"
"""Ids with digits, with blanks or signs between them."""
OF_ITEMS = ("title", "categories", "text")
"""Roles of columns of a log that say something of its items."""


@dataclass(frozen=True)
class Read:
    """Events with a column a role, what they were read as, and what the log itself says of its items."""

    events: pl.DataFrame
    read_as: ReadAs
    catalog: pl.DataFrame = field(default_factory=lambda: pl.DataFrame({"item": []}))


def read_columns(
    table: Table,
    options: FileOptions,
    chosen: Mapping[str, str | None],
    asked: Mapping[str, str | bool | None],
    use_position: bool,
    kinds: Sequence[str] | None,
) -> Read:
    """Return the events of a table."""
    roles, frame, notes, warnings = _read(table, options, chosen, asked, use_position)
    where, column_of = table.where, roles.columns
    unasked = [] if "weight" in column_of else [one for one in table.columns if normalise_name(one) in ("weight", "weights")]
    notes += [f"column '{one}' is not read; say weight='{one}' if events count by it in training" for one in unasked[:1]]
    frame, empty = _exploded(frame, column_of, where)
    frame, missing = _without_others(frame, column_of, kinds)
    missing = {"rows without an item": empty, **missing} if empty else missing
    columns: dict[str, pl.Series] = {}
    for role, column in column_of.items():
        values = frame[column]
        if len(set(column_of.values())) == len(column_of):
            frame = frame.drop(column)
        if role in ("user", "item"):
            columns[role] = to_ids(values, where, role, _remedy(values, role, roles, columns, frame))
        elif role == "timestamp":
            found = to_times(values, where, options.day_first)
            columns[role] = found.seconds
            if found.nanoseconds is not None:
                columns["nanosecond"] = found.nanoseconds
            notes += [found.note] if found.note else []
            warnings += [f"{where}: {said}"] if (said := doubt(values, found)) else []
        elif role in ("rating", *asked):
            columns[role] = to_numbers(values, where, role)
        else:
            columns[role] = to_text(values, where, role)
    if "part" in columns and not columns["part"].is_in(PARTS).all():
        raise DataError(f"{where}: column '{column_of['part']}' must hold only {', '.join(PARTS)}; correct it or rename the column")
    events = pl.DataFrame([values.alias(role) for role, values in columns.items()])
    check_feedback(events, where, column_of)
    catalog, events = _items(events), events.drop(OF_ITEMS, strict=False)
    if roles.position is not None and use_position:
        events, note = by_position(events, frame[roles.position], where, bool(chosen.get("timestamp")))
        notes += [note] if note else []
    dropped, noted = {**table.dropped, **missing}, (*table.notes, *notes)
    doubts = (*table.warnings, *warnings)
    known = ReadAs(where, table.form, column_of, roles.rivals, dropped=dropped, notes=noted, warnings=doubts)
    return Read(events, known, catalog)


def _read(
    table: Table,
    options: FileOptions,
    chosen: Mapping[str, str | None],
    asked: Mapping[str, str | bool | None],
    use_position: bool,
) -> tuple[Roles, pl.DataFrame, list[str], list[str]]:
    """Find the roles and read their columns, those that give way left out; return notes and warnings, too."""
    given = options.roles
    if given is not None:
        chosen = {**chosen, **{role: role for role in given if role in table.columns and role not in asked}}
        asked = {**asked, **{role: role for role in asked if role in given}}
    notes: list[str] = []
    warnings: list[str] = []
    without: list[str] = []
    clock: str | None = None
    while True:
        roles = find_roles(table, chosen, asked, without)
        if "timestamp" not in roles.columns and given is None and not chosen.get("timestamp"):
            taken = {*roles.columns.values(), *without}
            looking = times_of(table, [roles.columns["user"], roles.columns["item"]], taken)
            if len(looking) == 1 and roles.position is None:
                roles = find_roles(table, {**chosen, "timestamp": looking[0]}, asked, without)
                notes.append(f"column '{looking[0]}' looks like the times and is taken for them")
            elif looking:
                warnings.append(
                    f"{table.where}: no column is taken for the times, and {', '.join(looking[:6])} look like some; say "
                    f"timestamp={looking[0]} to order events by it"
                )
        elif not chosen.get("timestamp") and (split := date_and_clock(table, roles)) is not None:
            roles.columns["timestamp"], clock = split
        columns = roles.columns
        times = [columns["timestamp"]] if "timestamp" in columns else []
        more = [roles.position] if roles.position is not None and use_position else []
        more += [clock] if clock is not None else []
        frame = table.read([*columns.values(), *more], ids=[columns["user"], columns["item"]], times=times)
        present = frame.filter(~frame[EMPTY]) if EMPTY in frame.columns else frame
        other = gives_way(table, roles, present, chosen) if given is None and clock is None else None
        if other is None:
            break
        without.append(other[0])
        notes += [other[1]] if other[1] else []
        warnings += [other[2]] if other[2] else []
    if any(frame[column].null_count() for column in columns.values()) and EMPTY not in frame.columns:
        table.check()
    if clock is not None:
        day = columns["timestamp"]
        both = pl.concat_str(pl.col(day).cast(pl.String).str.strip_chars(), pl.col(clock).cast(pl.String), separator=" ")
        frame = frame.with_columns(both.alias(day)).drop(clock)
        roles.rivals["timestamp"] = tuple(one for one in roles.rivals.get("timestamp", ()) if one not in (day, clock))
        notes.append(f"times are columns '{day}' and '{clock}' together")
    return roles, frame, notes, warnings


def _exploded(frame: pl.DataFrame, column_of: Mapping[str, str], where: str) -> tuple[pl.DataFrame, int]:
    """Give each item of a list a row, and count the empty lists; lists in text are refused."""
    empty = 0
    if EMPTY in frame.columns:
        empty = int(frame[EMPTY].sum())
        frame = frame.filter(~frame[EMPTY]).drop(EMPTY)
        if frame.is_empty():
            raise DataError(f"{where}: all lists of items are empty, so it has no event; check that it is the right file")
    lists = [
        column for role, column in column_of.items() if role != "user" and isinstance(frame.schema[column], pl.List | pl.Array)
    ]
    items = frame[column_of["item"]]
    if items.name in lists:
        try:
            empty += int((items.list.len() == 0).sum()) if isinstance(items.dtype, pl.List) else 0
            return frame.explode(lists, empty_as_null=False, keep_nulls=True), empty
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{where}: the lists of {', '.join(lists)} differ in length within a row; give one event a row"
            ) from error
    if items.dtype == pl.String:
        head = items.drop_nulls().head(1000)
        several = head.str.contains(_SEVERAL)
        if len(head) and several.sum() > 0.5 * len(head):
            raise DataError(
                f"{where}: column '{items.name}' holds several ids in a field, as {short(str(head.filter(several)[0]), 60)!r}; "
                "write one event a row, or real lists in JSON or Parquet"
            )
    return frame, empty


def _without_others(
    frame: pl.DataFrame, column_of: Mapping[str, str], kinds: Sequence[str] | None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Leave out rows without a user or an item that are of no kind that is counted."""
    if kinds is None or "kind" not in column_of:
        return frame, {}
    wanted = [kinds] if isinstance(kinds, str) else list(kinds)
    lacking = frame[column_of["user"]].is_null() | frame[column_of["item"]].is_null()
    lacking &= ~frame[column_of["kind"]].cast(pl.String).is_in(wanted).fill_null(False)
    count = int(lacking.sum())
    return (frame.filter(~lacking), {"rows of other kinds without user or item": count}) if count else (frame, {})


def _remedy(values: pl.Series, role: str, roles: Roles, done: Mapping[str, pl.Series], rest: pl.DataFrame) -> str:
    """Return what could be done about ids that are missing, beside filling them."""
    if not values.null_count():
        return ""
    said = "".join(f", or take another column with {role}={one}" for one in roles.rivals.get(role, ())[:1])
    kind = roles.columns.get("kind")
    if kind in rest.columns:
        lacking = set(rest[kind].filter(values.is_null()).cast(pl.String))
        whole = [one for one in rest[kind].cast(pl.String).drop_nulls().unique(maintain_order=True) if one not in lacking]
        said += f", or count only the kinds that have one with kinds={','.join(whole[:4])}" if whole else ""
    return said


def _items(events: pl.DataFrame) -> pl.DataFrame:
    """Return what columns of the log say of its items: the first value of each."""
    present: Collection[str] = [role for role in OF_ITEMS if role in events.columns]
    if not present:
        return pl.DataFrame({"item": events["item"].head(0)})
    return events.group_by("item", maintain_order=True).agg(pl.col(role).drop_nulls().first() for role in present)
