"""What a source says is what is read: ids, times, paths, parts, packings, kinds and orders, in every format."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reverie as rv
from reverie.data.dataset import stable_order
from reverie.data.describe import describe
from reverie.data.ids import as_integers, matched, matched_one
from reverie.data.readers import delimited, read_catalog, read_events
from reverie.data.readers.writing import write_dataset
from reverie.data.sources.load import open_dataset
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ReverieError

BRIEF = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TABLES: dict[str, Callable[[pl.DataFrame, Path], object]] = {
    "log.csv": lambda frame, path: frame.write_csv(path),
    "log.tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
    "log.parquet": lambda frame, path: frame.write_parquet(path),
    "log.arrow": lambda frame, path: frame.write_ipc(path),
    "log.feather": lambda frame, path: frame.write_ipc_stream(path),
    "log.jsonl": lambda frame, path: frame.write_ndjson(path),
}
DIGITS = st.text("0123456789", min_size=1, max_size=21)
IDS = st.one_of(
    DIGITS,
    st.integers(-(2**63), 2**63 - 1).map(str),
    st.builds(
        "{}{}{}".format, st.sampled_from(["+", "-", "0", "00", "-0"]), DIGITS, st.sampled_from(["", ".0", ".10", "E3", "e+2"])
    ),
    st.sampled_from(["12E3", "12000", "1.10", "1.1", "+5", "5", "-5", "0012", "12", "-0", "0", "0x1F", "1_000", "inf"]),
)


def _refused(call: Callable[[], object]) -> str:
    with pytest.raises(ReverieError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("spaces", ["", " "])
@BRIEF
@given(numbers=st.lists(st.from_regex(r"\A-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?\Z"), min_size=1, max_size=6))
def test_ids_that_are_json_numbers_are_read_as_written(numbers: list[str], spaces: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text("".join(f'{{"user":{spaces}{one}, "item": 1, "timestamp": {at}.5}}\n' for at, one in enumerate(numbers)))
    exact = as_integers(pl.Series("user", numbers))
    assert read_events(path).events["user"].to_list() == exact.to_list()


def _ids(dataset: rv.Dataset) -> list[str]:
    return [str(item) for item in dataset.events["item"]]


@BRIEF
@given(st.lists(IDS, min_size=1, max_size=6), st.booleans())
def test_no_id_changes_in_any_format(tmp_path: Path, ids: list[str], late: bool) -> None:
    delimited.SAMPLE, before = (1 if late else 10_000), delimited.SAMPLE  # rows that types are guessed from
    frame = pl.DataFrame({"user": range(len(ids)), "item": ids})
    digests = set()
    try:
        for name, write in TABLES.items():
            write(frame, tmp_path / name)
            dataset = read_events(tmp_path / name)
            assert _ids(dataset) == ids
            digests.add(dataset.sha256)
    finally:
        delimited.SAMPLE = before
    assert digests == {read_events(frame).sha256}
    whole = all(re.fullmatch(r"0|-?[1-9]\d*", item, re.ASCII) and -(2**63) <= int(item) < 2**63 for item in ids)
    assert (dataset.events["item"].dtype == pl.Int64) == whole


@pytest.mark.parametrize("late", ["0012", "+5", "-0", "1.0", "99999999999999999999", "5 "])
def test_an_id_that_changes_far_behind_makes_the_column_text(tmp_path: Path, late: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item\n" + "".join(f"{row % 50},{row % 70}\n" for row in range(11_000)) + f"7,{late}\n")
    dataset = read_events(path)
    assert dataset.events["item"].dtype == pl.String
    assert dataset.events["item"][-1] == late
    assert (dataset.vocabulary.n_items, dataset.events["user"].dtype) == (71, pl.Int64)


def test_ids_are_matched_only_where_they_are_the_same() -> None:
    known = pl.Series([5, 12, -3])
    assert matched(pl.Series(["5", "0012", "+5", "12", "x", "-3"]), known.dtype).to_list() == [5, None, None, 12, None, -3]
    assert matched(known, pl.String()).to_list() == ["5", "12", "-3"]
    assert as_integers(pl.Series(["5", None, "7"])).to_list() == [5, None, 7]
    wanted = [5, "5", "05", 5.0, 5.5, float("inf"), None, "1" * 5000]
    assert [matched_one(one, known.dtype) for one in wanted] == [5, 5, None, 5, None, None, None, None]
    assert Vocabulary(known, known).item_codes(["0012", "12", 12.9]).tolist() == [0, 2, 0]
    titles = read_events(
        pl.DataFrame({"user": [1, 1], "item": [1, 2]}), catalog=pl.DataFrame({"item": ["001", "2"], "title": ["A", "B"]})
    ).vocabulary.titles
    assert titles is not None
    assert titles.to_list() == [None, "B"]


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (pl.Series([b"ab", b"cd"]), ["ab", "cd"]),
        (pl.Series([b"\xff\x01", b"\x10\x11"]), ["ff01", "1011"]),
        (pl.Series([Decimal("12"), Decimal("7")]), [12, 7]),
        (pl.Series([2**63, 1], dtype=pl.UInt64), [str(2**63), "1"]),
        (pl.Series([3.0, 4.0]), [3, 4]),
        (pl.Series(["7", "9"], dtype=pl.Categorical), [7, 9]),
        (pl.Series([2.0**53, 1.0]), "not an id that a float keeps apart"),
        (pl.Series([1.5, 1.0]), "not an integer or text"),
        (pl.Series([{"id": 1}, {"id": 2}]), [1, 2]),
        (pl.Series([{"key": 1}, {"key": 2}]), "holds objects, not ids"),
        (pl.Series([["a"], ["b"]]), "holds List"),
        (pl.Series(["a", " "]), "row 2, column 'user': ' ' is no user id"),
        (pl.Series(["a\0b", "c"]), "is no user id"),
    ],
)
def test_columns_of_other_types_are_ids_or_refused(ids: pl.Series, expected: list[object] | str) -> None:
    frame = pl.DataFrame({"user": ids, "item": [1, 2]})
    if isinstance(expected, str):
        assert expected in _refused(lambda: read_events(frame))
    else:
        assert read_events(frame).events["user"].to_list() == expected


def test_nested_and_binary_columns(tmp_path: Path) -> None:
    lists = pl.DataFrame({"user": [1, 2, 3], "item": [["a", "b"], [], ["c"]], "time": [7, 8, 9]})
    lists.write_parquet(tmp_path / "log.parquet")
    assert read_events(tmp_path / "log.parquet").events.rows() == [(1, "a", 7), (1, "b", 7), (3, "c", 9)]
    both = lists.with_columns(time=pl.Series([[1, 2], [], [3]]))
    assert read_events(both).events["timestamp"].to_list() == [1, 2, 3]
    assert "differ in length" in _refused(lambda: read_events(lists.with_columns(time=pl.Series([[1], [], [3]]))))
    for column, value in {"kind": ["a"], "rating": [1.0], "time": {"s": 1}, "part": ["x"]}.items():
        frame = pl.DataFrame({"user": [1], "item": [1], column: [value]})
        message = _refused(partial(read_events, frame))
        assert f"column '{column}' holds" in message
    assert read_catalog(pl.DataFrame({"item": [1], "title": [b"\xff"]}))["title"].to_list() == ["ff"]
    assert "holds Struct" in _refused(lambda: read_catalog(pl.DataFrame({"item": [1], "title": [{"en": "a"}]})))


@pytest.mark.parametrize("ratings", [["1e309", "2"], [float("inf"), 1.0], [1e39, 1.0]])
def test_ratings_that_are_no_finite_number_are_refused(ratings: list[object]) -> None:
    assert "is not a finite number" in _refused(
        lambda: read_events(pl.DataFrame({"user": [1, 1], "item": [1, 2], "rating": ratings}))
    )


def test_one_column_twice_and_two_columns_of_one_name(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,user\n1,2,3\n")
    assert "two columns named 'user'" in _refused(lambda: read_events(path))
    assert "both user and item" in _refused(lambda: read_events(pl.DataFrame({"id": [1]}), user="id", item="id"))


MOMENTS = st.lists(st.integers(10**18, 2 * 10**18), min_size=1, max_size=5)
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def _iso(moment: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment // 10**9):%Y-%m-%dT%H:%M:%S}.{moment % 10**9:09d}"


@BRIEF
@given(MOMENTS, st.sampled_from(list(UNITS)), st.permutations(range(5)))
def test_times_keep_the_precision_that_they_came_with(tmp_path: Path, moments: list[int], unit: str, places: list[int]) -> None:
    moments = [moment // UNITS[unit] * UNITS[unit] for moment in moments]
    spelled: dict[str, list[object]] = {
        "integers": [moment // UNITS[unit] for moment in moments],
        "decimals": [f"{moment // 10**9}.{moment % 10**9:09d}" for moment in moments],
        "dates": [_iso(moment) + ("Z" if unit == "ms" else "") for moment in moments],
        "mixed dates": [
            _iso(moment).replace("T", " T"[n % 2]) + ["", "Z", " UTC", "+00:00", "+0000"][n] for n, moment in enumerate(moments)
        ],
    }
    if unit != "ns":
        spelled["floats"] = (
            [moment / 10**9 for moment in moments] if unit in ("s", "ms") else [moment / 10**3 for moment in moments]
        )
        spelled["datetimes"] = [datetime(1970, 1, 1) + timedelta(microseconds=moment // 1000) for moment in moments]
    expected = None
    for how, values in spelled.items():
        frame = pl.DataFrame({"user": 1, "item": places[: len(moments)], "timestamp": values}, strict=False)
        frame.write_csv(tmp_path / "log.csv")
        frame.write_parquet(tmp_path / "log.parquet")
        for dataset in (read_events(tmp_path / "log.csv"), read_events(tmp_path / "log.parquet")):
            finer = dataset.events["nanosecond"] if "nanosecond" in dataset.events.columns else [0] * len(moments)
            assert [s * 10**9 + f for s, f in zip(dataset.events["timestamp"], finer, strict=True)] == moments, how
            expected = expected or dataset.sha256
            assert dataset.sha256 == expected
    order = sorted(range(len(moments)), key=lambda row: moments[row])  # stable, as ties keep the order of the source
    codes = dataset.sequences.row(0)
    assert [dataset.vocabulary.items[int(code) - 1] for code in codes] == [places[row] for row in order]
    for name in ("again.csv", "again.parquet", "again.inter"):
        assert read_events(write_dataset(dataset, tmp_path / name)[0]).sha256 == expected


def test_whole_seconds_have_one_identity_in_every_unit() -> None:
    seconds = pl.DataFrame({"user": [1, 1, 2], "item": [5, 6, 5], "time": [1_500_000_009, 1_500_000_001, 1_500_000_002]})
    found = {read_events(seconds.with_columns(pl.col("time") * 10**n)).sha256 for n in (0, 3, 6, 9)}
    assert len(found) == 1
    shifted = seconds.with_columns(pl.col("time") * 1000 + 1)
    assert read_events(shifted).sha256 not in found
    assert read_events(seconds).feedback_sha256 is None
    kinds = [read_events(seconds.with_columns(kind=pl.Series(k))) for k in (["a", "b", "b"], ["b", "a", "b"])]
    assert {one.sha256 for one in kinds} == found
    assert kinds[0].feedback_sha256 != kinds[1].feedback_sha256


def test_times_before_1970_and_finer_than_a_second_are_written_and_read(tmp_path: Path) -> None:
    dataset = read_events(pl.DataFrame({"user": [1, 1], "item": [1, 2], "time": ["-0.25", "-86400.000000001"]}))
    assert dataset.events.select("timestamp", "nanosecond").rows() == [(-1, 750_000_000), (-86_401, 999_999_999)]
    for name in ("log.csv", "log.parquet"):
        assert read_events(write_dataset(dataset, tmp_path / name)[0]).events.equals(dataset.events)


def test_splits_and_descriptions_know_parts_of_a_second() -> None:
    rows = [(user, item, 1_700_000_000_000 + 40 * item + user) for user in range(30) for item in range(5)]
    dataset = read_events(pl.DataFrame(rows[::-1], schema=["user", "item", "timestamp"], orient="row"))
    assert {int(code) for code in rv.leave_one_out(dataset).test.targets} == {5}
    split = rv.temporal(dataset, valid=0.2, test=0.2)
    assert set(split.test.targets.tolist()) == {5}
    assert set(split.train.items[split.train.positions()].tolist()) == {1, 2, 3}
    facts = describe(dataset)
    assert facts["median_gap_seconds"] == pytest.approx(0.04)
    assert facts["same_time_neighbours"] == 0
    assert facts["notes"] == ["numbers of column 'timestamp' are read as milliseconds since 1970"]


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        (
            [1_600_000_000, 1_600_000_001_000],
            "1600000000 in row 1 is before 1980 as milliseconds since 1970, beside 1600000001000 in row 2",
        ),
        ([1_600_000_001_000_000, 1_600_000_000_000], "1600000000000 in row 2"),
        ([10**18, 10**15], "1000000000000000 in row 2"),
        ([1_700_000_900, 1_700_000_100, 253_402_300_799], "beside 253402300799 in row 3"),
        ([1_700_000_900_000, 253_402_300_799_000], "1700000900000 in row 1 is before 1980 as microseconds"),
        (["1700000000.5", "1700000000500"], "1700000000.5 in row 1"),
        ([1_700_000_000.5, 1_700_000_000_500.0], "1700000000.5 in row 1"),
        ([20_240_101, 1_700_000_000], "20240101 in row 1 may be a date in digits"),
        ([20_240_101, 20_240_230, 20_240_301], "row 2, column 'time': 20240230 is not a date like 20240531"),
        ([1e308, 1.0], "row 1, column 'time'"),
        ([-99_000_000_000, 5], "between the years 1 and 9999"),
        (["24-01-05", "24-01-06"], "column 'time' has years of two digits, as '24-01-05'"),
        (["2024-02-30", "2024-02-28"], "row 1, column 'time': '2024-02-30' is not a date"),
        (["2024-01-01T10:00", "soon"], "row 2, column 'time': 'soon' is not a date"),
    ],
)
def test_times_of_two_units_and_impossible_ones_are_refused(values: list[object], rows: str) -> None:
    message = _refused(lambda: read_events(pl.DataFrame({"user": 1, "item": range(len(values)), "time": values})))
    assert rows in message


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([20_240_101, 20_240_212], ["2024-01-01 00:00:00", "2024-02-12 00:00:00"]),
        (["202401011030", "202401011031"], ["2024-01-01 10:30:00", "2024-01-01 10:31:00"]),
        ([20_240_101_103_005, 20_240_101_103_006], ["2024-01-01 10:30:05", "2024-01-01 10:30:06"]),
        (["2024-01-01T10:00Z", "2024-01-01T10:00:00+02:00"], ["2024-01-01 10:00:00", "2024-01-01 08:00:00"]),
        (["20240101T100000Z", "2024-01-01 10:00:00 utc"], ["2024-01-01 10:00:00", "2024-01-01 10:00:00"]),
        (["2024-01-01T10:00:00,5+0200", "2024/1/1 10:00 GMT"], ["2024-01-01 08:00:00", "2024-01-01 10:00:00"]),
        (["2024-01-01T10:00:00+02", "2024-01-01"], ["2024-01-01 08:00:00", "2024-01-01 00:00:00"]),
        (["0001-01-01 00:00:00", "9999-12-31 23:59:59"], ["0001-01-01 00:00:00", "9999-12-31 23:59:59"]),
        ([0, 1_700_000_000], ["1970-01-01 00:00:00", "2023-11-14 22:13:20"]),
        ([1.7e9, 1.700000001e9], ["2023-11-14 22:13:20", "2023-11-14 22:13:21"]),
        (["1.7E9", "1.7000000015e9"], ["2023-11-14 22:13:20", "2023-11-14 22:13:21"]),
        ([Decimal("1700000000.5"), Decimal("1700000001.0")], ["2023-11-14 22:13:20", "2023-11-14 22:13:21"]),
    ],
)
def test_spellings_of_times(values: list[object], expected: list[str]) -> None:
    events = read_events(pl.DataFrame({"user": 1, "item": [1, 2], "time": values})).events
    assert pl.from_epoch(events["timestamp"], time_unit="s").dt.strftime("%Y-%m-%d %H:%M:%S").to_list() == expected


NAMES = st.text("ab1[]?*{}!~$ é", min_size=1, max_size=8).filter(lambda name: name.strip(" ~") and name != "a1")


@BRIEF
@given(NAMES)
def test_a_path_is_that_file_and_no_pattern(tmp_path: Path, name: str) -> None:
    mine, other = pl.DataFrame({"user": [1, 2], "item": [3, 4]}), pl.DataFrame({"user": [9], "item": [9]})
    inside = tmp_path / f"in{name}"
    inside.mkdir(exist_ok=True)
    for folder in (tmp_path, inside):
        for file, write in TABLES.items():
            for decoy in ("a1", "b1", "a", "b", "1"):
                write(other, folder / file.replace("log", decoy))
            path = folder / file.replace("log", f"{name}1")
            write(mine, path)
            assert read_events(path).events.rows() == mine.rows()
            assert read_catalog(path).height == 2
        (folder / f"{name}1.txt").write_text("1 3\n2 4\n")
        assert read_events(folder / f"{name}1.txt", format="sequences").events.rows() == mine.rows()
        assert read_events(write_dataset(read_events(mine), folder / f"{name}.parquet")[0]).events.rows() == mine.rows()


def test_packed_files_below_a_folder_with_brackets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "[tmp]").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "[tmp]"))
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(b"user,item\n1,2\n"))
    assert read_events(tmp_path / "log.csv.gz").events.rows() == [(1, 2)]
    assert not list((tmp_path / "[tmp]").iterdir())


def test_a_pattern_is_refused_with_a_word_on_folders(tmp_path: Path) -> None:
    for call in (lambda: read_events(tmp_path / "part-*.csv"), lambda: open_dataset(tmp_path / "part-*.csv")):
        assert "no pattern here: give one file, or the folder of all parts" in _refused(call)
    os.mkfifo(tmp_path / "pipe.csv")
    assert "is no regular file" in _refused(lambda: read_events(tmp_path / "pipe.csv"))
    assert "is not UTF-8; rename it" in _refused(lambda: read_events(os.fsdecode(b"caf\xe9.csv")))


def test_a_folder_of_parts_is_one_log(tmp_path: Path) -> None:
    folder = tmp_path / "clicks"
    folder.mkdir()
    (folder / "_SUCCESS").write_text("")
    (folder / "part-4.csv").write_text("")
    (folder / ".part-0.crc").write_text("x")
    (folder / "part-1.csv").write_text("item,user\n7,2\n0012,1\n")
    (folder / "part-0.csv.gz").write_bytes(gzip.compress(b"user,item\n1,5\n"))
    pl.DataFrame({"user": [3], "item": [5]}).write_parquet(folder / "part-2.parquet")
    dataset = read_events(folder)
    assert (dataset.name, dataset.events["user"].to_list()) == ("clicks", [1, 2, 1, 3])
    assert _ids(dataset) == ["5", "7", "0012", "5"]
    (folder / "part-3.csv").write_text("user,thing\n1,5\n")
    assert "give them the same columns" in _refused(lambda: read_events(folder))
    (folder / "part-3.csv").unlink()
    (folder / "more").mkdir()
    assert "holds the folder more" in _refused(lambda: read_events(folder))
    (tmp_path / "empty").mkdir()
    assert "folder without files" in _refused(lambda: read_events(tmp_path / "empty"))


def _zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


PACKERS = {".gz": gzip.compress, ".GZ": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": _zstd}


@pytest.mark.parametrize("suffix", PACKERS)
def test_packings_by_suffix_and_by_content(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.packed.FREE", 1 << 16)
    pack = PACKERS[suffix]
    for name in (f"log.csv{suffix}", "plain.csv"):
        (tmp_path / name).write_bytes(pack(b"user,item\n1,2\n3,4\n"))
        assert read_events(tmp_path / name).events.rows() == [(1, 2), (3, 4)]
    (tmp_path / f"cut.csv{suffix}").write_bytes(pack(os.urandom(5000))[:2000])
    assert "cut short or damaged" in _refused(lambda: read_events(tmp_path / f"cut.csv{suffix}"))
    (tmp_path / f"bomb.csv{suffix}").write_bytes(pack(bytes(5 << 20)))
    assert "more than 250 times its size" in _refused(lambda: read_events(tmp_path / f"bomb.csv{suffix}"))
    (tmp_path / f"two.csv{suffix}").write_bytes(pack(gzip.compress(b"user,item\n1,2\n")))
    assert "packed twice" in _refused(lambda: read_events(tmp_path / f"two.csv{suffix}"))


def test_zip_files_hold_one_table(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "log.zip", "w") as archive:
        archive.writestr("inner/clicks.tsv", "user\titem\n1\t2\n")
    assert read_events(tmp_path / "log.zip").events.rows() == [(1, 2)]
    with zipfile.ZipFile(tmp_path / "log.zip", "a") as archive:
        archive.writestr("readme.md", "")
    assert "holds 2 files" in _refused(lambda: read_events(tmp_path / "log.zip"))
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 nothing")
    assert "cut short or damaged" in _refused(lambda: read_events(tmp_path / "bad.zip"))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "user,item\n\n1,2\n\n3,4\n\n", [(1, 2), (3, 4)]),
        ("a.csv", "user,item\r\n1,2\r\n\r\n", [(1, 2)]),
        ("a.tsv", "user\titem\n1\t2\n\n", [(1, 2)]),
        ("a.csv", "user,item\r1,2\r3,4\r", [(1, 2), (3, 4)]),
        ("a.csv", 'user,item\n"1","a ""b"", c"\n', [(1, 'a "b", c')]),
        ("a.json", '\n{"user": 1, "item": "x"}\n', [(1, "x")]),
        ("a.csv", 'user,item\n1,5" disc\n1,3\n', "line 2 has a quote inside a field"),
        ("a.json", '[{"user": 1, "item": 2}]', [(1, 2)]),
        ("a.json", '[\n {"user": 1,\n "item": 2}\n]\n', [(1, 2)]),
        ("a.json", '[{"user": 1, "item": 2}', "without its end"),
        ("a.jsonl", '{"user": 1, "item": ' + "9" * 5000 + "}\n", "line 1 is not valid JSON"),
        ("a.jsonl", '{"user": 1, "item": ' + "[" * 50_000 + "\n", "line 1 is not valid JSON"),
        ("a.csv", "u\0s\0e\0r\0,\0i\0t\0e\0m\0\n\0001\0,\0002\0\n\0", [(1, 2)]),
    ],
)
def test_blank_lines_line_ends_quotes_and_json(tmp_path: Path, name: str, content: str, expected: list[object] | str) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode())
    if isinstance(expected, str):
        assert expected in _refused(lambda: read_events(path))
    else:
        assert read_events(path).events.rows() == expected


def test_a_position_orders_events_and_is_no_date(tmp_path: Path) -> None:
    frame = pl.DataFrame({"user": [1, 1, 1, 2, 2], "item": list("cabyx"), "position": [3, 1, 2, 2, 1]})
    for options in ({}, {"timestamp": "position"}):
        dataset = read_events(frame, **options)
        assert (dataset.has_time, dataset.order) == (False, "source")
        assert [dataset.vocabulary.items[int(code) - 1] for row in range(2) for code in dataset.sequences.row(row)] == list("abcxy")
        assert "orders the events of a user" in dataset.notes[0]
    for name in ("index", "Rank", "pos"):
        assert _ids(read_events(frame.rename({"position": name})))[0] != "c"
    slate = frame.with_columns(position=pl.lit(1))
    assert _ids(read_events(slate)) == list("cabyx")
    assert "orders nothing" in read_events(slate).notes[0]
    assert _ids(read_events(frame, order="source")) == list("cabyx")
    timed = read_events(frame.with_columns(time=pl.Series([5, 4, 3, 2, 1])))
    assert (timed.has_time, timed.notes) == (True, ())
    wrong = frame.with_columns(position=pl.Series(["3", "x", "2", "2", "1"]))
    assert "row 2, column 'position': 'x' is not a position" in _refused(lambda: read_events(wrong, timestamp="position"))


def test_kinds_are_chosen_and_said(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"user": [1, 1, 2, 2], "item": [1, 1, 2, 3], "event": ["view", "buy", "buy", "cart"], "time": [1, 1, 2, 3]}
    )
    frame.write_csv(tmp_path / "shop.csv")
    for dataset in (
        open_dataset(tmp_path / "shop.csv", kinds=["buy", "cart"]),
        read_events(frame, kinds=("cart", "buy"), name="shop"),
    ):
        assert dataset.kind_counts == {"buy": 2, "cart": 1}
        assert dataset.notes[0].startswith("3 of 4 events are counted")
    assert "no event of the kind 'bying' (did you mean 'buy'?); its kinds are buy, cart, view" in _refused(
        lambda: read_events(frame, kinds=["bying"])
    )
    assert "no column of kinds" in _refused(lambda: read_events(frame.drop("event"), kinds="buy"))


@BRIEF
@given(st.lists(st.tuples(st.integers(-(2**40), 2**40), st.integers(0, 3)), min_size=1, max_size=50))
def test_the_order_of_events_is_that_of_a_stable_sort(rows: list[tuple[int, int]]) -> None:
    times, users = np.array(rows, dtype=np.int64).T
    expected = sorted(range(len(rows)), key=lambda row: (rows[row][1], rows[row][0]))
    assert stable_order([times, users]).tolist() == expected
