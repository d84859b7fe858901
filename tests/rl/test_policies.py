from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from reverie.data.batch import history_batch
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError
from reverie.models import create_model
from reverie.rl.policies import PolicyOptions, action_probabilities, list_probability, policy_of, sample, sample_lists


def naive(scores: list[float], kind: str, temperature: float, epsilon: float, k: int) -> list[float]:
    """One row in plain Python; no ties at the last place."""
    shown = [j for j, s in enumerate(scores) if s > -math.inf]
    if kind in ("softmax", "plackett-luce"):
        weights = [math.exp(s / temperature) if s > -math.inf else 0.0 for s in scores]
        return [w / sum(weights) for w in weights]
    best = sorted(shown, key=lambda j: -scores[j])[: 1 if kind == "argmax" else k]
    rest = 0.0 if kind == "argmax" else epsilon
    return [(1 - rest) * (j in best) / len(best) + rest * (j in shown) / len(shown) for j in range(len(scores))]


@pytest.mark.parametrize("kind", ["argmax", "softmax", "epsilon-top-k", "plackett-luce"])
@pytest.mark.parametrize("k", [1, 3, 50])
def test_probabilities_are_those_of_a_plain_loop(kind: str, k: int) -> None:
    scores = np.random.default_rng(0).normal(size=(7, 9))
    scores[2, 4], scores[3, :5] = -np.inf, -np.inf
    found = action_probabilities(scores, PolicyOptions(kind=kind, temperature=0.7, epsilon=0.3, k=k))  # type: ignore[arg-type]
    wanted = [naive(row.tolist(), kind, 0.7, 0.3, k) for row in scores]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_equal_scores_share() -> None:
    found = action_probabilities(np.array([[1.0, 1.0, 0.0, 2.0]]), PolicyOptions(kind="epsilon-top-k", k=2, epsilon=0))
    np.testing.assert_allclose(found, [[0.25, 0.25, 0, 0.5]])


def test_draws_follow_the_probabilities_and_never_take_what_has_none() -> None:
    p = np.array([0.0, 0.5, 0.0, 0.2, 0.3, 0.0])
    grid = (np.arange(1000) + 0.5) / 1000
    codes = sample(np.tile(p, (1002, 1)), np.concatenate([grid, [0.0, np.nextafter(1, 0)]]))
    np.testing.assert_allclose(np.bincount(codes[:1000] - 1, minlength=6) / 1000, p, atol=1e-9)
    assert codes[-2:].tolist() == [2, 5]


def test_lists_have_the_probability_of_plackett_and_luce() -> None:
    p = np.array([0.5, 0.3, 0.2])
    lists = np.array(list(permutations([1, 2, 3], 2)))
    wanted = [p[a - 1] * p[b - 1] / (1 - p[a - 1]) for a, b in lists]
    exact = list_probability(np.tile(p, (6, 1)), lists)
    np.testing.assert_allclose(exact, wanted)
    assert exact.sum() == pytest.approx(1)
    drawn = sample_lists(np.tile(p, (40_000, 1)), 2, np.random.default_rng(1))
    shares = [(drawn == pair).all(axis=1).mean() for pair in lists]
    np.testing.assert_allclose(shares, exact, atol=0.01)


def model_on(items: list[int], seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return create_model("sasrec", Vocabulary(pl.Series(items), pl.Series([1])), dim=8, history=3, dropout=0.0).eval()


def test_a_model_acts_in_the_ids_of_another_vocabulary() -> None:
    model = model_on([10, 20, 30, 40])
    world = Vocabulary(pl.Series([40, 99, 20, 10]), pl.Series([7]))
    policy = policy_of(model, "softmax", world, temperature=0.5)
    batch = history_batch([np.array([4, 2, 3, 1, 1]), np.array([2])], None)  # ids 10, 99, 20, 40, 40; and 99, which is unknown
    found = policy.probabilities(batch)
    with torch.no_grad():
        scores = model.scores(history_batch([np.array([2, 4, 4]), np.array([], dtype=np.int32)], None)).double().numpy()
    weights = np.exp(scores[:, [3, 1, 0]] / 0.5)
    np.testing.assert_allclose(found[:, [0, 2, 3]], weights / weights.sum(axis=1, keepdims=True), rtol=1e-5)
    assert (found[:, 1] == 0).all()
    assert policy.n_unknown == 1


def test_items_of_the_history_are_left_out_where_they_may_not_come_again() -> None:
    model = model_on([10, 20, 30])
    batch = history_batch([np.array([1, 3]), np.array([1, 2, 3])], None)
    found = policy_of(model, "softmax", repeats=False).probabilities(batch)
    assert found[0].tolist() == [0, 1, 0]
    assert (found[1] > 0).all(), "where nothing is left everything is open"


@pytest.mark.filterwarnings("error")
def test_a_temperature_near_0_shows_the_best() -> None:
    found = action_probabilities(np.array([[1.0, 3.0, -np.inf, 3.0]]), PolicyOptions(kind="softmax", temperature=1e-320))
    assert found.tolist() == [[0.0, 0.5, 0.0, 0.5]]


def test_wrong_options_and_strange_items_are_refused() -> None:
    model = model_on([10, 20, 30])
    with pytest.raises(ConfigError, match="temperature"):
        policy_of(model, "softmax", temperature=0)
    with pytest.raises(ConfigError, match="unknown policy 'greedy'; known: argmax, epsilon-top-k"):
        policy_of(model, "greedy")
    with pytest.raises(DataError, match="model 'sasrec' knows none of the items here: ids look like 10 there and 1 here"):
        policy_of(model, vocabulary=Vocabulary(pl.Series([1, 2]), pl.Series([1])))
