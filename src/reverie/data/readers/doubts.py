"""Times that are unlikely to be those of events: before 1980, in the future, or 0 where there is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from reverie.data.readers.times import YEAR_1980, Times

PLAIN = 100_000
"""Numbers below are no seconds since 1970, which is 28 hours: they count days, or rows."""


def doubt(values: pl.Series, found: Times) -> str:
    """Return a warning of times that may be something else than they were read as; an empty text where none is due."""
    low, high = (int(one) for one in (found.seconds.min(), found.seconds.max()))  # type: ignore[arg-type]  # integers
    if found.of_no_year or (high < YEAR_1980 and 0 <= low < 1000 and high >= PLAIN):  # a clock that begins with the log
        return ""
    moments = [f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=one):%Y-%m-%d}" for one in (low, high)]
    what = found.note or f"{values[0]!r} and the others"
    begin = f"column '{values.name}' is read as times from {moments[0]} to {moments[1]}"
    remedy = (
        "if its values count something else (days, a spreadsheet's dates, seconds since another year), write dates such as "
        "2024-05-31, or take another column with timestamp="
    )
    if high < YEAR_1980:
        return f"{begin}, all before 1980 ({what}); {remedy}"
    if high > datetime.now(UTC).timestamp() + 86_400:
        return f"{begin}, which is in the future ({what}); {remedy}"
    early = found.seconds < YEAR_1980
    if not early.any() or not low <= 0:
        return ""
    row = int(early.arg_max() or 0)
    return (
        f"{int(early.sum()):,} times of column '{values.name}' are before 1980, the first is {values[row]!r} in row {row + 1}; if "
        "that stands for no time, leave such rows out"
    )


def repeats_are_told(events: pl.DataFrame) -> bool:
    """Whether two rows of one time are the same event: not where times plainly are no seconds since 1970."""
    high = events["timestamp"].max()
    return high is None or int(high) >= PLAIN  # type: ignore[arg-type]  # integers
