"""Blends: the sum against a float64 reference, the search for weights, stored parts, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch

import reverie as rv
from reverie.data.batch import history_batch
from reverie.data.queries import target_sets
from reverie.errors import ConfigError, DataError
from reverie.evaluation import evaluate
from reverie.models import create_model, load_model, save_model
from reverie.models.blend.model import Blend
from reverie.models.warm_start import warm_start
from reverie.testing.data import tiny_dataset, tiny_split
from reverie.training import fit
from reverie.training.blending import NEAR, search, shortlist

if TYPE_CHECKING:
    from reverie.data.split import Split

PARTS: tuple[dict[str, Any], ...] = ({"name": "co-occurrence", "trials": 2}, {"name": "markov"}, {"name": "item-knn"})


def fitted(split: Split, *names: str) -> list[Any]:
    models = [create_model(name, split) for name in names]
    for model in models:
        fit(model, split, show=False)
    return models


def wide_split(items: int = 300) -> Split:
    """More items than a short list holds."""
    return rv.leave_one_out(tiny_dataset(users=90, items=items))


def test_scores_are_the_weighted_sum_of_standardised_scores() -> None:
    split = tiny_split()
    model: Any = create_model("blend", split, parts=PARTS, weights=(0.5, 0.2, 0.3))
    fit(model, split, show=False)
    batch = history_batch([np.array([1, 4, 7], dtype=np.int32), np.zeros(0, dtype=np.int32)], model.history)
    expected = np.zeros((2, 20))
    for weight, part in zip((0.5, 0.2, 0.3), model.parts, strict=True):
        scores = part.scores(batch).double().numpy()
        expected += weight * (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)
    np.testing.assert_allclose(model.scores(batch).numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_part_that_scores_all_items_alike_adds_nothing() -> None:
    split = tiny_split()
    flat, chain = fitted(split, "popularity", "markov")
    flat.load_arrays({"counts": np.full(20, 0.1, dtype=np.float32)})
    model: Any = rv.blend([flat, chain], split)
    batch = history_batch([np.array([3], dtype=np.int32)], model.history)
    assert [part.card.name for part in model.parts] == ["markov"]
    assert torch.isfinite(model.scores(batch)).all()


@pytest.mark.parametrize("shares", [4, 10])
def test_search_finds_the_best_point_of_a_smooth_function(shares: int) -> None:
    best = np.array([0.5, 0.0, 0.5])
    found = search(lambda weights: -float(((weights - best) ** 2).sum()), 3, shares, 10)
    assert np.abs(found - best).max() <= 1 / shares
    assert found[1] == 0


def test_search_prefers_fewer_parts_among_equals() -> None:
    assert search(lambda weights: 1.0, 3, 5, 4).tolist() == [1, 0, 0]
    assert search(lambda weights: float(weights[1] > 0), 3, 5, 4).tolist() == [0, 1, 0]


@pytest.mark.parametrize("weights", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.5, 0.3), (0.6, 0, 0.4)])
@pytest.mark.parametrize("wide", [False, True])
def test_short_lists_measure_what_the_whole_catalogue_does(weights: tuple[float, ...], wide: bool) -> None:
    split = wide_split() if wide else tiny_split()
    assert (split.vocabulary.n_items > NEAR) == wide
    model: Any = create_model("blend", split, parts=PARTS, weights=(1, 1, 1))
    fit(model, split, show=False)
    measured = shortlist(model, split.valid).value(np.array(weights, dtype=float), "ndcg@10")
    model.weights = list(weights)
    assert measured == pytest.approx(evaluate(model, split.valid, top=0).value("ndcg@10"), abs=0.002 if wide else 1e-6)


@pytest.mark.parametrize("kind", ["several targets", "candidates"])
def test_queries_of_all_kinds_are_ranked_as_they_are_measured(kind: str) -> None:
    split = tiny_split()
    asked, rows = split.valid, split.refit
    if kind == "candidates":
        steps = np.arange(len(asked) + 1, dtype=np.int64)
        listed = np.tile(np.arange(1, 16, dtype=np.int32), len(asked))
        asked = replace(asked, candidates=listed, candidate_offsets=steps * 15)
    else:
        asked = target_sets(rows, rows.stops - 2, rows.stops)
    model: Any = create_model("blend", split, parts=PARTS, weights=(0.5, 0.2, 0.3))
    fit(model, split, show=False)
    measured = shortlist(model, asked).value(np.array(model.weights), "ndcg@10")
    assert measured == pytest.approx(evaluate(model, asked, top=0).value("ndcg@10"), abs=1e-6)


def test_the_blend_is_at_least_as_good_on_validation_as_its_best_part() -> None:
    split = wide_split()
    parts = fitted(split, "co-occurrence", "popularity", "item-knn")
    model = rv.blend(parts, split)
    values = [evaluate(one, split.valid, top=0).value("ndcg@10") for one in [*parts, model]]
    assert values[-1] >= max(values[:-1]) - 1e-9


def test_parts_are_fitted_as_they_would_be_alone() -> None:
    split = tiny_split()
    options = {"dim": 8, "history": 6}
    model: Any = create_model("blend", split, seed=3, parts=[{"name": "sasrec", **options}, {"name": "markov"}], weights=(1, 1))
    alone: Any = create_model("sasrec", split, seed=3, **options)
    done = fit(model, split, epochs=2, seed=3, show=False)
    assert [row["loss"] for row in done.history] == [row["loss"] for row in fit(alone, split, epochs=2, seed=3, show=False).history]
    batch = history_batch([np.array([1, 4, 7], dtype=np.int32)], 6)
    assert torch.equal(model.parts[0].scores(batch), alone.scores(batch))
    assert done.chosen["parts"][0]["training"] == {"epochs": done.best_epoch}


def test_a_stored_blend_holds_the_parts_that_help_and_no_others(tmp_path: Path) -> None:
    split = tiny_split()
    parts = fitted(split, "popularity", "markov", "item-knn")
    parts[0].load_arrays({"counts": np.ones(20, dtype=np.float32)})
    for number, one in enumerate(parts):
        save_model(one, tmp_path / f"part{number}")
    model: Any = rv.blend([str(tmp_path / f"part{number}") for number in range(3)], split)
    assert "popularity" not in [part.card.name for part in model.parts]
    save_model(model, tmp_path / "blend")
    loaded: Any = load_model(tmp_path / "blend")
    assert isinstance(loaded, Blend)
    assert loaded.card.config == model.card.config
    lists = [rv.recommend(one, ["a03", "a06"], k=5) for one in (model, loaded)]
    assert lists[0].equals(lists[1])


BAD_OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"parts": [{"name": "sasrek"}]}, "unknown model 'sasrek' .did you mean 'sasrec'"),
    ({"parts": [{"name": "sasrec", "dimm": 8}]}, "part 1 of the blend, model 'sasrec': unknown option 'dimm'"),
    ({"parts": [{"name": "markov"}, {"dim": 8}]}, "part 2 of the blend needs the name of a model"),
    ({"parts": [{"name": "markov", "run": "runs/x"}]}, "part 1 of the blend needs the name of a model"),
    ({"parts": [{"run": "runs/x", "dim": 8}]}, "part 1 of the blend needs the name of a model"),
    ({"parts": [{"name": "collm"}]}, "'collm' scores labelled rows only"),
    ({"parts": []}, "'parts' must have at least 1 item"),
    ({"weights": [1.0]}, "'weights' must be 2 numbers"),
    ({"weights": [0, 0]}, "not all 0"),
    ({"parts": [{"run": "nowhere"}]}, "nowhere holds no model"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=range(len(BAD_OPTIONS)))
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(rv.ReverieError, match=message):
        create_model("blend", tiny_split(), **options)


def test_what_cannot_be_blended(tmp_path: Path) -> None:
    split, other = tiny_split(), wide_split()
    (chain,) = fitted(other, "markov")
    with pytest.raises(DataError, match="knows other items or users"):
        rv.blend([chain], split)
    model: Any = rv.blend(fitted(split, "markov", "item-knn"), split)
    with pytest.raises(ConfigError, match="cannot be chosen by 'auc'"):
        fit(create_model("blend", split, parts=PARTS), split, metric="auc", show=False)
    with pytest.raises(ConfigError, match="blends models and has nothing to go on from"):
        warm_start(model, split)
    again: Any = Blend(model.config, split.vocabulary, model.parts)
    again.card = model.card
    with pytest.raises(ConfigError, match="has not seen the validation events"):
        fit(again, split, on="train+valid", show=False)


def test_one_user_and_one_item_more_than_nothing() -> None:
    events = pl.DataFrame({"user": [1] * 4, "item": ["a", "b", "a", "b"], "timestamp": [1, 2, 3, 4]})
    split = rv.leave_one_out(rv.Dataset(events))
    model: Any = create_model("blend", split, parts=PARTS)
    fit(model, split, show=False)
    assert np.isfinite(evaluate(model, split.test).value("ndcg@10"))
