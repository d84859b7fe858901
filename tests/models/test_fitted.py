"""Weights as they were drawn are told of once a model is asked; what was fitted, loaded or is somebody's own is not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import reverie as rv
from reverie.models.store import with_options
from reverie.models.warm_start import warm_start
from reverie.testing import tiny_dataset

SPLIT = rv.leave_one_out(tiny_dataset(items=60))
NAMES = ("sasrec", "gru4rec", "mf")
ASKED: dict[str, Callable[[Any], Any]] = {
    "recommend": lambda model: rv.recommend(model, ["a01"]),
    "recommend_all": lambda model: rv.recommend_all(model, SPLIT.refit),
    "evaluate": lambda model: rv.evaluate(model, SPLIT.test),
    "similar": lambda model: rv.similar(model, "a01"),
    "user_vectors": lambda model: rv.user_vectors(model, ["a01"]),
    "item_vectors": lambda model: rv.item_vectors(model),
    "attack": lambda model: rv.attack(model, SPLIT, users=2, candidates=12, draw=2),
    "rerank": lambda model: rv.recommend(rv.rerank(model, "popularity", SPLIT), ["a01"]),
    "blend": lambda model: rv.blend([model, model], SPLIT),
}


@pytest.mark.parametrize("what", ASKED)
def test_an_unfitted_model_is_told_of(what: str) -> None:
    with pytest.warns(UserWarning, match=r"model 'sasrec' is not fitted: .* call rv.fit\(model, split\) first") as told:
        ASKED[what](rv.create_model("sasrec", SPLIT, dim=8))
    where = {Path(one.filename).name for one in told}
    assert where == {"trained.py"} if what == "attack" else {Path(__file__).name}


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_and_a_load_are_silent(name: str, tmp_path: Path) -> None:
    model = rv.create_model(name, SPLIT, dim=8)
    with pytest.warns(UserWarning, match=f"'{name}' is not fitted"):
        rv.recommend(model, ["a01"])
    rv.fit(model, SPLIT, epochs=1, show=False)
    rv.save_model(model, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for one in (model, rv.load_model(tmp_path), warm_start(model, SPLIT), with_options(model)):
            for what in ASKED if one is model else ("evaluate",):
                ASKED[what](one)


def test_a_fit_that_fails_leaves_the_mark() -> None:
    model = rv.create_model("sasrec", SPLIT, dim=8)
    with pytest.raises(rv.ReverieError):
        rv.fit(model, SPLIT, metric="miscalibration@10", show=False)
    assert not model.card.fitted


class Mine(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(float(SPLIT.vocabulary.n_items)))

    def loss(self, batch: Any) -> dict[str, torch.Tensor]:
        return {"none": self.weight.sum() * 0}

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        whole = self.weight.repeat(batch.size, 1)
        return whole if items is None else whole.gather(1, (items - 1).clamp(min=0))


def test_an_own_class_is_not_judged() -> None:
    rv.register_model("mine", Mine)
    for model in (Mine(), rv.create_model("mine", SPLIT)):
        assert rv.evaluate(model, SPLIT.test).value("hit@10") >= 0
