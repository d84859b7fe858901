"""Dates as people write them: which number is the day, names of months, clocks of twelve hours."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reverie.data.readers import read_events
from reverie.data.readers.times import to_times
from reverie.errors import ReverieError


def _read(values: list[str], day_first: bool | None = None) -> list[str]:
    seconds = to_times(pl.Series("when", values), "the log", day_first).seconds
    return pl.from_epoch(seconds, time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S").to_list()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["31/12/2020 10:00", "01/02/2020 11:30"], ["2020-12-31 10:00:00", "2020-02-01 11:30:00"]),
        (["12/31/2020 1:05:09 PM", "1/2/2020 12:00:00 AM"], ["2020-12-31 13:05:09", "2020-01-02 00:00:00"]),
        (["12/31/2020 12:05 p.m.", "1/2/2020 01:00 am"], ["2020-12-31 12:05:00", "2020-01-02 01:00:00"]),
        (["31.12.2020", "01.02.2020"], ["2020-12-31 00:00:00", "2020-02-01 00:00:00"]),
        (["05/05/2020", "06/06/2020"], ["2020-05-05 00:00:00", "2020-06-06 00:00:00"]),
        (["Fri Nov 10 06:06:13 -0800 2017", "Tue Apr 03 18:00:09 +0000 2012"], ["2017-11-10 14:06:13", "2012-04-03 18:00:09"]),
        (["Jan 4, 2018", "December 25, 2019"], ["2018-01-04 00:00:00", "2019-12-25 00:00:00"]),
        (["4th of Jan 2018", "25 Dec 2019 10:05"], ["2018-01-04 00:00:00", "2019-12-25 10:05:00"]),
        (["10/Oct/2000:13:55:36 -0700", "1/Nov/2000:00:00:00 -0700"], ["2000-10-10 20:55:36", "2000-11-01 07:00:00"]),
        (["Tue, 04 Jan 2018 10:00:00 +0000", "Wed, 05 Jan 2018 10:00:00 GMT"], ["2018-01-04 10:00:00", "2018-01-05 10:00:00"]),
        (["2020-01-01 01:00:00 PM", "2020-01-01 12:00:00 AM"], ["2020-01-01 13:00:00", "2020-01-01 00:00:00"]),
        (["2020-01-01 10:00:00 +0000", "2020-01-01 10:00:00 +0100"], ["2020-01-01 10:00:00", "2020-01-01 09:00:00"]),
        (["01.06.2024 08:20 Uhr", "13.06.2024 09:20 Uhr"], ["2024-06-01 08:20:00", "2024-06-13 09:20:00"]),
        (["01JUN2024:08:20:06", "2JUN2024"], ["2024-06-01 08:20:06", "2024-06-02 00:00:00"]),
        (["[01/Jun/2024:08:20:06 +0200]"], ["2024-06-01 06:20:06"]),
        (["/Date(1717230006000)/", "/Date(1717230007000+0200)/"], ["2024-06-01 08:20:06", "2024-06-01 08:20:07"]),
        (["2024年06月01日", "2024年6月2日 08:20"], ["2024-06-01 00:00:00", "2024-06-02 08:20:00"]),
        (["2023.11.14 22:13", "2023.11.15 22:13"], ["2023-11-14 22:13:00", "2023-11-15 22:13:00"]),
    ],
)
def test_spellings(values: list[str], expected: list[str]) -> None:
    assert _read(values) == expected


@pytest.mark.parametrize(
    ("values", "fragment"),
    [
        (["05/06/2020", "06/07/2020"], "say which is with day_first=True or day_first=False"),
        (["13/06/2020", "06/13/2020"], "'13/06/2020', where the day is first, and '06/13/2020'"),
        (["2020-01-01", "31/12/2020"], "row 2, column 'when': '31/12/2020' is not a date"),
        (["31/02/2020", "30/01/2020"], "row 1, column 'when': '31/02/2020' is not a date"),
        (["2024-01-05 13:00:00 PM"], "is not a date"),
        (["05/06/20"], "say with day_first=True or day_first=False"),
        (["6/13/24 8:20", "6/14/24 9:20"], "say with day_first=True or day_first=False"),
        (["2024-06-01 08:20:06 CEST"], "write them as 2024-05-31T18:00:00+02:00"),
        (["1 Foo 2020"], "is not a date"),
    ],
)
def test_what_cannot_be_told_is_refused(values: list[str], fragment: str) -> None:
    with pytest.raises(ReverieError) as caught:
        _read(values)
    assert fragment in str(caught.value)


def test_somebody_says_which_number_is_the_day() -> None:
    values = ["05/06/2020", "06/07/2020"]
    assert _read(values, True) == ["2020-06-05 00:00:00", "2020-07-06 00:00:00"]
    assert _read(values, False) == ["2020-05-06 00:00:00", "2020-06-07 00:00:00"]
    assert _read(["05.06.24 8:20", "06/07/98"], True) == ["2024-06-05 08:20:00", "1998-07-06 00:00:00"]
    assert _read(["6/13/24", "06/07/69"], False) == ["2024-06-13 00:00:00", "2069-06-07 00:00:00"]
    frame = pl.DataFrame({"user": [1, 1], "item": [1, 2], "date": values})
    dataset = read_events(frame, day_first=True)
    assert "dates of column 'date' are read with the day first" in dataset.notes


@given(st.lists(st.dates(min_value=date(1900, 1, 1)), min_size=1, max_size=20), st.booleans())
def test_the_whole_column_decides(days: list[date], day_first: bool) -> None:
    form = "{0:%d/%m/%Y}" if day_first else "{0:%m/%d/%Y}"
    values = [form.format(day) for day in days]
    expected = [f"{day:%Y-%m-%d} 00:00:00" for day in days]
    told = any(day.day > 12 for day in days) or all(day.day == day.month for day in days)
    assert _read(values, None if told else day_first) == expected
    assert _read(values, day_first) == expected


def test_rows_of_one_day_are_no_repeats() -> None:
    frame = pl.DataFrame({"user": [1, 1, 1], "item": [5, 5, 6], "t_dat": ["2020-09-17", "2020-09-17", "2020-09-18"]})
    assert read_events(frame).n_events == 3
    assert read_events(frame.with_columns(t_dat=pl.col("t_dat") + " 10:00:00")).n_events == 2


def test_dates_of_a_spreadsheet_keep_their_clock() -> None:
    found = to_times(pl.Series("when", [45658.045961, 45658.5, 45660.0]), "log.csv")
    moments = found.seconds.cast(pl.Int64) * 10**6
    assert moments.cast(pl.Datetime("us")).dt.to_string("%Y-%m-%d %H:%M:%S").to_list() == [
        "2025-01-01 01:06:11", "2025-01-01 12:00:00", "2025-01-03 00:00:00"
    ]  # fmt: skip
    assert "spreadsheet" in found.note
    assert to_times(pl.Series("order_date", [45658, 45660]), "log.csv").seconds.to_list() == [1735689600, 1735862400]
    assert to_times(pl.Series("clock", [45658, 45660]), "log.csv").seconds.to_list() == [45658, 45660], "seconds of a day"
