"""Published folders with content of items: MicroLens in both layouts, MMRec, and matrices of users by items."""

from __future__ import annotations

import lzma
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_matrix, save_npz

import reverie as rv
from reverie.data.sources.microlens import read_microlens
from reverie.data.sources.multimodal import read_matrices, read_mmrec
from reverie.errors import DataError

TITLES = 'item,title\n1,"Ducks, and ""more"" ducks"\n3,Cats\n4,\n'


def microlens_50k(folder: Path) -> None:
    (folder / "MicroLens-50k_pairs.tsv.xz").write_bytes(lzma.compress(b"7\t3 1\n2\t1 4 3\n"))
    (folder / "MicroLens-50k_titles.csv.xz").write_bytes(lzma.compress(TITLES.encode()))


def microlens_100k(folder: Path) -> None:
    rows = "user,item,timestamp\n7,1,1600000002000\n7,3,1600000001000\n2,1,1600000000000\n2,4,1600000003000\n"
    (folder / "MicroLens-100k_pairs.csv").write_text(rows)
    (folder / "MicroLens-100k_pairs.tsv").write_text("7\t9 9\n")  # the CSV has times, so it is taken
    (folder / "MicroLens-100k_title_en.csv").write_text('1,Ducks, and more ducks\n3,"Cats" # funny\n4,Dogs\n5,Unseen\n')
    (folder / "tags_to_summary.csv").write_text("item,category\n1,Food\n3,Pets, mostly\n")
    (folder / "MicroLens-100k_likes_and_views.txt").write_text("1\t10\t100\n3\t7\t5\n")
    (folder / "MicroLens-100k_comments.txt").write_text("7\t1\tso\tgood\n2\t4\tmeh\n7\t1\tagain\n")
    for name, files in {"MicroLens-100k_covers": ["1.jpg", "4.png", "notes.txt"], "MicroLens-100k_videos": ["3.mp4"]}.items():
        (folder / name).mkdir()
        for file in files:
            (folder / name / file).write_bytes(b"\0")
    features = folder / "extracted_modality_features"
    features.mkdir()
    for name in ("image_features_CLIPRN50", "title_features_BGEM3", "video_features_VideoMAE"):
        np.save(features / f"MicroLens-100k_{name}.npy", np.arange(10, dtype=np.float32).reshape(5, 2))


def test_the_layout_of_50k(tmp_path: Path) -> None:
    microlens_50k(tmp_path)
    loaded = read_microlens(tmp_path)
    assert loaded.order == "source"
    assert loaded.events.rows() == [(7, 3), (7, 1), (2, 1), (2, 4), (2, 3)]
    assert loaded.catalog.rows() == [(1, 'Ducks, and "more" ducks'), (3, "Cats"), (4, None)]
    assert not loaded.content


def test_the_layout_of_100k(tmp_path: Path) -> None:
    microlens_100k(tmp_path)
    loaded = read_microlens(tmp_path)
    assert loaded.order == "timestamp"
    assert loaded.events.select("user", "item", "timestamp").rows() == [
        (7, 1, 1600000002), (7, 3, 1600000001), (2, 1, 1600000000), (2, 4, 1600000003),
    ]  # fmt: skip
    assert loaded.events["comment"].to_list() == ["so\tgood", None, None, "meh"]
    rows = {row["item"]: row for row in loaded.catalog.iter_rows(named=True)}
    assert {item: row["title"] for item, row in rows.items()} == {
        1: "Ducks, and more ducks",
        3: '"Cats" # funny',
        4: "Dogs",
        5: "Unseen",
    }
    assert [rows[1][name] for name in ("categories", "likes", "views", "video")] == ["Food", 10, 100, None]
    assert rows[3]["categories"] == "Pets, mostly"
    assert rows[3]["video"] == str(tmp_path / "MicroLens-100k_videos" / "3.mp4")
    assert [rows[item]["cover"] is not None for item in (1, 3, 4, 5)] == [True, False, True, False]
    assert loaded.notes == (
        "comments of 2 of 4 events", "items with more likes than views, as published: 1", "covers: 2 files", "videos: 1 files",
    )  # fmt: skip
    assert sorted(loaded.content) == ["image", "text", "video"]
    assert loaded.content["image"].ids.to_list() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(loaded.content["text"].values[2], [4, 5])  # row i is item i + 1


def mmrec(folder: Path, inter: str = "") -> None:
    text = (
        inter
        or "userID\titemID\trating\ttimestamp\tx_label\n0\t2\t5.0\t30\t2\n0\t0\t4.0\t10\t0\n1\t1\t3.0\t5\t0\n0\t1\t1.0\t20\t1\n"
    )
    (folder / "baby.inter").write_text(text)
    np.save(folder / "image_feat.npy", np.arange(6, dtype=np.float32).reshape(3, 2))


def offer(monkeypatch: pytest.MonkeyPatch, name: str, target: str) -> None:
    """Offer a format as installed metadata would."""
    points = metadata.EntryPoints([metadata.EntryPoint(name, target, "reverie.formats")])
    monkeypatch.setattr("reverie.data.readers.formats.entry_points", lambda **keys: points.select(**keys))


def test_a_folder_of_mmrec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mmrec(tmp_path)
    offer(monkeypatch, "mmrec", "reverie.data.sources.multimodal:read_mmrec")
    dataset = rv.read_events(tmp_path, format="mmrec")
    assert dataset.order == "timestamp"
    assert dataset.notes == ("there are no features of the text",)
    split = rv.given(dataset)
    assert (split.train.n_events, len(split.valid), len(split.test)) == (2, 1, 1)
    np.testing.assert_array_equal(split.vocabulary.content["image"].values, [[0, 1], [2, 3], [4, 5]])


