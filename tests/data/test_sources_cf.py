"""Readers of the collaborative-filtering sets, on files made here."""

from __future__ import annotations

import io
import lzma
import tarfile
from pathlib import Path

import pytest

import reverie as rv
from reverie.data.dataset import Dataset
from reverie.data.sources import cf
from reverie.data.sources.entries import ENTRIES
from reverie.data.splits import given
from reverie.errors import DataError

TRAIN, TEST = "0 4 1 2\n1 2 \n2\n3 1 4\n", "0 3\n1 4 1\n"
ROWS = [(0, 4), (0, 1), (0, 2), (1, 2), (3, 1), (3, 4), (0, 3), (1, 4), (1, 1)]
PARTS = ["train"] * 6 + ["test"] * 3


def archive(path: Path, files: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as opened:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            opened.addfile(member, io.BytesIO(text.encode()))


def test_lines_plain_and_compressed(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(TRAIN)
    (tmp_path / "test.txt.xz").write_bytes(lzma.compress(TEST.encode()))
    loaded = cf.lines(tmp_path)
    assert loaded.order == "none"
    assert loaded.events.select("user", "item").rows() == ROWS
    assert loaded.events["part"].to_list() == PARTS
    (tmp_path / "train.txt").unlink()
    with pytest.raises(DataError, match=r"no file train\.txt"):
        cf.lines(tmp_path)


def test_lines_in_an_archive(tmp_path: Path) -> None:
    read = cf.archived_lines("set.tar.gz", "set")
    archive(tmp_path / "set.tar.gz", {"set/train.txt": TRAIN, "set/test.txt": TEST, "../outside.txt": "1 1"})
    assert read(tmp_path).events.select("user", "item").rows() == ROWS
    assert sorted(path.name for path in tmp_path.iterdir()) == ["set.tar.gz"]
    archive(tmp_path / "set.tar.gz", {"set/train.txt": TRAIN})
    with pytest.raises(DataError, match=r"set\.tar\.gz holds no file set/test\.txt; fetch the dataset again$"):
        read(tmp_path)
    whole = tmp_path / "set.tar.gz"
    archive(whole, {"set/train.txt": TRAIN * 400, "set/test.txt": TEST})
    whole.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(DataError, match="cut short or damaged"):
        read(tmp_path)
    whole.write_text("no archive")
    with pytest.raises(DataError, match="damaged"):
        read(tmp_path)


def test_pairs_with_weights_and_carriage_returns(tmp_path: Path) -> None:
    (tmp_path / "data1.txt").write_bytes(b"4\t7\t993\r\n13\t15\t9\r\n")
    (tmp_path / "test1.txt").write_bytes(b"4\t15\t57\r\n")
    loaded = cf.pairs(tmp_path)
    assert loaded.events.rows() == [(4, 7, "train"), (13, 15, "train"), (4, 15, "test")]
    (tmp_path / "test1.txt").write_text("4\n")
    with pytest.raises(DataError, match="line 1 has fewer than 2 fields"):
        cf.pairs(tmp_path)
    (tmp_path / "test1.txt").write_text("4\t15\t1\n4\tabba\t1\n")
    with pytest.raises(DataError, match=r"test1\.txt has the user '4' with the item 'abba', but ids are whole numbers"):
        cf.pairs(tmp_path)


def test_ids_that_are_no_numbers_are_refused_in_lines_too(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("0 1 2\n")
    (tmp_path / "test.txt").write_text("0 x\n")
    with pytest.raises(DataError, match="item 'x'"):
        cf.lines(tmp_path)


def test_the_parts_become_a_given_split(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(TRAIN)
    (tmp_path / "test.txt").write_text(TEST)
    loaded = cf.lines(tmp_path)
    split = given(Dataset(loaded.events, loaded.catalog, "cf", loaded.order), valid=0.5)
    assert split.refit.n_events == 6
    assert len(split.test) == 2
    assert split.test.targets.tolist() == [3, 4, 1]  # items 1..4 are codes 1..4


@pytest.mark.parametrize("name", ["cf-gowalla", "cf-yelp2018", "cf-ml-1m", "cf-lastfm"])
def test_entries_are_read_from_their_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = ENTRIES[name]
    folder = tmp_path / entry.mirrors[0].folder
    folder.mkdir()
    for part, lines in (("train", TRAIN), ("test", TEST)):
        pairs = "".join(f"{user}\t{item}\t1\n" for (user, item), p in zip(ROWS, PARTS, strict=True) if p == part)
        (folder / cf.LINES[part]).write_text(lines)
        (folder / cf.PAIRS[part]).write_text(pairs)
    archive(folder / "yelp2018.tar.gz", {"yelp2018/train.txt": TRAIN, "yelp2018/test.txt": TEST})
    archive(folder / "ml_dataset.tar.gz", {"ml_data/train.txt": TRAIN, "ml_data/test.txt": TEST})
    monkeypatch.setenv("REVERIE_DATA", str(tmp_path))
    dataset = rv.load_dataset(name)
    assert (dataset.name, dataset.order, dataset.n_events) == (name, "none", 9)
    assert dataset.events.select("user", "item").rows() == ROWS
    assert entry.protocol == "given"
