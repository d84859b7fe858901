"""Text as people have it: quotes, headers, blanks, words for nothing, encodings; read right, told, or refused with the line."""

from __future__ import annotations

import io
import re
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reverie.data.readers import read_events
from reverie.errors import DataError

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset

BRIEF = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _read(path: Path, content: str | bytes, **said: Any) -> Dataset:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_events(path, **said)


def _line(dataset: Dataset) -> str:
    assert dataset.read_as is not None
    return dataset.read_as.line()


TITLES = st.lists(st.text('ab", \\x', max_size=6).filter(lambda text: not text.endswith("\\")), min_size=1, max_size=8)


@pytest.mark.parametrize("backslash", [True, False])
@BRIEF
@given(titles=TITLES)
def test_no_row_goes_with_quotes_of_either_way(tmp_path: Path, backslash: bool, titles: list[str]) -> None:
    def quoted(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"') if backslash else text.replace('"', '""')

    rows = "".join(f'{n},{n},"{quoted(title)}"\n' for n, title in enumerate(titles))
    dataset = _read(tmp_path / "log.csv", "user,item,product_name\n" + rows)
    assert dataset.events["user"].to_list() == list(range(len(titles)))
    if not backslash or '\\"' in rows:  # else nothing says that a backslash is one of two
        assert dataset.catalog["title"].fill_null("").to_list() == titles


def test_quotes_behind_a_backslash_far_behind_the_sample(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n % 9}," + (r'"5\""' if n in (8000, 11_000) else "plain") + "\n" for n in range(12_000))
    dataset = _read(tmp_path / "log.csv", "user,item,name\n" + rows)
    assert dataset.n_events == 12_000
    assert "quotes behind a backslash" in _line(dataset)


PLAIN = "".join(f"{n},{n % 9},t\n" for n in range(60))
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a quote that stays open": (PLAIN + '60,1,"disc 5\n' + PLAIN, {}, "line 62 opens a quote that nothing closes"),
    "a quote that another row closes": (PLAIN + '60,1,"disc\n1,2,t\n3,4,"x"\n' + PLAIN, {}, "line 62 has a quote inside"),
    "separators in quotes and no user": ('1,7,"A, B"\n,8,"C, D"\n', {}, "row 2 has no value in column 'user'"),
    **{
        f"a user {word}": (f"1,7,t\n{word},8,t\n3,9,t\n", {}, "row 2 has no value in column 'user'")
        for word in ("NULL", "null", r"\N", "nan", "NaN", "NA", "None", "-", "(not set)", "<NA>")
    },
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_rows_that_cannot_be_told_are_refused_with_their_line(tmp_path: Path, case: tuple[str, dict[str, Any], str]) -> None:
    rows, said, sentence = case
    with pytest.raises(DataError, match=re.escape(sentence)):
        _read(tmp_path / "log.csv", "user,item,name\n" + rows, **said)


WARNED = {
    "a user called None": ("user,item\nann,7\nNone,8\nbob,9\n", "has 'None' as an id, in 1 rows"),
    "a blank behind": ("user,item\nu1,7\nu1 ,8\nu2,9\n", "by blanks around them alone, as 'u1 '"),
    "a no-break space": ("user,item\nu1,7\nu1\u00a0,8\nu2,9\n", "by blanks around them alone"),
    "blanks on both": ("user,item\n u1,7\nu1 ,8\nu2,9\n", "has 2 ids that differ"),
}


@pytest.mark.parametrize("case", WARNED.values(), ids=WARNED)
def test_ids_that_may_be_none_are_warned_of_and_kept(tmp_path: Path, case: tuple[str, str]) -> None:
    content, warning = case
    dataset = _read(tmp_path / "log.csv", content)
    assert dataset.n_events == 3
    assert dataset.read_as is not None
    assert [warning in told for told in dataset.read_as.warnings] == [True]


def test_ids_with_blanks_on_all_are_no_matter(tmp_path: Path) -> None:
    dataset = _read(tmp_path / "log.csv", "user,item\nu1 ,7\nu2 ,8\n")
    assert dataset.read_as is not None
    assert not dataset.read_as.warnings


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("names", ["user,item", "user_id,item_id,rating", "rating,item,user,timestamp"])
def test_a_header_that_stands_again_among_the_rows_is_no_event(tmp_path: Path, separator: str, names: str) -> None:
    rows = [",".join(str(n + 1) if name != "timestamp" else "1717230006" for name in names.split(",")) for n in range(4)]
    content = "\n".join([names, *rows[:2], names, *rows[2:]]) + "\n"
    dataset = _read(tmp_path / "log.csv", content.replace(",", separator))
    assert dataset.events["user"].to_list() == [1, 2, 3, 4]
    assert "dropped 1 rows that repeat the header" in _line(dataset)


ABOVE = ["Export vom 01.06.2024\n", "Report\nAll of it\n\n", "Clicks, all\n", '"Report"\n"of June"\n\n\n']
HOW: list[dict[str, Any]] = [{}, {"columns": "user,item,timestamp,-"}, {"user": "user_id", "item": "item_id"}]


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("said", HOW, ids=str)
def test_a_header_below_other_lines(tmp_path: Path, above: str, said: dict[str, Any]) -> None:
    dataset = _read(tmp_path / "log.csv", above + "user_id,item_id,timestamp,n\n1,7,1717230006,2\n1,8,1717230007,3\n", **said)
    assert dataset.events.select("user", "item").rows() == [(1, 7), (1, 8)]
    assert f"a header in line {above.count(chr(10)) + 1}" in _line(dataset)


def test_lines_above_rows_without_a_header_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 1 has 1 fields where columns= names 3"):
        _read(tmp_path / "log.csv", "all\n1,7,1717230006\n1,8,1717230007\n", columns="user,item,timestamp")


NO_SEQUENCES = {
    "a letter": "This is a letter to my friend about cats.\nThey sleep. And eat a lot.\nWhen I come home they run\n",
    "a letter with a number": "We have 3 cats and 2 dogs here\nThey sleep 12 hours\n",
    "code": "import os\n\ndef f(x):\n    return x + 1\n",
    "key=value": "ts=1717230006 user=1 item=7\nts=1717230007 user=2 item=8 ref=4\n",
    "settings": "name: abc\nlist: [1, 2, 3]\n",
    "a count of items": "1 3 5 6 7\n2 2 5 6\n3 1 9\n",
    "a log of a server": "2024-06-01 INFO user 5 bought 7\n2024-06-02 INFO user 6 left\n",
}


@pytest.mark.parametrize("content", NO_SEQUENCES.values(), ids=NO_SEQUENCES)
def test_text_that_is_no_log_is_no_lines_of_users(tmp_path: Path, content: str) -> None:
    with pytest.raises(DataError):
        _read(tmp_path / "log.txt", content)


@pytest.mark.parametrize("content", ["u1 i5 i7 i8\nann i5\n", "1 5 7\n2 5\n", "a@b.c B00-1 B00-2\nd@b.c B00-1\n"])
def test_lines_of_users(tmp_path: Path, content: str) -> None:
    assert _read(tmp_path / "log.txt", content).n_events == len(content.split()) - content.count("\n")


@pytest.mark.parametrize(
    ("log", "catalog"), [("utf-8-sig", "latin-1"), ("utf-8", "latin-1"), ("latin-1", "utf-8"), ("latin-1", "utf-8-sig")]
)
def test_an_encoding_is_for_the_files_that_are_not_utf_8(tmp_path: Path, log: str, catalog: str) -> None:
    items = tmp_path / "items.csv"
    items.write_bytes("Artikel;title\nKäse;Gouda, süß\n".encode(catalog))
    dataset = _read(tmp_path / "log.csv", "Kunde;Artikel\n1;Käse\n2;Käse\n".encode(log), catalog=items, encoding="latin-1")
    assert dataset.events["item"].to_list() == ["Käse", "Käse"]
    assert dataset.catalog["title"].to_list() == ["Gouda, süß"]
    assert ("utf-8 and not latin-1" in _line(dataset)) == (log != "latin-1")


def test_sentences_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2 is not valid JSON.*NaN is no JSON; write null"):
        _read(tmp_path / "a.jsonl", '{"user":1,"item":2,"rating":1}\n{"user":1,"item":2,"rating":NaN}\n')
    with pytest.raises(DataError, match="layout") as caught:
        _read(tmp_path / "a.csv", "A1,B1,3.0,1717230006\nA2,B2,4.0,1717230007\n")
    assert "amazon" in str(caught.value)
    for content in ("abc\n", 'a INFO {"user":1}\nb INFO {"user":2}\n'):
        with pytest.raises(DataError) as caught:
            _read(tmp_path / "a.csv", content)
        assert "layout" not in str(caught.value)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(tmp_path / "a.csv", "a.csv")
    with pytest.raises(DataError, match="an archive of tar; unpack it"):
        _read(tmp_path / "a.tar.gz", packed.getvalue())
