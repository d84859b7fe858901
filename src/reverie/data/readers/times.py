"""Times of any spelling and unit: whole seconds since 1970 UTC, and the nanoseconds behind them."""

from __future__ import annotations

import functools
import operator
import re
from dataclasses import dataclass

import polars as pl

from reverie.data.readers.convert import check_values, require_values
from reverie.data.readers.dates import to_moments, without_wrapping
from reverie.errors import DataError

UNITS = (("seconds", 1, 1e11), ("milliseconds", 10**3, 1e14), ("microseconds", 10**6, 1e17), ("nanoseconds", 10**9, float("inf")))
"""Name, ticks per second, and the magnitude below which the largest time of a column is in it: 1e11 s is the year 5138."""
STAMPS = ((8, "%Y%m%d"), (12, "%Y%m%d%H%M"), (14, "%Y%m%d%H%M%S"), (17, "%Y%m%d%H%M%S%3f"))
"""Digits and meaning of numbers that are dates, such as 20240531."""
RARE = (
    (6, "%Y%m", 190_001, 210_000), (7, "%Y%j", 1_970_001, 2_100_000), (6, "%y%m%d", 150_101, 400_000),
    (10, "%Y%m%d%H", 1_970_010_100, 2_100_000_000),
)  # fmt: skip
"""Digits, meaning and range of numbers that could be seconds as well, and are dates only where all of a column are."""
SHEET_BEGIN, SHEET_END, SHEET_1970 = 32_874, 73_051, 25_569
"""Dates of spreadsheets, in days since 1899-12-30: of 1990, of 2100 and of 1970."""
YEAR_1, YEAR_1980, YEAR_2000, YEAR_2100, YEAR_10000 = -62_135_596_800, 315_532_800, 946_684_800, 4_102_444_800, 253_402_300_800


@dataclass(frozen=True)
class Times:
    """Times of events; nanoseconds are None where all are whole seconds, `note` says what was read as what."""

    seconds: pl.Series
    nanoseconds: pl.Series | None
    note: str = ""
    of_no_year: bool = False


def to_times(values: pl.Series, where: str, day_first: bool | None = None) -> Times:
    """Bring times to seconds and nanoseconds since 1970 UTC; `day_first` says how 03/04/2024 is meant."""
    require_values(values, where)
    if values.dtype == pl.Date:
        return _checked(values, values.cast(pl.Int64) * 86_400, None, where)
    if isinstance(values.dtype, pl.Datetime):
        ticks = {"ms": 10**3, "us": 10**6, "ns": 10**9}[values.dtype.time_unit]
        return _of_ticks(values, values.to_physical(), None, ticks, where)
    if values.dtype.is_decimal():
        values = values.cast(pl.String)
    if values.dtype == pl.String:
        text = without_wrapping(values.str.strip_chars())
        numbers = text.cast(pl.Float64, strict=False)
        if numbers.is_null().all():
            found = to_moments(values, text, where, day_first)
            checked = _checked(values, found.seconds, found.nanoseconds, where)
            return Times(checked.seconds, checked.nanoseconds, found.note)
        check_values(values, numbers.is_finite().fill_null(False), where, "a time")
        whole = text.cast(pl.Int64, strict=False)
        if not whole.null_count():
            return _numbers(values, whole, None, where)
        if text.str.contains(r"^[+-]?\d{1,18}(\.\d*)?$").all():
            return _numbers(values, *_decimals(text), where)
        return _floats(values, numbers, where)
    if values.dtype.is_float():
        numbers = values.cast(pl.Float64)
        check_values(values, numbers.is_finite(), where, "a time")
        return _floats(values, numbers, where)
    if not values.dtype.is_integer():
        raise DataError(f"{where}: column '{values.name}' holds {values.dtype}, not times; choose another with timestamp=")
    whole = values if values.dtype == pl.Int64 else values.cast(pl.Int64, strict=False)
    if whole.null_count():
        check_values(values, whole.is_not_null(), where, "a time")
    return _numbers(values, whole, None, where)


