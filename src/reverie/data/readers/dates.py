"""Dates as text, of any usual spelling: ISO 8601, the day or the month first, names of months, clocks of twelve hours."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from reverie.data.readers.convert import check_values
from reverie.errors import DataError

FORMATS = (
    "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f UTC", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ", "%Y/%m/%d %H:%M:%S", "%Y-%m-%d",
    "%Y/%m/%d", "%m %d, %Y",
)  # fmt: skip
"""The usual spellings, which are parsed fastest; all others are taken apart."""
_ZONE = r"\s*(?i:\(?(Z|UTC|GMT)\)?|(?:UTC|GMT)?([+-]\d\d):?(\d\d)?)?"
_CLOCK = r"(\d\d?)(?::?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?)?\s*(?i:([AP])\.?M\.?)?" + _ZONE
_TIME = rf"(?:(?:[Tt]|,?\s+|:)\s*{_CLOCK})?\s*$"
_DAY = r"^(?i:(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?)"
_MONTH = r"(?i:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?)"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OF_CLOCK = ("hour", "minute", "second", "fraction", "half", "zulu", "zone", "zone minute")
READINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"^(\d{{4}})(?:-(\d\d?)-|/(\d\d?)/|\.(\d\d?)\.|(\d\d))(\d\d?){_TIME}", ("year", *["month"] * 4, "day", *_OF_CLOCK)),
    (rf"{_DAY}(\d\d?)(?:st|nd|rd|th)?[\s/.-]*(?:of\s+)?{_MONTH}[\s,/.-]*(\d{{4}}){_TIME}", ("day", "month", "year", *_OF_CLOCK)),
    (rf"{_DAY}{_MONTH}[\s/.-]+(\d\d?)(?:st|nd|rd|th)?[\s,/.-]+(\d{{4}}){_TIME}", ("month", "day", "year", *_OF_CLOCK)),
    (
        rf"{_DAY}{_MONTH}\s+(\d\d?)\s+(\d\d?):(\d\d):(\d\d)\s+(?:([+-]\d\d)(\d\d)|[A-Z]{{1,4}})?\s*(\d{{4}})\s*$",
        ("month", "day", "hour", "minute", "second", "zone", "zone minute", "year"),
    ),
)
"""Year first; a day and the name of its month; the name first; and as clocks of Unix print it. Groups of each by their meaning."""
NUMERIC = rf"{_DAY}(\d\d?)[/.-](\d\d?)[/.-](\d{{4}}){_TIME}"
"""Two numbers, of which either may be the day, then the year."""
SHORT_YEAR = rf"{_DAY}(\d\d?)[/.-](\d\d?)[/.-](\d\d){_TIME}"
"""Three numbers of two digits, of which any may be the year."""
_AROUND = ((r"^/Date\((-?\d+)(?:[+-]\d{4})?\)/$", "${1}"), (r"^\[(.*)\]$", "${1}"), (r"\s+[Uu]hr$", ""),
           (r"^(\d{4})年(\d\d?)月(\d\d?)日", "${1}-${2}-${3}"))  # fmt: skip
"""What stands around dates in exports, and what is left of them."""
_REMEDY = (
    "correct it or leave the row out; where all are written so, write them as 2024-05-31T18:00:00+02:00, or take another column "
    "with timestamp="
)


@dataclass(frozen=True)
class Moments:
    """Seconds since 1970 UTC, nanoseconds behind them, and what was read as what."""

    seconds: pl.Series
    nanoseconds: pl.Series
    note: str = ""


def to_moments(values: pl.Series, text: pl.Series, where: str, day_first: bool | None) -> Moments:
    """Parse dates by the likeliest spelling, and what is left by the others."""
    head = text.head(1000)
    likeliest = min(FORMATS, key=lambda pattern: _parse(head, pattern).null_count())
    found, note = _parse(text, likeliest), ""
    if found.null_count():
        at = found.is_null().arg_true()
        left = text.gather(at).unique(maintain_order=True)
        lines, note = _canonical(left, values, where, day_first, len(at) == len(text))
        moments = pl.DataFrame({"text": left, "moment": _parse(lines, "%Y-%m-%dT%H:%M:%S%.f%:z")})
        joined = pl.DataFrame({"text": text.gather(at)}).join(moments, on="text", how="left", maintain_order="left")
        found = found.scatter(at, joined["moment"])
    check_values(values, found.is_not_null(), where, "a date like 2024-05-31 or 2024-05-31 18:00:00", _REMEDY)
    microseconds = found.to_physical()
    seconds = microseconds // 10**6
    nanoseconds = (microseconds - seconds * 10**6) * 1000
    if int(text.str.len_bytes().max() or 0) > 26:  # type: ignore[arg-type]  # integers only
        finer = text.str.extract(r"[.,]\d{6}(\d{1,3})", 1).fill_null("").str.pad_end(3, "0")
        nanoseconds = nanoseconds + finer.cast(pl.Int64)
    return Moments(seconds, nanoseconds, note)


def _parse(text: pl.Series, pattern: str) -> pl.Series:
    """Return moments in UTC, microseconds; null where a text is none, and where its year has not four digits."""
    zone = "UTC" if pattern.endswith("z") else None
    found = text.str.to_datetime(pattern, strict=False, time_unit="us", time_zone=zone)
    found = found.dt.replace_time_zone(None) if zone else found
    short = found.dt.year() < 1000
    if short.any() and not text.filter(short).str.contains(r"^0\d{3}|, 0\d{3}$").all():
        found = found.scatter(short.arg_true(), None)
    return found


def _canonical(text: pl.Series, values: pl.Series, where: str, day_first: bool | None, whole: bool) -> tuple[pl.Series, str]:
    """Write distinct dates as ISO 8601, null where a text is none; of a whole column of numbers say which is the day."""
    frame, note, readings = pl.DataFrame({"text": text}), "", READINGS
    numbers = frame.select(pl.col("text").str.extract_groups(NUMERIC)).unnest("text")
    if whole and not numbers["1"].null_count():
        swapped = _day_is_first(values, numbers["1"].cast(pl.Int64), numbers["2"].cast(pl.Int64), text, where, day_first)
        note = f"dates of column '{values.name}' are read with the {'day' if swapped else 'month'} first"
        readings = ((NUMERIC, (*(("day", "month") if swapped else ("month", "day")), "year", *_OF_CLOCK)),)
    elif whole and not frame["text"].str.contains(SHORT_YEAR).not_().any():
        if day_first is None:
            raise DataError(
                f"{where}: column '{values.name}' has years of two digits, as {text[0]!r}, and which is the year cannot be told; "
                "say with day_first=True or day_first=False that the year is last, or write years with four digits"
            )
        note = f"dates of column '{values.name}' are read with the {'day' if day_first else 'month'} first, years from 1970 to 2069"
        readings = ((SHORT_YEAR, (*(("day", "month") if day_first else ("month", "day")), "year", *_OF_CLOCK)),)
    return frame.select(pl.coalesce(*(_line(*reading) for reading in readings)).alias("text"))["text"], note


def _day_is_first(
    values: pl.Series, first: pl.Series, second: pl.Series, text: pl.Series, where: str, day_first: bool | None
) -> bool:
    """Decide on the whole column which of two numbers is the day; where both may be, somebody has to say it."""
    if day_first is not None:
        return day_first
    large, other = (first > 12).arg_true(), (second > 12).arg_true()
    if len(large) and len(other):
        raise DataError(
            f"{where}: column '{values.name}' has {text[large[0]]!r}, where the day is first, and {text[other[0]]!r}, where the "
            "month is; write all dates one way"
        )
    if not len(large) and not len(other) and not (first == second).all():
        one = int((first != second).arg_max() or 0)
        raise DataError(
            f"{where}: column '{values.name}' has dates such as {text[one]!r}, and either number of all may be the day; say "
            "which is with day_first=True or day_first=False"
        )
    return bool(len(large))


def _line(pattern: str, names: tuple[str, ...]) -> pl.Expr:
    """Write the groups of a pattern as one date of ISO 8601; null where a text does not fit it."""
    groups = pl.col("text").str.extract_groups(pattern)
    part = {
        name: pl.coalesce(*(groups.struct.field(str(at)) for at, one in enumerate(names, start=1) if one == name)) for name in names
    }
    two = {
        name: part[name].fill_null("00").str.zfill(2) for name in ("day", "hour", "minute", "second", "zone minute") if name in part
    }
    minute = two.get("zone minute", pl.lit("00"))
    month = part["month"].str.to_lowercase().replace({name: str(at) for at, name in enumerate(MONTHS, start=1)}).str.zfill(2)
    zone = pl.when(part["zone"].is_null()).then(pl.lit("+00:00")).otherwise(pl.format("{}:{}", part["zone"], minute))
    hour, fraction = two["hour"], part["fraction"].fill_null("0") if "fraction" in part else pl.lit("0")
    if "half" in part:  # 12 AM is the hour 0, and 13 PM is none
        number, late = part["hour"].cast(pl.Int64), part["half"].str.to_uppercase() == "P"
        clock = pl.when(number > 12).then(99).otherwise(number % 12 + 12 * late.cast(pl.Int64))
        hour = pl.when(part["half"].is_null()).then(hour).otherwise(clock.cast(pl.String).str.zfill(2))
    year = part["year"].str.replace(r"^([0-6]\d)$", "20${1}").str.replace(r"^([7-9]\d)$", "19${1}")
    line = pl.format("{}-{}-{}T{}:{}:{}.{}{}", year, month, two["day"], hour, two["minute"], two["second"], fraction, zone)
    return pl.when(part["year"].is_not_null()).then(line)


def without_wrapping(text: pl.Series) -> pl.Series:
    """Take away what exports write around dates."""
    for pattern, left in _AROUND:
        if text.head(1).str.contains(pattern).any():
            text = text.str.replace(pattern, left)
    return text
