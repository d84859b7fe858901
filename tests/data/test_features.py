"""Features of items from files: each way to name their rows, and one sentence for what is wrong."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import reverie as rv
from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset
from reverie.data.readers import read_features, with_features
from reverie.errors import ConfigError, DataError
from reverie.testing.data import tiny_dataset

VALUES = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
IDS = ["a03", "a01", "zz", "a00"]


def npz(path: Path, **arrays: Any) -> None:
    np.savez(path, **arrays)


def table(values: np.ndarray[Any, Any] = VALUES, ids: list[Any] | None = None) -> pl.DataFrame:
    return pl.DataFrame({"item": ids or IDS, **{f"v{i}": values[:, i] for i in range(values.shape[1])}})


def listed(path: Path) -> None:
    frame = pl.DataFrame({"item_id": IDS, "vector": VALUES.tolist()})
    frame.write_parquet(path)


def listed_text(path: Path) -> None:
    pl.DataFrame({"asin": IDS, "embedding": [str(row) for row in VALUES.tolist()]}).write_csv(path)


FILES: list[tuple[str, Callable[[Path], Any], Any]] = [
    ("a.npy", lambda path: np.save(path, VALUES), IDS),
    ("a.npy", lambda path: np.save(path, np.asfortranarray(VALUES)), pl.Series(IDS)),
    ("ids.npz", lambda path: npz(path, ids=np.array(IDS), values=VALUES), None),
    ("items.npz", lambda path: npz(path, embeddings=VALUES, items=np.array(IDS)), None),
    ("a.npz", lambda path: npz(path, whatever=VALUES), IDS),
    ("columns.parquet", lambda path: table().write_parquet(path), None),
    ("columns.csv", lambda path: table().write_csv(path), None),
    ("columns.tsv", lambda path: table().write_csv(path, separator="\t"), None),
    ("list.parquet", listed, None),
    ("array.parquet", lambda path: pl.DataFrame({"item": IDS, "v": pl.Series(VALUES)}).write_parquet(path), None),
    ("list.csv", listed_text, None),
]


@pytest.mark.parametrize(("name", "write", "ids"), FILES, ids=[f"{at}-{name}" for at, (name, *_) in enumerate(FILES)])
def test_every_file_gives_the_same_features(name: str, write: Callable[[Path], Any], ids: Any, tmp_path: Path) -> None:
    write(tmp_path / name)
    found = read_features(tmp_path / name, ids)
    assert found.ids.to_list() == IDS
    np.testing.assert_allclose(found.values, VALUES, rtol=1e-6)


def test_rows_are_named_by_a_rule_a_file_or_the_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "image_feat.npy"
    np.save(path, VALUES.astype(np.float16))
    (tmp_path / "ids.txt").write_text("﻿7\n5\n\n 12 \n9\n", encoding="utf-8")
    np.save(tmp_path / "ids.npy", np.array([7, 5, 12, 9]))
    assert read_features(path, "from 0").ids.to_list() == [0, 1, 2, 3]
    assert read_features(path, "from 1").ids.to_list() == [1, 2, 3, 4]
    for ids in (str(tmp_path / "ids.txt"), tmp_path / "ids.npy", [7, 5, 12, 9]):
        assert read_features(path, ids).ids.to_list() == [7, 5, 12, 9]
    assert read_features(path, catalog=pl.Series(IDS)).ids.to_list() == IDS
    assert isinstance(read_features(path, "from 0").values.base, np.memmap) or isinstance(
        read_features(path, "from 0").values, np.memmap
    )


def with_nan(path: Path) -> None:
    values = VALUES.copy()
    values[2, 1] = np.nan
    np.save(path, values)


BAD: list[tuple[str, Callable[[Path], Any], Any, str]] = [
    ("a.npy", lambda p: np.save(p, VALUES), None, r"has 4 rows and no ids; say which items they are: ids='from 0'"),
    ("a.npy", lambda p: np.save(p, VALUES), ["x"], r"has 4 rows, and ids has 1 items; give one row for each"),
    ("a.npy", lambda p: np.save(p, VALUES), "from 2", r"ids='from 2' is neither 'from 0' nor 'from 1', and no such file"),
    ("a.npy", lambda p: np.save(p, VALUES), ["x", "x", "y", "z"], r"a\.npy: item 'x' has two rows of features; keep one"),
    ("a.npy", with_nan, IDS, r"a\.npy: the features of item 'zz' hold a value that is not finite"),
    ("a.npy", lambda p: np.save(p, VALUES[0]), IDS, r"array of shape \[3\] and type float32; give one row of numbers"),
    ("a.npy", lambda p: np.save(p, VALUES[:0]), IDS, r"array of shape \[0, 3\]"),
    ("a.npy", lambda p: np.save(p, np.zeros((4, 3, 2))), IDS, r"array of shape \[4, 3, 2\]"),
    ("a.npy", lambda p: np.save(p, np.array([["a", "b"]])), IDS, r"type <U1; give one row of numbers for each item"),
    ("a.npy", lambda p: np.save(p, np.array([{"a": 1}]), allow_pickle=True), IDS, r"cannot be read as an array of numbers"),
    ("a.npy", lambda p: p.write_bytes(b"cposix\nsystem\n(S'true'\ntR."), IDS, r"cannot be read as an array of numbers"),
    ("a.npy", lambda p: p.write_bytes(b""), IDS, r"cannot be read as an array of numbers"),
    ("a.npy", lambda p: (np.save(p, VALUES), p.write_bytes(p.read_bytes()[:-5])), IDS, r"cannot be read as an array of numbers"),
    ("a.npy", lambda p: None, IDS, r"a\.npy does not exist"),
    ("a.npy", lambda p: p.mkdir(), IDS, r"a\.npy is a folder, not a file"),
    ("a.npz", lambda p: npz(p, a=VALUES, b=VALUES), IDS, r"holds the arrays a, b; keep one array of vectors, and one called ids"),
    ("a.npz", lambda p: npz(p, ids=np.array(IDS), values=VALUES), IDS, r"has ids of its own, so ids= has no meaning; leave it out"),
    ("a.npz", lambda p: npz(p, ids=np.array([0.5] * 4), values=VALUES), None, r"has ids of shape \[4\] and type float64"),
    ("a.npz", lambda p: npz(p, ids=np.array(IDS, dtype=object), values=VALUES), None, r"cannot be read as an array of numbers"),
    ("a.npz", lambda p: zipfile.ZipFile(p, "w").close(), None, r"holds the arrays of nothing|cannot be read"),
    ("a.csv", lambda p: table().write_csv(p), "from 0", r"has ids of its own"),
    ("a.csv", lambda p: p.write_text("item,a,b\nx,1,2\ny,1,\n"), None, r"features of item 'y' hold a value that is not finite"),
    ("a.csv", lambda p: p.write_text("item,a,b\nx,1,2\ny,1,red\n"), None, r"row 2, column 'b': 'red' is not a number"),
    ("a.csv", lambda p: p.write_text("a,b\n1,2\n"), None, r"has no column known as the item"),
    ("a.csv", lambda p: p.write_text("item\n1\n2\n"), None, r"has the column 'item' alone"),
    ("a.csv", lambda p: p.write_text("item,v\nx,[1 2 3]\ny,[1 2]\n"), None, r"row 2 has 2 numbers where row 1 has 3"),
    ("a.csv", lambda p: p.write_text("item,v\nx,[1 2 3]\ny,[1 2 b]\n"), None, r"column 'v' does not hold numbers alone"),
    ("a.parquet", lambda p: p.write_bytes(b"PAR1"), None, r"a\.parquet"),
    (
        "a.parquet",
        lambda p: pl.DataFrame({"item": [1], "t": ["x"], "v": [[1.0]]}).write_parquet(p),
        None,
        r"column 'v' of List\(Float64\) beside",
    ),
    (
        "a.parquet",
        lambda p: pl.DataFrame({"item": [1, 2], "v": [[1.0], None]}).write_parquet(p),
        None,
        r"row 2 has 0 numbers where row 1 has 1",
    ),
]


@pytest.mark.parametrize(("name", "write", "ids", "sentence"), BAD, ids=[f"{at}-{row[0]}" for at, row in enumerate(BAD)])
def test_what_is_wrong_is_one_sentence(name: str, write: Callable[[Path], Any], ids: Any, sentence: str, tmp_path: Path) -> None:
    write(tmp_path / name)
    with pytest.raises(DataError, match=sentence) as raised:
        read_features(tmp_path / name, ids)
    assert "\n" not in str(raised.value)


def test_a_dataset_says_what_its_items_have(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    np.save(tmp_path / "image.npy", np.ones((20, 2)))
    table().write_csv(tmp_path / "text.csv")
    with caplog.at_level(logging.INFO, "reverie.data"):
        dataset = with_features(tiny_dataset(), {"text": tmp_path / "text.csv"})
    assert "1 of 4 ids of the text features (25.0%) match no item of 'tiny', the first is 'zz'; they are left out" in caplog.text
    assert dataset.notes[-1] == "text, 3 numbers, of 3 of 20 items (17 lack it, 85.0%); 17 items have no content at all"
    assert dataset.sha256 == tiny_dataset().sha256
    both = with_features(dataset, {"image": str(tmp_path / "image.npy")})  # in the order of the catalogue
    assert both.notes[-1] == "text, 3 numbers, of 3 of 20 items (17 lack it, 85.0%); image, 2 numbers, of 20 of 20 items"
    content = both.vocabulary.content
    np.testing.assert_allclose(content["text"].values[3], VALUES[0])
    assert content["text"].present.sum() == 3
    assert content["image"].present.all()
    assert rv.leave_one_out(both).vocabulary.content["text"].present.sum() == 3


UNFIT: list[tuple[dict[str, Any], str]] = [
    (
        {"text": ItemFeatures(pl.Series([1, 2]), np.ones((2, 1)))},
        "none of the 2 ids of the text features is an item of 'tiny': ids like 1 in the features, 'a",
    ),
    ({"text": "missing.npy"}, "missing.npy does not exist"),
]


@pytest.mark.parametrize(("content", "sentence"), UNFIT)
def test_features_of_no_item_are_refused(content: dict[str, Any], sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        with_features(tiny_dataset(), content)


def test_rows_that_are_not_the_catalogues_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "image.npy", np.ones((19, 2)))
    with pytest.raises(DataError, match="has 19 rows, and the catalogue has 20 items; give one row for each"):
        with_features(tiny_dataset(), {"image": tmp_path / "image.npy"})
    bare = Dataset(tiny_dataset().events)
    with pytest.raises(DataError, match="has 19 rows and no ids; say which items they are"):
        with_features(bare, {"image": tmp_path / "image.npy"})


def test_arrays_stand_for_the_rows_of_the_catalogue_and_other_things_are_refused() -> None:
    dataset = tiny_dataset()
    values = np.arange(60, dtype=np.float64).reshape(20, 3)
    found = with_features(dataset, {"image": values}).content["image"]
    assert found.ids.to_list() == dataset.catalog["item"].to_list()
    np.testing.assert_array_equal(found.values, values)
    values[7, 1] = 1e300
    with pytest.raises(DataError, match="not finite"):
        with_features(dataset, {"image": values})
    for wrong in (None, 5, [1.0, 2.0]):
        with pytest.raises(ConfigError, match="give a file"):
            with_features(dataset, {"image": wrong})  # type: ignore[dict-item]  # is refused
    with pytest.raises(ConfigError, match="names no modality"):
        with_features(dataset, ["image.npy"])  # type: ignore[arg-type]  # is refused