def _floats(values: pl.Series, numbers: pl.Series, where: str) -> Times:
    """Take floats by their shortest decimals, so that 1700000000.1 is what it says; whole ones exactly."""
    check_values(values, numbers.abs() < 2.0**63, where, "a time between the years 1 and 9999")
    whole = numbers.floor().cast(pl.Int64)
    if (whole == numbers).all():
        return _numbers(values, whole, None, where)
    rest = ((numbers - whole) * 1e6).round().cast(pl.Int64)
    whole, rest = whole + (rest == 1_000_000).cast(pl.Int64), rest % 1_000_000 * 1000
    inexact = (whole * 1_000_000.0 + rest / 1000) / 1e6 != numbers  # more than six decimals
    if inexact.any():
        at = inexact.arg_true()
        for old, new in zip((whole, rest), _decimals(_plain(numbers.gather(at))), strict=True):
            old.scatter(at, new)
    return _numbers(values, whole, rest, where)


def _plain(numbers: pl.Series) -> pl.Series:
    """Write floats as plain decimals of the fewest digits that give them back."""
    text = numbers.cast(pl.String)
    far = text.str.contains("e").arg_true()  # below 1e-5, or from 1e16 on
    return text.scatter(far, [f"{number:.9f}" for number in numbers.gather(far)]) if len(far) else text


