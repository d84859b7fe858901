"""Features from titles and covers: kept on disk, broken files left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from torch import Tensor, nn

import reverie as rv
from reverie.errors import ConfigError, DataError
from reverie.models.item_encoders import extractors, shelf
from reverie.models.item_encoders.extract import extract
from reverie.nn.efficientnet import WIDTH, EfficientNetLite0
from reverie.nn.pictures import read_picture
from reverie.nn.sentences import Tokens
from reverie.registry import Entry
from reverie.testing import tiny_dataset


class Letters(nn.Module):
    """A sentence encoder: counts of letters."""

    def tokens(self, sentences: list[str]) -> Tokens:
        return Tokens.of([[ord(letter) % 16 for letter in sentence] for sentence in sentences])

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        return (nn.functional.one_hot(ids, 16) * mask[..., None]).sum(1).float()


def letters() -> extractors.Titles:
    return extractors.Titles(Letters())


def tiny_covers() -> extractors.Covers:
    torch.manual_seed(0)
    return extractors.Covers(EfficientNetLite0().eval())


@pytest.fixture(autouse=True)
def _small_networks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    entries = {"text": Entry(f"{__name__}:letters", ""), "image": Entry(f"{__name__}:tiny_covers", "")}
    monkeypatch.setattr(shelf.EXTRACTORS, "_entries", entries, raising=False)


def test_titles_are_encoded_once_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    items = pl.DataFrame({"item": [3, 1, 2, 4, 5], "title": ["a cat", "a longer dog", "a cat", None, "  "]})
    done: list[int] = []
    found = extract("text", items, done.append)
    assert found.ids.to_list() == [3, 1, 2]
    assert np.array_equal(found.values[0], found.values[2])
    np.testing.assert_allclose(np.linalg.norm(found.values, axis=1), 1, rtol=1e-5)
    assert sum(done) == 3

    def never(*_: Any) -> None:
        raise AssertionError("it is on disk")

    monkeypatch.setattr(extractors.Titles, "vectors", never)
    again = extract("text", items)
    assert np.array_equal(again.values, found.values)
    with pytest.raises(AssertionError):
        extract("text", items.with_columns(title=pl.lit("another")))


def test_a_pass_that_was_cut_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(extractors.Titles, "piece", 8)
    whole = rv.with_content(tiny_dataset(), "text", show=False).content["text"].values
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "other"))
    made, vectors = list[int](), extractors.Titles.vectors

    def cut(self: extractors.Titles, content: Any, advance: Any) -> Any:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(len(content))
        return vectors(self, content, advance)

    with monkeypatch.context() as patch:
        patch.setattr(extractors.Titles, "vectors", cut)
        with pytest.raises(KeyboardInterrupt):
            rv.with_content(tiny_dataset(), "text", show=False)
        made.clear()
        again = rv.with_content(tiny_dataset(), "text").content["text"].values
    assert made == [4]
    assert "text features of 'tiny': 16 were made before" in capsys.readouterr().err
    assert np.array_equal(again, whole)
    assert not list((tmp_path / "other" / "content").glob("*.pieces"))


def test_a_broken_cover_is_an_item_without_one(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    colours = np.random.default_rng(0).integers(0, 255, (5, 40, 60, 3), dtype=np.uint8)
    for number, pixels in enumerate(colours[:2]):
        pillow.fromarray(pixels).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").write_bytes(b"no picture")
    (tmp_path / "3.png").write_bytes((tmp_path / "0.png").read_bytes()[:200])
    pillow.fromarray(colours[4]).convert("P").save(tmp_path / "5.gif")
    paths = [str(tmp_path / name) for name in ("0.png", "1.png", "2.png", "3.png", "4.png", "5.gif")]
    said: list[str] = []
    found = extract("image", pl.DataFrame({"item": list("abcdef"), "cover": paths}), tell=said.append)
    assert found.ids.to_list() == ["a", "b", "f"]
    assert found.values.shape == (3, WIDTH)
    assert len(said) == 1
    assert said[0].startswith("3 of 6 items have a cover that cannot be read, such as")
    assert np.array_equal(extract("image", pl.DataFrame({"item": list("abcdef"), "cover": paths})).values, found.values)
    pixels = read_picture(tmp_path / "0.png", 32)
    assert pixels is not None
    assert pixels.shape == (32, 32, 3)
    with pytest.raises(DataError, match="none of 2 items has a cover that can be read"):
        extract("image", pl.DataFrame({"item": [1, 2], "cover": paths[2:4]}))


def test_a_dataset_gets_features_where_they_are_missing() -> None:
    dataset = rv.with_content(tiny_dataset(), "text", show=False)
    assert dataset.content["text"].values.shape == (20, 16)
    assert dataset.notes[-1] == "text, 16 numbers, of 20 of 20 items"
    assert rv.with_content(dataset, "text") is dataset
    titles = pl.when(pl.col("item").is_in(["a03", "a07"])).then(pl.lit(" ")).otherwise("title").alias("title")
    some = replace(tiny_dataset(), catalog=tiny_dataset().catalog.with_columns(titles))
    said = "text, 16 numbers, of 18 of 20 items (2 lack it, 10.0%); 2 items have no content at all"
    assert rv.with_content(some, "text", show=False).notes[-1] == said
    assert rv.leave_one_out(dataset).vocabulary.content["text"].present.all()
    with pytest.raises(ConfigError, match="unknown extractor 'sound'"):
        rv.with_content(dataset, "sound")
    with pytest.raises(DataError, match="no item has a cover, which features of 'image' are made from; add the column 'cover'"):
        rv.with_content(dataset, "image")


def test_a_cover_column_of_other_types_is_read_as_text() -> None:
    dataset = replace(tiny_dataset(), catalog=tiny_dataset().catalog.with_columns(cover=pl.lit(7)))
    with pytest.raises(DataError, match="none of 20 items has a cover that can be read, such as '7'"):
        rv.with_content(dataset, "image", show=False)
