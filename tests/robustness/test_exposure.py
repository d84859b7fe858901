from __future__ import annotations

import itertools

import numpy as np
import polars as pl
import pytest

import reverie as rv
from reverie.data.profiles import Profiles
from reverie.data.splits.config import LeaveOneOut
from reverie.evaluation import evaluate
from reverie.evaluation.intervals import difference_over_seeds, mean_over_seeds
from reverie.robustness.arena import open_arena
from reverie.robustness.fits import exposure_by_user, exposure_queries
from reverie.testing import tiny_dataset


def test_every_real_user_is_asked_for_the_targets_they_lack() -> None:
    arena = open_arena(tiny_dataset(), LeaveOneOut())
    fake = Profiles(np.array([2, 3], dtype=np.int32), np.array([5, 5], dtype=np.float32), np.array([0, 2]))
    targets = np.array([4, 9], dtype=np.int32)
    asked = exposure_queries(arena.poisoned(fake), targets)
    train, expected = arena.split.train, {}
    for row in range(len(train)):
        lacks = [t for t in targets.tolist() if t not in train.row(row)]
        if lacks:
            expected[int(train.users[row])] = lacks
    found = {int(user): asked.targets[asked.offsets[q] : asked.offsets[q + 1]].tolist() for q, user in enumerate(asked.users)}
    assert found == expected


def _by_permutation(greater: int, equal: int, k: int) -> tuple[float, float]:
    """Mean over all orders of the tied candidates: hit, and discount."""
    hits, gains = [], []
    for place in range(equal + 1):
        rank = greater + place + 1
        hits.append(float(rank <= k))
        gains.append(1 / np.log2(rank + 1) if rank <= k else 0.0)
    return float(np.mean(hits)), float(np.mean(gains))


@pytest.mark.parametrize("k", [3, 10])
def test_figures_of_targets_are_means_over_orders_of_ties(k: int) -> None:
    cases = list(itertools.product((0, 1, 2, 4, 9, 12), (0, 1, 3, 11)))
    ranks = pl.DataFrame(
        {
            "cluster": np.arange(len(cases)),
            "greater": [g for g, _ in cases],
            "equal": [e for _, e in cases],
            "n_candidates": [30] * len(cases),
        }
    )
    hits, gains = zip(*(_by_permutation(g, e, k) for g, e in cases), strict=True)
    assert exposure_by_user(ranks, f"hr@{k}")["value"].to_list() == pytest.approx(hits)
    assert exposure_by_user(ranks, f"ndcg@{k}")["value"].to_list() == pytest.approx(gains)
    assert exposure_by_user(ranks, f"share@{k}")["value"].to_list() == pytest.approx([h / k for h in hits])
    assert exposure_by_user(ranks, "rank")["value"].to_list() == pytest.approx([(g + e / 2) / 29 for g, e in cases])


def test_several_targets_of_a_user_are_averaged_and_share_a_list() -> None:
    ranks = pl.DataFrame({"cluster": [7, 7, 8], "greater": [0, 50, 3], "equal": [0, 0, 0], "n_candidates": [60, 60, 60]})
    assert exposure_by_user(ranks, "hr@10").to_dict(as_series=False) == {"user": [7, 8], "value": [0.5, 1.0]}
    assert exposure_by_user(ranks, "share@10")["value"].to_list() == pytest.approx([0.1, 0.1])


def test_the_queries_can_be_evaluated_and_popularity_shows_the_popular() -> None:
    arena = open_arena(tiny_dataset(), LeaveOneOut())
    model = rv.create_model("popularity", arena.split)
    rv.fit(model, arena.split, show=False)
    first = int(arena.split.train.item_counts().argmax())
    shown = evaluate(model, exposure_queries(arena.split, np.array([first], dtype=np.int32)), top=0)
    assert exposure_by_user(shown.ranks, "hr@10")["value"].min() > 0.99


def test_effects_pair_seeds_and_users() -> None:
    generator = np.random.default_rng(0)
    base = [pl.DataFrame({"user": np.arange(200), "value": generator.random(200) + 5 * s}) for s in range(3)]
    raised = [frame.with_columns(pl.col("value") + 0.1) for frame in base]
    effect = difference_over_seeds(raised, base)
    assert effect.value == pytest.approx(0.1)
    assert effect.low == pytest.approx(0.1)
    assert effect.high == pytest.approx(0.1)
    assert (effect.n, effect.seeds) == (200, 3)
    wide = mean_over_seeds(base)
    assert wide.low < wide.value - 1 < wide.value + 1 < wide.high, "levels differ between seeds"
    noise = [frame.with_columns(pl.Series("value", generator.normal(size=200))) for frame in base]
    none = difference_over_seeds(noise, noise)
    assert none.value == 0
    assert none.p == 1
    assert difference_over_seeds([noise[0]], [base[0].with_columns(pl.lit(3.0).alias("value"))]).p < 1e-6
