"""Which of several columns is meant, told by their values: times without a usual name, and columns that give way to a rival."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import polars as pl

from reverie.data.readers.dialect import normalise_name
from reverie.data.readers.layouts import HINTS
from reverie.data.readers.roles import Roles, is_missing
from reverie.data.readers.table import READ_ERRORS, Table
from reverie.data.readers.times import YEAR_1980, YEAR_2100, to_times
from reverie.errors import DataError

SAMPLE = 1000
_MOST = 60
"""Columns of a table that are looked at."""
_CLOCK = r"^\s*\d\d?:\d\d(:\d\d([.,]\d+)?)?\s*(?i:[ap]\.?m\.?)?\s*$"


def times_of(table: Table, beside: Collection[str], taken: Collection[str]) -> list[str]:
    """Return columns not taken that look like times, beside which user and item can be read: by name and values, else by values."""
    free = [column for column in table.columns if column not in taken and not _is_other_time(column)][:_MOST]
    kinds = {column: _time_kind(_sample(table, column, beside)) for column in free}
    named = [column for column, kind in kinds.items() if kind and _is_named_time(column)]
    return named or [column for column, kind in kinds.items() if kind == "date"]


def gives_way(table: Table, roles: Roles, frame: pl.DataFrame, chosen: Mapping[str, str | None]) -> tuple[str, str, str] | None:
    """Return a column that gives way to a rival, a note and a warning; None where all columns may stay."""
    for role in ("user", "item", "timestamp"):
        column, rivals = roles.columns.get(role), roles.rivals.get(role, ())
        if column is None or chosen.get(role):
            continue
        if rivals and int(is_missing(frame[column]).sum()) > 0.5 * frame.height:
            return column, f"column '{column}' is empty in most rows", ""
        if role == "timestamp":
            if _is_small(frame[column]) and _has_dates(
                table, rivals or times_of(table, (roles.columns["user"], roles.columns["item"]), roles.columns.values()), roles
            ):
                return column, f"column '{column}' holds small numbers, and not dates", ""
        elif rivals and _is_alone(frame[column]):
            many = next((one for one in rivals if _n_values(_sample(table, one, ())) > 2), None)
            if many is not None:
                warning = (
                    f"column '{column}' of {table.where} has one value in all rows, so '{many}' is taken as the {role}; say "
                    f"{role}={column} if that is wrong"
                )
                return column, "", warning
    return None


def date_and_clock(table: Table, roles: Roles) -> tuple[str, str] | None:
    """Return the columns of the day and of the time of day, where the times of a table are split in two."""
    column, rivals = roles.columns.get("timestamp"), roles.rivals.get("timestamp", ())
    if column is None or not rivals:
        return None
    samples = {one: _sample(table, one, ()) for one in (column, *rivals)}
    clocks = [one for one, values in samples.items() if _is_clock(values)]
    days = [one for one, values in samples.items() if _time_kind(values) and _is_day(values)]
    return (days[0], clocks[0]) if days and clocks and column in (days[0], clocks[0]) else None


def _sample(table: Table, column: str, beside: Collection[str]) -> pl.Series | None:
    """Return the first values of a column, where it can be read beside others; lists give each of theirs."""
    try:
        frame = table.typed(list(dict.fromkeys([*beside, column])), (), (column,)).head(SAMPLE).collect()
    except (DataError, *READ_ERRORS):
        return None
    values = frame[column]
    return values.explode() if isinstance(values.dtype, pl.List | pl.Array) else values


def _time_kind(values: pl.Series | None) -> str:
    """Say whether values are dates, or numbers that could be times; an empty text where they are neither."""
    values = None if values is None else values.filter(~is_missing(values))
    if values is None or values.is_empty() or values.dtype in (pl.Boolean, pl.Binary, pl.Object, pl.Time, pl.Duration):
        return ""
    for day_first in (True, False):
        try:
            seconds = to_times(values, "", day_first).seconds
        except (DataError, *READ_ERRORS):
            continue
        number = values.dtype.is_numeric() or not values.cast(pl.String).str.contains(r"\d\D+\d").all()
        if int(seconds.min()) >= YEAR_1980 and int(seconds.max()) < YEAR_2100:  # type: ignore[arg-type]  # integers
            return "number" if number or _is_decimal(values) else "date"
    return ""


def _is_decimal(values: pl.Series) -> bool:
    return values.dtype == pl.String and values.cast(pl.Float64, strict=False).is_not_null().any()


def _is_day(values: pl.Series | None) -> bool:
    """Whether values are days without a time of day, as text, as dates or as their digits."""
    if values is None or not (values.dtype in (pl.String, pl.Date) or values.dtype.is_integer()):
        return False
    text = values.drop_nulls().cast(pl.String)
    return not text.str.contains(":").any() and (values.dtype != pl.Int64 or bool((text.str.len_bytes() == 8).all()))


def _is_clock(values: pl.Series | None) -> bool:
    if values is None or not values.count():
        return False
    return values.dtype == pl.Time or (values.dtype == pl.String and bool(values.drop_nulls().str.contains(_CLOCK).all()))


def _is_small(values: pl.Series) -> bool:
    """Whether values are numbers that no clock of today shows."""
    if values.dtype == pl.String and values.head(SAMPLE).cast(pl.Float64, strict=False).is_null().all():
        return False
    numbers = values.cast(pl.Float64, strict=False) if values.dtype == pl.String or values.dtype.is_numeric() else None
    return numbers is not None and numbers.null_count() == values.null_count() and float(numbers.max() or 0) < 19_000_101  # type: ignore[arg-type]  # numbers


def _has_dates(table: Table, rivals: Sequence[str], roles: Roles) -> bool:
    """Whether the first rival that can be read is a time."""
    return any(_time_kind(_sample(table, one, (roles.columns["user"], roles.columns["item"]))) for one in rivals)


def _is_alone(values: pl.Series) -> bool:
    return len(values) > 2 and not values.dtype.is_nested() and values.head(SAMPLE).n_unique() == 1 and values.n_unique() == 1


def _n_values(values: pl.Series | None) -> int:
    return 0 if values is None or values.dtype.is_nested() or values.dtype == pl.Object else values.drop_nulls().n_unique()


def _words(column: str) -> list[str]:
    """Split a name into its words."""
    return re.sub(r"([a-z\d])([A-Z])", r"\1 \2", column).lower().replace("_", " ").replace(".", " ").replace("-", " ").split()


def _is_named_time(column: str) -> bool:
    last = normalise_name(column.rpartition(".")[2])
    return bool(set(_words(column)) & set(HINTS["time"])) or last.endswith(HINTS["ending"])


def _is_other_time(column: str) -> bool:
    """Whether a name tells of another moment than that of the event."""
    return any(part in normalise_name(column) for part in HINTS["other"])
