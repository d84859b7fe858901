"""Values of JSON, YAML and Parquet files, and what is said where they cannot be taken."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.documents import read_as, read_json, read_table, read_tensors, regular
from reverie.errors import ConfigError, DataError, RunError, short
from reverie.files import cache_folder, check_digests, check_seal, digests, sealed, write_text
from reverie.plain_yaml import DEEPEST, MOST_VALUES, dump_yaml, parse_yaml
from reverie.settings import overridden

PLAIN = [
    ("when: 2024-02-30", {"when": "2024-02-30"}),
    ("when: 2024-02-03", {"when": "2024-02-03"}),
    ("a: 12:30:45", {"a": "12:30:45"}),
    ("on: yes", {"on": "yes"}),
    ("a: 0x1F", {"a": 31}),
    ("a: 0x", {"a": "0x"}),
    ("a: 0o17", {"a": 15}),
    ("a: 017", {"a": 17}),
    ("a: 1_000", {"a": "1_000"}),
    ("a: 5e-4", {"a": 0.0005}),
    ("a: .5", {"a": 0.5}),
    ("a: +7", {"a": 7}),
    ("a: TRUE", {"a": True}),
    ("a: ~", {"a": None}),
    ("a:", {"a": None}),
    ("a: !!str 7", {"a": "7"}),
    ("a: !!float 7", {"a": 7.0}),
    ("a: '7'", {"a": "7"}),
    ("b: &x {c: 1}\nd: {<<: *x, e: 2}", {"b": {"c": 1}, "d": {"c": 1, "e": 2}}),
    ("", None),
    ("- 1\n- two", [1, "two"]),
]
REFUSED = [
    ("a: !!int seven", "tag .* is not read"),
    ("!!timestamp 2024-01-01", "tag .* is not read"),
    ("a: !!bool perhaps", "tag"),
    ("a: !!python/object/apply:os.getcwd []", "tag .* is not read"),
    ("a: !!set {b}", "tag"),
    ("a: !mine 3", "tag"),
    ("a: " + "7" * 4_000, "beyond 64 bits"),
    ("a: 9223372036854775808", "beyond 64 bits"),
    ("a: 1e400", "too large"),
    ("[" * 50_000, "levels deep"),
    ("a:\n" + "".join(" " * n + "b:\n" for n in range(1, 90)), "levels deep"),
    ("a: \x02", "control character"),
    ('a: "\\x07"', "control character"),
    ("a: \x7f", "control character"),
    ("a: 1\nb: 2\na: 3", "line 3: the key 'a' stands twice"),
    ("a: *b", "stands for nothing"),
    ("&a [1, *a]", "stands for nothing"),
    ("? {a: 1}\n: 2", "a key is text"),
    ("1.5: 2", "a key is text"),
    ("--- a\n--- b\n", "second document"),
    ("<<: 7", "takes a mapping"),
    ("a: [1, 2", "not valid YAML"),
    ("a: b: c", "not valid YAML"),
    ('a: "\\ud800"', "not valid YAML"),
    (
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True)),
        "values, those behind aliases",
    ),
]


@pytest.mark.parametrize(("text", "value"), PLAIN, ids=[text for text, _ in PLAIN])
def test_yaml_is_read_as_its_core_schema(text: str, value: Any) -> None:
    found = parse_yaml(text, "a.yaml")
    assert found == value
    assert json.dumps(found) == json.dumps(value)  # True is not 1


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[said + str(at) for at, (_, said) in enumerate(REFUSED)])
def test_other_yaml_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        parse_yaml(text, "a.yaml")
    assert str(caught.value).startswith("a.yaml, line ")
    assert len(str(caught.value)) < 300
    with pytest.raises(ConfigError, match="--set key="):
        overridden({}, f"key={text}", "key=1")


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12) | st.sampled_from(
    ["yes", "012", "1e3", "0x1", "1:30", "2024-01-01", "~", "", "<<", "=", ".inf", "-", "a: b", "#", "null", "0o7", "1_0"]
)
SCALAR = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | WORDS


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        SCALAR,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS.filter(lambda key: key != "<<"), inner, max_size=4),
    )
)
def test_what_is_dumped_is_read_back_by_both_versions(value: Any) -> None:
    text = dump_yaml({"key": value})
    assert parse_yaml(text, "a.yaml") == {"key": value}
    assert yaml.safe_load(text) == {"key": value}


def test_the_bounds_are_those_that_are_said() -> None:
    assert parse_yaml("[" * DEEPEST + "]" * DEEPEST, "a.yaml") is not None
    with pytest.raises(ConfigError):
        parse_yaml("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "a.yaml")
    with pytest.raises(ConfigError, match=f"{MOST_VALUES:,}"):
        parse_yaml("[" + "1," * MOST_VALUES + "]", "a.yaml")
    with pytest.raises(ConfigError, match="--set takes key=value"):
        overridden({}, ".".join("a" * 200) + "=1", "key=1")


@dataclass(frozen=True)
class Facts:
    epoch: int
    seconds: float
    chosen: dict[str, Any]


GOOD = {"epoch": 3, "seconds": 1.5, "chosen": {}}
WRONG = [
    ({"epoch": "3"}, "'epoch', which must be a whole number, not '3'"),
    ({"seconds": None}, "'seconds', which must be a number"),
    ({"chosen": []}, "'chosen'"),
    ({"epoch": True}, "'epoch'"),
    ({"epoch": 1.5}, "'epoch'"),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=[said for _, said in WRONG])
def test_json_of_other_types_is_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(GOOD | {"more": 1}))
    assert read_as(Facts, path, "train again") == Facts(**GOOD)  # type: ignore[arg-type]  # three kinds of values
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(RunError, match=r"facts\.json is wrong in .*train again$") as caught:
        read_as(Facts, path, "train again", RunError)
    assert said in str(caught.value)
    path.write_text(json.dumps({"epoch": 1}))
    with pytest.raises(DataError, match="has no 'seconds'; train again"):
        read_as(Facts, path, "train again")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[" * 90_000, b"NaN", b'{"a": Infinity}', b"7" * 5_000, b'"\\ud800"', b'"\xff"', b"\xef\xbb\xbf1", b"1 2"]
)
def test_json_that_is_none_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(DataError, match=r"a\.json is not valid JSON \(.*\); delete it or restore it"):
        read_json(tmp_path / "a.json")
    assert math.isnan(read_json(tmp_path / "a.json", b"NaN", undefined=True))


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "large").write_bytes(b"12345")
    for name, said in (
        ("pipe", "a pipe or a device"),
        ("zero", "a pipe or a device"),
        (".", "a folder"),
        ("loop", "cannot be read"),
        ("no", "does not exist"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(DataError, match=said):
            regular(tmp_path / name)
    with pytest.raises(DataError, match="has 5 bytes, more than the 4"):
        regular(tmp_path / "large", 4)
    with pytest.raises(RunError, match="train again"):
        read_tensors(tmp_path / "pipe", "train again")


TABLES = [
    (pl.DataFrame({"item": [1, 2]}), "has no column 'score'"),
    (pl.DataFrame({"item": ["a", "b"], "score": [1.0, None]}), "'score'"),
    (pl.DataFrame({"item": [[1], [2]], "score": [1.0, 2.0]}), "'item'"),
    (pl.DataFrame({"item": [b"a", b"b"], "score": [1.0, 2.0]}), "'item'"),
    (pl.DataFrame({"item": [1.0, 2.0], "score": [1.0, 2.0]}), "'item'"),
    (pl.DataFrame({"item": [1, 2], "score": ["1", "2"]}), "'score'"),
]


@pytest.mark.parametrize(("frame", "said"), TABLES, ids=range(len(TABLES)))
def test_tables_of_other_columns_are_refused(tmp_path: Path, frame: pl.DataFrame, said: str) -> None:
    columns = {"item": "id", "score": "float"}
    pl.DataFrame({"more": [0, 0], "item": ["a", "b"], "score": [1, 2], "title": [None, "B"]}).write_parquet(
        tmp_path / "good[1].parquet"
    )
    assert read_table(tmp_path / "good[1].parquet", columns, "again", {"title": "text"}).columns == ["item", "score", "title"]
    frame.write_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=said):
        read_table(tmp_path / "a.parquet", columns, "again")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing else PAR1")
    with pytest.raises(DataError, match="cannot be read as Parquet; again"):
        read_table(tmp_path / "a.parquet", columns, "again")


def test_what_was_sealed_is_known_when_it_was_changed(tmp_path: Path) -> None:
    values, path = {"a": 1.5, "b": [1, None]}, tmp_path / "a.json"
    check_seal(sealed(values), path, "again")
    check_seal(values, path, "again")  # of before
    with pytest.raises(DataError, match="was changed after it was written; again"):
        check_seal(sealed(values) | {"a": 1.25}, path, "again")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "rows").write_text("1")
    stored = digests(tmp_path)
    assert list(stored) == ["in/rows"]
    check_digests(tmp_path, stored, "again")
    (tmp_path / "in" / "rows").write_text("2")
    with pytest.raises(RunError, match="rows cannot be read: it was changed"):
        check_digests(tmp_path, stored, "again", RunError)


def test_paths_in_words_and_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVERIE_CACHE", "~/c")
    assert cache_folder() == Path.home() / "c"
    assert short("a\nb\x1b[31m\udcff") == r"a\nb\x1b[31m\udcff"
    assert len(short("x" * 10_000)) < 110
    with pytest.raises(Exception, match="a path that is not UTF-8"):
        write_text(tmp_path / "a", "caf\udce9")
    assert not (tmp_path / "a").exists()
