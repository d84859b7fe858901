"""Lists that are chosen anew: against loops that follow the definitions, and as a model like any other."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reverie as rv
from reverie.data.categories import category_matrix
from reverie.evaluation import recommend_all
from reverie.models.rerank.model import popularity_groups
from reverie.nn.reranking import calibrated, within_quotas
from reverie.testing import tiny_dataset
from reverie.training.recipe import RECIPES
from reverie.training.run import load_run, run_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.data.split import Split

KINDS = ("x", "y", "x|y", "y|z", "", "z")


@pytest.fixture(scope="module")
def split() -> Split:
    tiny = tiny_dataset(items=60)
    kinds = pl.Series([KINDS[at % len(KINDS)] for at in range(60)])
    return rv.leave_one_out(replace(tiny, catalog=tiny.catalog.with_columns(categories=kinds)))


@pytest.fixture(scope="module")
def model(split: Split) -> Any:
    model = rv.create_model("markov", split)
    rv.fit(model, split, show=False)
    return model


def naive_calibrated(relevance: list[float], shares: np.ndarray, wanted: np.ndarray, trade: float, k: int) -> list[int]:
    placed: list[int] = []
    p = wanted / wanted.sum() if wanted.sum() else wanted

    def worth(chosen: list[int]) -> float:
        known = [shares[i] for i in chosen if shares[i].sum()]
        q = sum(known) / len(known) if known else np.zeros_like(p)
        divergence = sum(a * math.log(a / (0.99 * b + 0.01 * a)) for a, b in zip(p, q, strict=True) if a)
        return trade * sum(relevance[i] for i in chosen) - (1 - trade) * divergence

    while len(placed) < min(k, len(relevance)):
        left = [i for i, r in enumerate(relevance) if i not in placed and r > -math.inf]
        placed.append(max(left, key=lambda i: worth([*placed, i])) if left else -1)
    return placed


def naive_quotas(relevance: list[float], groups: np.ndarray, limits: np.ndarray, k: int) -> list[int]:
    placed: list[int] = []
    while len(placed) < min(k, len(relevance)):
        left = [i for i, r in enumerate(relevance) if i not in placed and r > -math.inf]
        filled = sum((groups[i] for i in placed if i >= 0), np.zeros_like(limits))
        open_ = [i for i in left if not any(groups[i][g] and filled[g] >= limits[g] for g in range(len(limits)))] or left
        placed.append(max(open_, key=lambda i: relevance[i]) if open_ else -1)
    return placed


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.4, 1.0]), st.integers(1, 7))
def test_lists_are_the_greedy_choice(seed: int, trade: float, k: int) -> None:
    rng = np.random.default_rng(seed)
    relevance, groups = rng.random((5, 6)), (rng.random((5, 6, 3)) < 0.5).astype(float)
    relevance[1, 2:] = -math.inf
    shares = groups / np.maximum(groups.sum(axis=2, keepdims=True), 1) + 1e-3 * rng.random((5, 6, 3)) * (groups > 0)
    shares /= np.maximum(shares.sum(axis=2, keepdims=True), 1e-9)
    wanted = rng.random((5, 3)) * (rng.random((5, 1)) < 0.8)
    limits = rng.integers(0, 3, size=3).astype(float)
    made = [torch.from_numpy(one) for one in (relevance, shares, wanted, groups, limits)]
    lists = calibrated(made[0].clone(), made[1], made[2], trade, k).tolist()
    filled = within_quotas(made[0].clone(), made[3], made[4], k).tolist()
    for row in range(5):
        if trade or wanted[row].sum():  # else all are worth the same
            assert lists[row] == naive_calibrated(relevance[row].tolist(), shares[row], wanted[row], trade, k)
        assert filled[row] == naive_quotas(relevance[row].tolist(), groups[row], limits, k)


def test_groups_of_popularity_hold_their_shares_of_events() -> None:
    counts = np.array([0, 1, 10, 3, 2, 4])  # of 20 events: 10 are half of them
    assert popularity_groups(counts, (0.2, 0.8)).argmax(dim=1).tolist() == [0, 2, 0, 1, 2, 1]
    assert popularity_groups(counts, (0.2, 0.8)).sum(dim=1).tolist() == [0, 1, 1, 1, 1, 1]


def test_each_way_does_what_it_is_for(model: Any, split: Split) -> None:
    names = ["ndcg@10", "ild@10", "miscalibration@10"]
    plain = rv.evaluate(model, split.test, train=split.train, metrics=names)
    ways: dict[str, dict[str, Any]] = {"mmr": {"trade": 0.3}, "categories": {"trade": 0.3}, "quotas": {"most": 2}}
    found = {
        how: rv.evaluate(rv.rerank(model, how, split, **options), split.test, train=split.train, metrics=names)
        for how, options in ways.items()
    }
    assert found["mmr"].value("ild@10") > plain.value("ild@10")
    assert found["categories"].value("miscalibration@10") < plain.value("miscalibration@10")
    same, own = (rv.evaluate(one, split.test).topk["item"] for one in (rv.rerank(Bare(), "popularity", split, trade=1.0), Bare()))
    assert same.equals(own)
    matrix = category_matrix(split.vocabulary, "this")[0].toarray()
    for _, mine in found["quotas"].topk.filter(pl.col("rank") <= 10).group_by("query"):
        assert matrix[mine["item"].to_numpy() - 1].sum(axis=0).max() <= 4  # where enough are left; 2 but for lists that run out
    assert recommend_all(rv.rerank(model, "mmr", split, trade=1.0), split.test, k=3).height == 3 * len(split.test)


def test_popularity_is_that_of_the_history(model: Any, split: Split) -> None:
    made: Any = rv.rerank(model, "popularity", split, trade=0.0, pool=60, groups=(0.3, 0.7))
    found = rv.evaluate(made, split.test, train=split.train)
    group = made.table.argmax(dim=1).numpy()
    apart = []
    for one in (found, rv.evaluate(model, split.test, train=split.train)):
        total = 0.0
        for (query,), mine in one.topk.filter(pl.col("rank") <= 10).group_by("query"):
            history = split.test.sequences.items[split.test.start[query] : split.test.stop[query]]
            wanted, shown = (np.bincount(group[codes], minlength=3) / len(codes) for codes in (history, mine["item"].to_numpy()))
            total += float(np.abs(wanted - shown).sum())
        apart.append(total / len(split.test))
    assert apart[0] < 0.3 < apart[1]


def test_a_reranked_model_is_a_model(model: Any, split: Split, tmp_path: Path) -> None:
    made = rv.rerank(model, "mmr", split, k=5, pool=20, seen="remove")
    listed = rv.recommend(made, ["a00", "a03"], k=8)
    assert not {"a00", "a03"} & set(listed["item"].to_list())
    rv.save_model(made, tmp_path / "made")
    again = rv.load_model(tmp_path / "made")
    assert rv.recommend(again, ["a00", "a03"], k=8).equals(listed)
    attacked = rv.attack(made, split, users=4, candidates=12, pool=4, events=1, draw=2)
    assert len(attacked.rows) == 5
    scores = dict(rv.recommend(model, ["a00", "a03"], k=60).select("item", "score").iter_rows())
    placed, rest = listed["item"].to_list()[:5], listed["item"].to_list()[5:]  # after the chosen places the model's order
    left = sorted((score for item, score in scores.items() if item not in placed), reverse=True)
    assert [scores[item] for item in rest] == left[:3]


class Bare:
    history = 0

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        whole = torch.arange(60.0).repeat(batch.size, 1)
        return whole if items is None else whole.gather(1, (items - 1).clamp(min=0))


def test_an_object_is_reranked_too(split: Split) -> None:
    made = rv.rerank(Bare(), "quotas", split, most=1, quotas={"z": 0}, k=3)
    assert split.vocabulary.categories is not None
    kinds = dict(zip(split.vocabulary.items, split.vocabulary.categories, strict=True))
    assert [kinds[item] for item in rv.recommend(made, ["a00"], k=3)["item"]].count("z") == 0
    assert rv.evaluate(made, split.test).model == "rerank"


def test_a_recipe_reranks(split: Split, tmp_path: Path) -> None:
    log, items = tmp_path / "log.csv", tmp_path / "items.csv"
    tiny_dataset(items=60).events.write_csv(log)
    pl.DataFrame({"item": split.vocabulary.items, "categories": split.vocabulary.categories}).write_csv(items)
    how = {"kind": "categories", "trade": 0.4}
    values = {
        "name": "again",
        "dataset": {"name": str(log), "catalog": str(items)},
        "evaluation": {"metrics": ["miscalibration@10"]},
    }
    values["model"] = {"name": "rerank", "model": {"name": "ease", "grid": [1.0, 100.0]}, "how": how}
    run = run_recipe(RECIPES.parse(values, "again"), tmp_path / "run", show=False)
    assert run.fitted.chosen["model"]["name"] == "ease"
    assert "regularisation" in run.fitted.chosen["model"]
    measured = rv.evaluate(load_run(tmp_path / "run").model(), split.test, train=split.train, metrics=["miscalibration@10"])
    assert measured.value("miscalibration@10") == pytest.approx(run.test.value("miscalibration@10"))


SAID: dict[str, tuple[Callable[[Any, Split, Any], Any], str]] = {
    "method": (lambda m, s, p: rv.rerank(m, "mrm", s), "unknown value 'mrm' (did you mean 'mmr'?)"),
    "option": (lambda m, s, p: rv.rerank(m, "mmr", s, trad=0.3), "unknown option 'how.trad' (did you mean 'trade'?)"),
    "category": (lambda m, s, p: rv.rerank(m, "quotas", s, quotas={"xx": 1}), "unknown category 'xx'"),
    "vectors": (lambda m, s, p: rv.rerank(m, "mmr", s, by="vectors"), "has no item vectors; use by='categories'"),
    "others": (lambda m, s, p: rv.rerank(m, "mmr", rv.leave_one_out(tiny_dataset())), "give the split of its training"),
    "no categories": (lambda m, s, p: _without(), "re-ranking by 'mmr' needs categories of items, which this catalogue lacks"),
    "unfitted": (lambda m, s, p: rv.evaluate(rv.create_model("rerank", s), s.test), "has not seen the training events yet"),
    "an own one": (lambda m, s, p: rv.save_model(rv.rerank(Bare(), "mmr", s), p), "Bare has no arrays, which save_model needs"),
    "itself": (lambda m, s, p: rv.create_model("rerank", s, model={"name": "rerank"}), "cannot be chosen anew"),
}  # fmt: skip


def _without() -> None:
    split = rv.leave_one_out(tiny_dataset())
    model = rv.create_model("popularity", split)
    rv.fit(model, split, show=False)
    rv.rerank(model, "mmr", split)


@pytest.mark.parametrize("case", SAID)
def test_what_is_wrong_is_one_sentence(case: str, model: Any, split: Split, tmp_path: Path) -> None:
    call, said = SAID[case]
    with pytest.raises(rv.ReverieError, match=re.escape(said)) as caught:
        call(model, split, tmp_path / "none")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "none").exists()
