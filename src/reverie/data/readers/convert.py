"""Type conversion of id, rating and timestamp columns, with errors that name row and value."""

from __future__ import annotations

import polars as pl

from reverie.data.readers.formats import is_integer_text
from reverie.errors import DataError

UNITS = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (float("inf"), 1_000_000_000))
"""Largest magnitude below which a time is in s, ms, µs, ns, and ticks per second: 1e11 s is the year 5138, 1e11 ms is 1973."""

DATE_FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M:%S%.f%:z",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m %d, %Y",
)
"""Dates that are understood; day-first and month-first dates with slashes are ambiguous and are not."""


def to_ids(values: pl.Series, where: str, role: str, text: bool = False) -> pl.Series:
    """Bring ids to Int64 where they are integers, else to String."""
    _require(values, where, role)
    dtype = values.dtype
    if dtype.is_integer():
        integers = values.cast(pl.Int64, strict=False)
        return values.cast(pl.String) if integers.null_count() else integers
    if dtype.is_float():
        whole = values.cast(pl.Int64, strict=False)
        _check(values, whole.is_not_null() & (whole == values), where, "an integer or text")
        return whole
    ids = values.cast(pl.String)
    return ids.cast(pl.Int64) if text and is_integer_text(ids) else ids


def to_numbers(values: pl.Series, where: str) -> pl.Series:
    """Bring ratings to Float32; a missing one stays null."""
    source = values.str.strip_chars() if values.dtype == pl.String else values
    numbers = source.cast(pl.Float32, strict=False)
    _check(values, numbers.is_not_null() | values.is_null(), where, "a number")
    return numbers


def to_seconds(values: pl.Series, where: str) -> pl.Series:
    """Bring times to whole seconds since 1970 UTC."""
    _require(values, where, "timestamp")
    if values.dtype in (pl.Date, pl.Datetime):
        return values.dt.epoch("s").cast(pl.Int64)
    if values.dtype == pl.String:
        numbers = values.str.strip_chars().cast(pl.Float64, strict=False)
        if numbers.is_null().all():
            return _parse_dates(values, where)
        _check(values, numbers.is_not_null(), where, "a time")
        values = numbers
    if not values.dtype.is_numeric():
        raise DataError(f"{where}: column '{values.name}' holds {values.dtype}, not times; choose another with timestamp=")
    if values.dtype.is_float():
        _check(values, values.is_finite(), where, "a time")
    largest = max(abs(float(values.max() or 0)), abs(float(values.min() or 0)))  # type: ignore[arg-type]  # numbers only
    ticks = next(ticks for limit, ticks in UNITS if largest < limit)
    if ticks != 1:
        values = values // ticks
    return values.floor().cast(pl.Int64) if values.dtype.is_float() else values.cast(pl.Int64)


def _parse_dates(values: pl.Series, where: str) -> pl.Series:
    head = values.head(1000)
    likeliest = min(DATE_FORMATS, key=lambda pattern: _parse(head, pattern).null_count())
    seconds = _parse(values, likeliest)
    _check(values, seconds.is_not_null(), where, "a date like 2024-05-31 or 2024-05-31 18:00:00")
    return seconds


def _parse(values: pl.Series, pattern: str) -> pl.Series:
    zone = "UTC" if pattern.endswith("z") else None
    return values.str.strip_chars().str.to_datetime(pattern, strict=False, time_unit="us", time_zone=zone).dt.epoch("s")


def _require(values: pl.Series, where: str, role: str) -> None:
    if values.null_count():
        row = int(values.is_null().arg_max() or 0) + 1
        raise DataError(f"{where} row {row} has no value in column '{values.name}'; fill it or leave the row out ({role})")


def _check(values: pl.Series, good: pl.Series, where: str, what: str) -> None:
    if not good.all():
        row = int((~good).arg_max() or 0)
        raise DataError(f"{where} row {row + 1}, column '{values.name}': {values[row]!r} is not {what}; correct it or leave it out")
