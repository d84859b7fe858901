"""Reading pairs of sentences, and which sentences may be learned from."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np
import pytest

from reverie.contrast.text.pairs import YEARS, Pairs, read_sts, unlabelled, words
from reverie.errors import DataError

HEADER = "pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"
FILES = {
    "sts-b/stsb-en-train.csv": (
        'A cat sits.,A dog runs.,1.0\n"He said ""no"", twice.",A  CAT sits!,2.5\nA cat sits.,Only here once,0\n'
    ),
    "sts-b/stsb-en-dev.csv": "Dev one,Dev two,5.0\n",
    "sts-b/stsb-en-test.csv": '"Rain, or snow",a dog runs,4.2\nthird,fourth,0.0\n',
    "sick/SICK_train.txt": HEADER + '1\tA "quoted word\tdev TWO\t4.5\tNEUTRAL\n',
    "sick/SICK_test_annotated.txt": HEADER + "4\tx y\tz\t3.3\tNEUTRAL\n",
    **{f"sts12-16/{year}/b.test.tsv": f"\tno score\tat all\n{year - 2012}.5\tb {year}\tbb\n" for year in YEARS},
    **{f"sts12-16/{year}/a.test.tsv": f'0.5\ta "{year}\t?!\n' for year in YEARS},
}


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_every_file_is_read(shelf: Path) -> None:
    data = read_sts(str(shelf))
    assert data.sentences == ("A cat sits.", 'He said "no", twice.', "Only here once", 'A "quoted word')
    assert data.removed == 2  # "A dog runs." and "dev TWO" are evaluated, in other letters
    assert data.valid.first == ("Dev one",)
    assert list(data.tests) == ["sts_b", "sick_r", "sts13", "sts14", "sts15", "sts16"]
    assert (data.tests["sts_b"].first, data.tests["sts_b"].scores.tolist()) == (("Rain, or snow", "third"), [4.2, 0.0])
    assert (data.tests["sick_r"].second, data.tests["sick_r"].scores.tolist()) == (("z",), [3.3])
    assert (data.tests["sts14"].first, data.tests["sts14"].second) == (('a "2014', "b 2014"), ("?!", "bb"))
    assert data.tests["sts14"].scores.tolist() == [0.5, 2.5]


def test_files_may_be_compressed_and_the_folder_may_be_in_the_environment(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = read_sts(str(shelf))
    for name, text in FILES.items():
        (shelf / name).unlink()
        (shelf / f"{name}.xz").write_bytes(lzma.compress(text.encode()))
    monkeypatch.setenv("REVERIE_DATA", str(shelf))
    packed = read_sts(None)
    assert packed.sentences == plain.sentences
    assert packed.sha256() == plain.sha256()
    (shelf / "sts-b/stsb-en-test.csv").write_text(FILES["sts-b/stsb-en-test.csv"].replace("4.2", "4.3"), encoding="utf-8")
    assert read_sts(None).sha256() != plain.sha256()


@pytest.mark.parametrize("name", ["sts-b/stsb-en-dev.csv", "sick/SICK_train.txt", "sts12-16/2015/a.test.tsv"])
def test_missing_files_are_named(shelf: Path, name: str) -> None:
    for path in shelf.joinpath(name).parent.iterdir():
        path.unlink()
    with pytest.raises(DataError, match="REVERIE_DATA") as caught:
        read_sts(str(shelf))
    assert str(shelf) in str(caught.value)


def test_no_folder_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REVERIE_DATA", raising=False)
    with pytest.raises(DataError, match="REVERIE_DATA"):
        read_sts(None)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("sts-b/stsb-en-dev.csv", "a,b,1\nc,d\n", "record 2, has not 3 fields"),
        ("sts-b/stsb-en-dev.csv", "a,b,much\n", "no number"),
        ("sts-b/stsb-en-dev.csv", "a,b,nan\n", "no number"),
        ("sts-b/stsb-en-dev.csv", 'a,"b" c,1\n', "cannot be read"),
        ("sick/SICK_train.txt", "", "has not 5 fields"),
    ],
)
def test_broken_files_are_named(shelf: Path, name: str, text: str, message: str) -> None:
    (shelf / name).write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_sts(str(shelf))
    assert Path(name).name in str(caught.value)


def test_sentences_of_equal_words_are_equal() -> None:
    assert words("It's 3 PM — Ünder_score!") == ["it", "s", "3", "pm", "ünder_score"]
    train = Pairs(("One two", "...", "one, TWO."), ("three", "Four", "five"), np.zeros(3))
    tested = Pairs(("four!",), ("six",), np.zeros(1))
    assert unlabelled([train], [tested]) == (("One two", "three", "five"), 1)


def test_pairs_have_one_length() -> None:
    with pytest.raises(ValueError, match="1, 2 and 1"):
        Pairs(("a",), ("b", "c"), np.zeros(1))
