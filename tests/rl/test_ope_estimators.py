"""Estimators of single rounds, sessions and lists against plain loops and hand-worked values."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.errors import DataError
from reverie.rl.ope import bandit, sequential
from reverie.rl.ope.slate import independent_weights, pseudo_inverse, pseudo_inverse_weights
from reverie.rl.ope.terms import Terms

Array = NDArray[np.float64]


@pytest.fixture
def rounds() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    n = 40
    return {"w": rng.exponential(size=n) * 2, "r": rng.random(n), "q": rng.random(n), "v": rng.random(n)}


def test_the_worked_values_of_ips_and_snips() -> None:
    weights, rewards = np.array([2.0, 0.5, 1.0]), np.array([1.0, 0.0, 1.0])
    assert bandit.ips(weights, rewards).value == pytest.approx(1.0, abs=1e-12)
    assert bandit.snips(weights, rewards).value == pytest.approx(0.857143, abs=1e-6)
    assert sequential.logged_return(np.array([[0.2, 0.2, 1.0]]), 0.5).value == pytest.approx(0.55, abs=1e-12)


def test_estimators_of_rounds_are_their_loops(rounds: dict[str, Array]) -> None:
    w, r, q, v = rounds.values()
    n, limit = len(w), 1.5
    loops = {
        "ips": sum(w[i] * r[i] for i in range(n)) / n,
        "clipped": sum(min(w[i], limit) * r[i] for i in range(n)) / n,
        "snips": sum(w[i] * r[i] for i in range(n)) / sum(w),
        "dm": sum(v) / n,
        "dr": sum(v[i] + w[i] * (r[i] - q[i]) for i in range(n)) / n,
        "switch": sum(v[i] + (w[i] * (r[i] - q[i]) if w[i] <= limit else 0.0) for i in range(n)) / n,
    }
    found = {
        "ips": bandit.ips(w, r),
        "clipped": bandit.clipped_ips(w, r, limit),
        "snips": bandit.snips(w, r),
        "dm": bandit.direct_method(v),
        "dr": bandit.doubly_robust(w, r, q, v),
        "switch": bandit.switch(w, r, q, v, limit),
    }
    assert (w > limit).any()
    for name, terms in found.items():
        assert terms.value == pytest.approx(loops[name], abs=1e-12), name


def test_rows_that_are_added_up_in_clusters_keep_the_estimate(rounds: dict[str, Array]) -> None:
    clusters = np.random.default_rng(1).integers(7, size=len(rounds["w"]))
    for terms in (bandit.ips(rounds["w"], rounds["r"]), bandit.snips(rounds["w"], rounds["r"])):
        grouped = terms.grouped(clusters)
        assert len(grouped.numerator) == 7
        assert grouped.value == pytest.approx(terms.value, abs=1e-12)


def jagged(seed: int = 0) -> tuple[list[list[tuple[float, ...]]], dict[str, Array], NDArray[np.int64]]:
    """Sessions as lists of (weight, reward, q, v), and the same laid end to end."""
    rng = np.random.default_rng(seed)
    sessions = [[tuple(rng.random(4) * 1.5) for _ in range(rng.integers(1, 6))] for _ in range(9)]
    sessions[2][0] = (0.0, *sessions[2][0][1:])  # a policy that never shows what was shown
    flat = np.array([step for session in sessions for step in session])
    offsets = np.concatenate([[0], np.cumsum([len(session) for session in sessions])])
    return sessions, dict(zip("wrqv", flat.T, strict=True)), offsets


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.95])
def test_estimators_of_sessions_are_their_loops(gamma: float) -> None:
    sessions, flat, offsets = jagged()
    tables = {name: sequential.padded(values, offsets, 1.0 if name == "w" else 0.0) for name, values in flat.items()}
    n, longest = len(sessions), max(map(len, sessions))

    pdis = doubly = 0.0
    for session in sessions:
        rho = 1.0
        for t, (w, r, _, _) in enumerate(session):
            rho *= w
            pdis += gamma**t * rho * r / n
        later = 0.0
        for w, r, q, v in reversed(session):
            later = v + w * (r + gamma * later - q)
        doubly += later / n
    weighted = 0.0
    for t in range(longest):
        top = bottom = 0.0
        for session in sessions:
            rho = 1.0
            for w, *_ in session[: t + 1]:
                rho *= w
            bottom += rho
            top += rho * session[t][1] if t < len(session) else 0.0
        weighted += gamma**t * top / bottom

    assert sequential.per_decision_ips(tables["w"], tables["r"], gamma).value == pytest.approx(pdis, abs=1e-12)
    assert sequential.weighted_per_decision_ips(tables["w"], tables["r"], gamma).value == pytest.approx(weighted, abs=1e-12)
    found = sequential.sequential_doubly_robust(tables["w"], tables["r"], tables["q"], tables["v"], gamma)
    assert found.value == pytest.approx(doubly, abs=1e-12)


def test_sessions_that_no_table_can_hold_are_refused() -> None:
    offsets = np.concatenate([np.arange(20_000), [40_000]])
    with pytest.raises(DataError, match="--horizon"):
        sequential.padded(np.zeros(40_000), offsets, 0.0)


def test_the_logging_policy_is_worth_what_it_earned() -> None:
    _, flat, offsets = jagged(3)
    ones = np.ones_like(flat["r"])
    tables = [sequential.padded(values, offsets, fill) for values, fill in ((ones, 1.0), (flat["r"], 0.0))]
    for estimator in (sequential.per_decision_ips, sequential.weighted_per_decision_ips):
        assert estimator(*tables, 0.8).value == pytest.approx(sequential.logged_return(tables[1], 0.8).value, abs=1e-12)


def lists_without_replacement(n_items: int, k: int) -> NDArray[np.int64]:
    return np.array(list(itertools.permutations(range(n_items), k)))


def moments(lists: NDArray[np.int64], probability: Array, n_items: int) -> tuple[Array, Array]:
    """Joint and single probabilities of items by position, by loops over lists."""
    k = lists.shape[1]
    pairs, single = np.zeros((k, n_items, k, n_items)), np.zeros((k, n_items))
    for one, p in zip(lists, probability, strict=True):
        for i in range(k):
            single[i, one[i]] += p
            for j in range(k):
                pairs[i, one[i], j, one[j]] += p
    return pairs, single


def slate_case(lists: NDArray[np.int64], n_items: int, seed: int) -> tuple[Array, Array, Array]:
    """Logging and target probabilities of all lists, and rewards that add up over positions."""
    rng = np.random.default_rng(seed)
    added = rng.random((lists.shape[1], n_items))
    rewards = added[np.arange(lists.shape[1]), lists].sum(axis=1)
    return rng.dirichlet(np.ones(len(lists))), rng.dirichlet(np.ones(len(lists))), rewards


def test_the_pseudo_inverse_is_unbiased_over_all_lists() -> None:
    lists = lists_without_replacement(4, 3)
    logging, target, rewards = slate_case(lists, 4, 0)
    weights = pseudo_inverse_weights(lists, moments(lists, logging, 4)[0], moments(lists, target, 4)[1])
    assert logging @ (weights * rewards) == pytest.approx(target @ rewards, abs=1e-9)
    assert pseudo_inverse(weights, rewards).value == pytest.approx(np.mean(weights * rewards), abs=1e-12)


def test_independent_positions_have_a_closed_form() -> None:
    n_items, k = 3, 2
    lists = np.array(list(itertools.product(range(n_items), repeat=k)))
    rng = np.random.default_rng(2)
    logged, wanted = rng.dirichlet(np.ones(n_items), k), rng.dirichlet(np.ones(n_items), k)
    at = np.arange(k)
    logging = logged[at, lists].prod(axis=1)
    general = pseudo_inverse_weights(lists, moments(lists, logging, n_items)[0], wanted)
    ratios = (wanted[at, lists] / logged[at, lists]).ravel()
    closed = independent_weights(ratios, np.repeat(np.arange(len(lists)), k))
    np.testing.assert_allclose(closed, general, atol=1e-9)


def test_a_ratio_without_weights_has_no_value() -> None:
    terms: Any = Terms(np.zeros((3, 1)), np.zeros((3, 1)))
    assert np.isnan(terms.value)
