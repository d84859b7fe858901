from __future__ import annotations

import gzip
import lzma
import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from reverie.data.readers import read_catalog, read_events
from reverie.data.readers.writing import write_dataset
from reverie.errors import ReverieError

GOOD = "user,item,rating\n1,2,3\n2,3,4\n"


def _error(path: Path, content: bytes | str, **options: str) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ReverieError) as caught:
        read_events(path, **options)  # type: ignore[arg-type]  # options are text
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def test_a_missing_column_names_the_columns_and_the_option(tmp_path: Path) -> None:
    message = _error(tmp_path / "a.csv", "who,item\n1,2\n")
    assert "who, item" in message
    assert "user=" in message
    assert "did you mean 'item'" in _error(tmp_path / "a.csv", GOOD, item="itme")


@pytest.mark.parametrize(("text", "value"), [("1,2,good", "good"), ("1,2,", None)])
def test_a_wrong_type_names_column_row_and_value(tmp_path: Path, text: str, value: str | None) -> None:
    path = tmp_path / "a.csv"
    if value is None:
        path.write_text(GOOD + text + "\n")
        assert read_events(path).events["rating"].to_list() == [3.0, 4.0, None]
        return
    message = _error(path, GOOD + text + "\n")
    assert "row 3, column 'rating': 'good'" in message


def test_a_wrong_time_names_column_row_and_value(tmp_path: Path) -> None:
    message = _error(tmp_path / "a.csv", "user,item,date\n1,2,2024-01-01\n1,3,31/12/2024\n")
    assert "row 2, column 'date': '31/12/2024'" in message
    message = _error(tmp_path / "a.csv", "user,item,time\n1,2,100\n1,3,soon\n")
    assert "row 2, column 'time': 'soon'" in message


def test_a_wrong_value_far_from_the_beginning_is_found(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n},1\n" for n in range(12_000))
    assert "row 12001, column 'rating': 'x'" in _error(tmp_path / "a.csv", f"user,item,rating\n{rows}1,2,x\n")


def test_missing_ids_name_the_row(tmp_path: Path) -> None:
    assert "row 2 has no value in column 'item'" in _error(tmp_path / "a.csv", "user,item\n1,2\n1,\n")


@pytest.mark.parametrize(("row", "found"), [("5", "1 fields"), ("5,6,7,8", "4 fields"), ("5,6", "2 fields")])
def test_a_ragged_row_names_the_line(tmp_path: Path, row: str, found: str) -> None:
    message = _error(tmp_path / "a.csv", f"{GOOD}{row}\n6,7,8\n")
    assert "line 4" in message
    assert found in message


def test_a_broken_json_line_names_the_line(tmp_path: Path) -> None:
    good = '{"user": 1, "item": 2}\n'
    assert "line 2 is not valid JSON" in _error(tmp_path / "a.jsonl", good + '{"user": 1, "it\n' + good)
    assert "line 3 is not a JSON object" in _error(tmp_path / "a.jsonl", good + good + "[1, 2]\n")


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.txt", "a.parquet"])
@pytest.mark.parametrize("content", ["", "\n \n\t\n"])
def test_an_empty_file_is_said_to_be(tmp_path: Path, name: str, content: str) -> None:
    assert re.search("is empty|Parquet", _error(tmp_path / name, content))


def test_a_file_with_only_a_header_has_no_rows(tmp_path: Path) -> None:
    assert "no rows" in _error(tmp_path / "a.csv", "user,item\n")


@pytest.mark.parametrize(
    ("name", "before"), [("a.csv", "user,item\n1,a\n"), ("a.txt", "1 2 3\n2 3\n"), ("a.jsonl", '{"user": 1, "item": "a"}\n\n')]
)
def test_other_encodings_name_line_and_byte(tmp_path: Path, name: str, before: str) -> None:
    bad = {"a.csv": "2,caf\xe9\n", "a.txt": "3 caf\xe9\n", "a.jsonl": '{"user": 2, "item": "caf\xe9"}\n'}[name]
    message = _error(tmp_path / name, before.encode() + bad.encode("latin-1"))
    assert f"line 3 (byte {len(before) + bad.index(chr(0xE9))})" in message
    assert "UTF-8" in message


def test_a_damaged_parquet_file_is_said_to_be(tmp_path: Path) -> None:
    assert "not a readable Parquet file" in _error(tmp_path / "a.parquet", b"PAR1" + GOOD.encode())
    assert "not a readable Arrow file" in _error(tmp_path / "a.arrow", b"ARROW1" + GOOD.encode())


@pytest.mark.parametrize(("suffix", "pack"), [(".xz", lzma.compress), (".gz", gzip.compress)])
def test_truncated_compressed_files_are_said_to_be(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(GOOD.encode() * 50)
    assert "cut short or damaged" in _error(tmp_path / f"a.csv{suffix}", packed[: len(packed) // 2])
    assert "cut short or damaged" in _error(tmp_path / f"a.csv{suffix}", GOOD)


def test_unknown_formats_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_text(GOOD)
    assert read_events(tmp_path / "a.dat").n_events == read_events(tmp_path / "a.dat", format="csv").n_events == 2
    with pytest.raises(ReverieError, match="did you mean 'parquet'"):
        read_events(tmp_path / "a.dat", format="parket")
    with pytest.raises(ReverieError, match=r"nowhere\.csv does not exist"):
        read_events(tmp_path / "nowhere.csv")
    with pytest.raises(ReverieError, match="from a int"):
        read_events(3)


def test_a_catalogue_with_an_item_twice_names_both_rows(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("item,title\n4,A\n5,B\n4,C\n")
    with pytest.raises(ReverieError, match="lists item 4 twice, in rows 1 and 3"):
        read_catalog(path)


def test_frames_are_checked_too() -> None:
    frame = pl.DataFrame({"user": [1.0, 1.5], "item": ["a", "b"]})
    with pytest.raises(ReverieError, match=r"row 2, column 'user': 1\.5"):
        read_events(frame)
    with pytest.raises(ReverieError, match="must hold only train, valid, test"):
        read_events(pl.DataFrame({"user": [1], "item": [1], "part": ["dev"]}))


def test_writing_needs_a_known_suffix(tmp_path: Path) -> None:
    dataset = read_events(pl.DataFrame({"user": [1], "item": [1]}))
    with pytest.raises(ReverieError, match=r"ending in \.parquet"):
        write_dataset(dataset, tmp_path / "out.xlsx")