def test_a_folder_of_microlens_by_its_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    microlens_100k(tmp_path)
    offer(monkeypatch, "microlens", "reverie.data.sources.microlens:read_microlens")
    dataset = rv.read_events(tmp_path, format="microlens")
    assert dataset.order == "timestamp"
    assert dataset.vocabulary.titles is not None
    assert dataset.vocabulary.titles.to_list() == ["Ducks, and more ducks", '"Cats" # funny', "Dogs"]
    np.testing.assert_array_equal(dataset.vocabulary.content["image"].values, [[0, 1], [4, 5], [6, 7]])
    assert dataset.read_as is not None
    assert "3 of 3 items have a title" in dataset.read_as.line()


def matrices(folder: Path, rows: int = 4) -> None:
    parts = {"trnMat": [[1, 1, 0, 0], [0, 1, 1, 0]], "valMat": [[0, 0, 1, 0], [0, 0, 0, 0]], "tstMat": [[0, 0, 0, 1], [1, 0, 0, 0]]}
    for name, matrix in parts.items():
        save_npz(folder / f"{name}.npz", csr_matrix(np.array(matrix, dtype=np.int8)))
    np.save(folder / "audio_feat.npy", np.ones((rows, 2), dtype=np.float16))


def test_matrices_of_users_by_items(tmp_path: Path) -> None:
    matrices(tmp_path)
    loaded = read_matrices(tmp_path)
    assert loaded.order == "none"
    assert loaded.events.sort(pl.col("part").cast(pl.Enum(["train", "valid", "test"])), "user", "item").rows() == [
        (0, 0, "train"), (0, 1, "train"), (1, 1, "train"), (1, 2, "train"), (0, 2, "valid"), (0, 3, "test"), (1, 0, "test"),
    ]  # fmt: skip
    assert loaded.notes == ("there are no features of the image and the text",)
    assert loaded.content["audio"].ids.to_list() == [0, 1, 2, 3]


def test_events_of_matrices_do_not_ascend_by_item(tmp_path: Path) -> None:
    matrices(tmp_path)
    dense = np.random.default_rng(0).random((40, 4)) < 0.8
    for name in ("trnMat", "valMat", "tstMat"):
        save_npz(tmp_path / f"{name}.npz", csr_matrix(dense.astype(np.float32)))
    loaded = read_matrices(tmp_path)
    train = loaded.events.filter(pl.col("part") == "train")
    steps = train.select(pl.col("item").diff().over("user")).to_series().drop_nulls().to_numpy()
    assert 0.35 < float((steps > 0).mean()) < 0.65  # no model can learn that the next item has a greater number
    assert set(train.select("user", "item").rows()) == set(zip(*map(np.ndarray.tolist, np.nonzero(dense)), strict=True))
    assert read_matrices(tmp_path).events.equals(loaded.events)


def nothing(folder: Path) -> None: ...


def changed(make: Callable[[Path], None], name: str, text: str | bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        make(folder)
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)

    return write


def short_features(make: Callable[[Path], None], name: str, rows: int) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        make(folder)
        np.save(folder / name, np.ones((rows, 2)))

    return write


BAD: list[tuple[Callable[[Path], Any], Callable[[Path], None], str]] = [
    (read_microlens, nothing, "has no file that ends in pairs.csv or pairs.tsv"),
    (read_microlens, changed(microlens_100k, "tags_to_summary.csv", "item,c\n1,x\nred,y\n"), "csv line 3 does not begin with a"),
    (read_microlens, changed(microlens_100k, "tags_to_summary.csv", b"1,\xff\n"), r"csv line 1 \(byte 2\) is not UTF-8"),
    (read_microlens, short_features(microlens_100k, "audio.npy", 3), "audio.npy has 3 rows, and items go up to 4; row i"),
    (read_microlens, short_features(microlens_100k, "cover.npy", 5), "holds features of the image, and so does another file"),
    (read_mmrec, nothing, "has 0 files that end in .inter"),
    (read_mmrec, lambda f: mmrec(f, "user\titem\n1\t2\n"), "has no column 'userID'; its columns are user, item"),
    (read_mmrec, lambda f: mmrec(f, "userID\titemID\tx_label\n1\t2\t0\n1\t1\t3\n"), "column 'x_label' must hold 0, 1 and 2 alone"),
    (read_mmrec, lambda f: mmrec(f, "userID\titemID\n1\ta\n1\tb\n"), "has item ids that are no whole numbers, as 'a'"),
    (read_mmrec, lambda f: mmrec(f, "userID\titemID\ttimestamp\n1\t2\t5\n1\t1\tsoon\n"), "row 2 has no number as timestamp"),
    (read_mmrec, short_features(mmrec, "text_feat.npy", 4), "text_feat.npy has 4 rows, and there are 3 items"),
    (read_matrices, nothing, "has no file trnMat.npz or trnMat.npz.xz"),
    (read_matrices, changed(matrices, "valMat.npz", b"PK"), "valMat.npz is no sparse matrix of SciPy"),
    (read_matrices, lambda f: matrices(f, rows=5), "audio_feat.npy has 5 rows, and there are 4 items"),
]  # fmt: skip


@pytest.mark.parametrize(("read", "make", "sentence"), BAD)
def test_what_is_wrong_with_a_folder_is_one_sentence(
    read: Callable[[Path], Any], make: Callable[[Path], None], sentence: str, tmp_path: Path
) -> None:
    make(tmp_path)
    with pytest.raises(DataError, match=sentence) as raised:
        read(tmp_path)
    assert "\n" not in str(raised.value)
