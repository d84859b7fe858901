"""Features of items travel with the vocabulary: into a model's folder and back, into a grown vocabulary, into other codes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from polars.testing import assert_frame_equal
from safetensors.numpy import load_file

from reverie.data.content import Features, ItemFeatures
from reverie.data.recode import recode
from reverie.data.splits import leave_one_out
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError, ReverieError, RunError
from reverie.evaluation import recommend
from reverie.models import create_model, load_model, save_model
from reverie.models.export import export_model
from reverie.models.new_items import with_new_items
from reverie.models.shelf import MODELS
from reverie.models.store import CONTENT, load_vocabulary, save_tensors
from reverie.models.warm_start import append_vocabulary, warm_start
from reverie.testing.data import tiny_dataset
from reverie.training import fit


def vectors(ids: list[Any], width: int, seed: int) -> ItemFeatures:
    return ItemFeatures(pl.Series("item", ids), np.random.default_rng(seed).normal(size=(len(ids), width)))


def described(features: Features, items: pl.Series) -> dict[Any, list[float] | None]:
    """By external id, the vector of an item; None where it has none."""
    rows = zip(items.to_list(), features.present, features.values, strict=True)
    return {item: row.tolist() if present else None for item, present, row in rows}


def split_with_features() -> Any:
    text = vectors([f"a{i:02d}" for i in range(18)], 5, 1)  # items 18 and 19 have none
    return leave_one_out(replace(tiny_dataset(), content={"text": text, "image.small": vectors(["a03", "a19", "zz"], 2, 2)}))


@pytest.mark.parametrize("name", ["mf", "popularity", "ease"])
def test_a_saved_model_keeps_the_features(name: str, tmp_path: Path) -> None:
    split = split_with_features()
    model: Any = create_model(name, split)
    if name != "mf":
        fit(model, split, show=False)
    save_model(model, tmp_path)
    loaded = load_model(tmp_path).card.vocabulary
    assert list(loaded.content) == ["image.small", "text"]
    for kind, features in split.vocabulary.content.items():
        np.testing.assert_array_equal(loaded.content[kind].values, features.values)
        np.testing.assert_array_equal(loaded.content[kind].present, features.present)
    assert loaded.content["text"].present.sum() == 18
    assert loaded.content["image.small"].present.sum() == 2
    if name == "ease":
        assert export_model(model, tmp_path / "out")
        assert not (tmp_path / "out" / CONTENT).exists()


def test_models_without_features_have_no_file_for_them(tmp_path: Path) -> None:
    plain = leave_one_out(tiny_dataset())
    save_model(create_model("mf", split_with_features()), tmp_path)
    stale = (tmp_path / CONTENT).read_bytes()
    save_model(create_model("mf", plain), tmp_path)
    assert not (tmp_path / CONTENT).exists()
    (tmp_path / CONTENT).write_bytes(stale)  # not named in model.json, so it is no part of the model
    assert load_model(tmp_path).card.vocabulary.content == {}


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_changed_features_are_one_sentence(damage: str, tmp_path: Path) -> None:
    save_model(create_model("mf", split_with_features()), tmp_path)
    file = tmp_path / CONTENT
    file.write_bytes(file.read_bytes()[:-1] + b"\1") if damage == "changed" else file.unlink()
    with pytest.raises(ReverieError, match=f"{CONTENT} (cannot be read: it was changed after|does not exist)"):
        load_model(tmp_path)


TENSORS: list[dict[str, torch.Tensor]] = [
    {"text.values": torch.zeros(20, 3)},
    {"text": torch.zeros(20, 3)},
    {"text.values": torch.zeros(19, 3), "text.present": torch.ones(19, dtype=torch.bool)},
    {"text.values": torch.zeros(20), "text.present": torch.ones(20, dtype=torch.bool)},
    {"text.values": torch.zeros(20, 3), "text.present": torch.ones(20)},
    {"text.values": torch.zeros(20, 3, dtype=torch.int64), "text.present": torch.ones(20, dtype=torch.bool)},
]


@pytest.mark.parametrize("tensors", TENSORS)
def test_features_of_another_shape_are_one_sentence(tensors: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_model(create_model("mf", split_with_features()), tmp_path)
    save_tensors(tensors, tmp_path / CONTENT)
    with pytest.raises(RunError, match="not one row for each of 20 items"):
        load_vocabulary(tmp_path)


def test_a_grown_vocabulary_has_the_features_of_both() -> None:
    def vocabulary(items: list[int], **content: ItemFeatures) -> Vocabulary:
        ids = pl.Series("item", items)
        return Vocabulary(ids, pl.Series("user", [1]), content={name: one.align(ids) for name, one in content.items()})

    ours, theirs, sound = vectors([5, 3], 2, 0), vectors([1, 3, 9], 2, 1), vectors([5, 1], 4, 2)
    both = append_vocabulary(vocabulary([7, 5, 3], text=ours), vocabulary([1, 3, 5, 9], text=theirs, audio=sound))
    assert both.items.to_list() == [7, 5, 3, 1, 9]
    old, new, heard = (
        dict(zip(one.ids.to_list(), one.values.astype(np.float32).tolist(), strict=True)) for one in (ours, theirs, sound)
    )
    assert described(both.content["text"], both.items) == {7: None, 5: old[5], 3: old[3], 1: new[1], 9: new[9]}
    assert described(both.content["audio"], both.items) == {7: None, 5: heard[5], 3: None, 1: heard[1], 9: None}
    with pytest.raises(DataError, match="the text features of the model have 2 numbers an item and the new ones 3"):
        append_vocabulary(vocabulary([3], text=ours), vocabulary([1], text=vectors([1], 3, 0)))


def test_codes_of_another_vocabulary_bring_its_features() -> None:
    split = split_with_features()
    grown = append_vocabulary(leave_one_out(tiny_dataset(items=12)).vocabulary, split.vocabulary)
    ours = recode(split, grown)
    assert ours.vocabulary.items is grown.items
    for name in ("text", "image.small"):
        expected = described(split.vocabulary.content[name], split.vocabulary.items)
        assert {
            id: row for id, row in described(ours.vocabulary.content[name], ours.vocabulary.items).items() if id in expected
        } == expected
    warm = warm_start(create_model("mf", leave_one_out(tiny_dataset(items=12))), split)
    assert list(warm.card.vocabulary.content) == ["text", "image.small"]


@pytest.mark.skipif("item_encoder" not in MODELS.config("sasrec").model_fields, reason="needs the item encoders")
def test_a_sequence_model_scores_new_items_and_is_saved_and_exported_with_them(tmp_path: Path) -> None:
    features = vectors([f"a{i:02d}" for i in range(20)], 6, 0)
    split = leave_one_out(replace(tiny_dataset(), content={"image": features}))
    model = create_model("sasrec", split, dim=8, history=6, item_encoder={"kind": "features", "modality": "image"})
    fit(model, split, epochs=1, show=False)
    new = ItemFeatures(pl.Series(["n1"]), features.values[[7]])
    grown = with_new_items(model, pl.DataFrame({"item": ["n1", "n2"]}), {"image": new})
    save_model(grown, tmp_path / "model")
    assert load_model(tmp_path / "model").card.vocabulary.items.to_list()[20:] == ["n1"]  # n2 has no features
    lists = [recommend(one, ["a03", "a01"], k=21) for one in (grown, load_model(tmp_path / "model"))]
    assert_frame_equal(*(one.sort("item").drop("rank") for one in lists))  # sums may end otherwise elsewhere in memory
    scores = dict(zip(lists[0]["item"], lists[0]["score"], strict=True))
    assert scores["n1"] == pytest.approx(scores["a07"], abs=1e-6)
    old = recommend(model, ["a03", "a01"], k=20)
    assert old["score"].to_list() == [scores[item] for item in old["item"]]
    assert export_model(grown, tmp_path / "out")["n_items"] == 21
    assert len(load_file(tmp_path / "out" / "item_table.safetensors")["items"]) == 21