def _decimals(text: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Split plain decimals into the whole number below and billionths above it."""
    parts = text.str.strip_prefix("+").str.split_exact(".", 1).struct.unnest()
    whole = parts.to_series(0).cast(pl.Int64)
    rest = parts.to_series(1).fill_null("").str.slice(0, 9).str.pad_end(9, "0").cast(pl.Int64)
    below = text.str.starts_with("-") & (rest > 0)
    if below.any():
        whole, rest = whole - below.cast(pl.Int64), pl.select(pl.when(below).then(10**9 - rest).otherwise(rest)).to_series()
    return whole, rest


def _numbers(values: pl.Series, whole: pl.Series, rest: pl.Series | None, where: str) -> Times:
    """Tell the unit of a column of numbers by its largest one."""
    low, high = int(whole.min()), int(whole.max())  # type: ignore[arg-type]  # integers only
    for digits, pattern in STAMPS:
        if 19 * 10 ** (digits - 2) <= low and high < 22 * 10 ** (digits - 2) and rest is None:
            stamps = whole.cast(pl.String).str.to_datetime(pattern, strict=False, time_unit="us")
            if stamps.null_count() < len(stamps) / 2:
                check_values(values, stamps.is_not_null(), where, f"a date like {20240531180000 // 10 ** (14 - digits)}")
                found = _of_ticks(values, stamps.to_physical(), None, 10**6, where)
                return Times(found.seconds, found.nanoseconds, f"numbers of column '{values.name}' are read as dates like {low}")
    if (
        rest is None
        and len(fitting := [one for one in map(functools.partial(_rare, whole, low, high), RARE) if one is not None]) == 1
    ):
        seconds, digits = fitting[0]
        return Times(seconds, None, f"numbers of column '{values.name}' are read as dates of {digits} digits, like {low}")
    if rest is None and low >= 101 and high <= 1231 and whole.n_unique() > 31:
        days = (whole + 19720000).cast(pl.String).str.to_datetime("%Y%m%d", strict=False, time_unit="us")  # a leap year
        if not days.null_count():
            seconds = days.to_physical() // 10**6 - 730 * 86_400
            return Times(
                seconds, None, f"numbers of column '{values.name}' are read as month and day of no year, like {low:04d}", True
            )
    if low >= SHEET_BEGIN and high < SHEET_END and (rest is not None or re.search("date|day", values.name, re.IGNORECASE)):
        clock = 0 if rest is None else (rest * 86_400 + 10**9 // 2) // 10**9
        note = f"numbers of column '{values.name}' are read as dates of a spreadsheet, days since 1899-12-30, to the second"
        return Times((whole - SHEET_1970) * 86_400 + clock, None, note)
    name, ticks, _ = next(unit for unit in UNITS if max(abs(low), abs(high)) < unit[2])
    if ticks > 1 or (high >= YEAR_2000 and low <= 21_991_231):
        _require_one_unit(values, whole, high, name, ticks, where)
    note = "" if ticks == 1 else f"numbers of column '{values.name}' are read as {name} since 1970"
    found = _of_ticks(values, whole, rest, ticks, where)
    return Times(found.seconds, found.nanoseconds, note)


def _rare(whole: pl.Series, low: int, high: int, form: tuple[int, str, int, int]) -> tuple[pl.Series, int] | None:
    """Return seconds of numbers that are all dates of one of the rare forms, and their digits."""
    digits, pattern, first, last = form
    if not (first <= low and high < last):
        return None
    text = whole.unique().cast(pl.String)
    more = {"%Y%m": ("01", "%Y%m%d"), "%Y%m%d%H": ("00", "%Y%m%d%H%M")}
    ending, full = more.get(pattern, ("", pattern))
    if pattern == "%Y%j":
        year, day = text.str.head(4) + "0101", text.str.tail(3).cast(pl.Int64)
        begin = year.str.to_datetime("%Y%m%d", strict=False, time_unit="us")
        found = begin + ((day - 1) * 86_400_000_000).cast(pl.Duration("us"))
        found = found.set((day < 1) | (found.dt.year() != begin.dt.year()), None)
    else:
        found = (text + ending).str.to_datetime(full, strict=False, time_unit="us")
    if found.null_count():
        return None
    seconds = whole.replace_strict(whole.unique(), found.to_physical() // 10**6, return_dtype=pl.Int64)
    return seconds, digits


def _require_one_unit(values: pl.Series, whole: pl.Series, high: int, name: str, ticks: int, where: str) -> None:
    """Refuse a column where the unit of the largest value makes others too early, or some may be dates in digits."""
    if ticks > 1:
        wrong = (whole >= YEAR_1980) & (whole < YEAR_1980 * ticks)
        if high < YEAR_2000 * ticks:
            known = [(whole >= YEAR_1980 * less) & (whole < YEAR_2100 * less) for _, less, _ in UNITS if less < ticks]
            wrong &= functools.reduce(operator.or_, known)
        what = f"is before 1980 as {name} since 1970"
    else:
        wrong = (whole >= 19_000_101) & (whole <= 21_991_231)
        if wrong.any():
            digits = whole.set(~wrong, None).cast(pl.String)
            wrong = digits.str.to_datetime("%Y%m%d", strict=False, time_unit="us").is_not_null()
        what = "may be a date in digits"
    if wrong.any():
        one, largest = int(wrong.arg_max() or 0), int(whole.arg_max() or 0)
        raise DataError(
            f"{where}: column '{values.name}' mixes units of time: {values[one]} in row {one + 1} {what}, beside {values[largest]} "
            f"in row {largest + 1}; bring all to one unit or leave such rows out"
        )


def _of_ticks(values: pl.Series, whole: pl.Series, rest: pl.Series | None, ticks: int, where: str) -> Times:
    """Bring whole ticks since 1970, and billionths of a tick, to seconds and nanoseconds."""
    if ticks == 1:
        return _checked(values, whole, rest, where)
    seconds = whole // ticks
    nanoseconds = (whole - seconds * ticks) * (10**9 // ticks)
    return _checked(values, seconds, nanoseconds if rest is None else nanoseconds + rest // ticks, where)


def _checked(values: pl.Series, seconds: pl.Series, nanoseconds: pl.Series | None, where: str) -> Times:
    if int(seconds.min()) < YEAR_1 or int(seconds.max()) >= YEAR_10000:  # type: ignore[arg-type]  # integers only
        good = (seconds >= YEAR_1) & (seconds < YEAR_10000)
        check_values(values, good, where, "a time between the years 1 and 9999")
    if nanoseconds is not None and nanoseconds.max() == 0:
        nanoseconds = None
    return Times(seconds, None if nanoseconds is None else nanoseconds.cast(pl.Int32))
