"""Fitted values against plain iteration, cross-fitting without leaks, and models that are fitted again."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.rl.ope.values import Steps, common_states, fit_values, folds_of

Array = NDArray[np.float64]


def some_steps(seed: int = 0) -> Steps:
    rng = np.random.default_rng(seed)
    n_states, n_items, n = 3, 4, 60
    states, actions = rng.integers(n_states, size=n), rng.integers(n_items, size=n)
    clusters = np.sort(rng.integers(8, size=n))
    clusters[-1] = 7
    ends = np.append(np.diff(clusters) != 0, True)
    later = np.where(ends, -1, np.append(states[1:], 0))
    return Steps(states, actions, rng.random(n), later, clusters, rng.dirichlet(np.ones(n_items), n_states))


def iterated(steps: Steps, weights: Array, gamma: float, k: float) -> tuple[Array, Array]:
    """The fixed point of shrunken means by loops; weights [C]."""
    n_states, n_items = steps.policy.shape
    v = np.zeros(n_states)
    for _ in range(400):
        count, total = np.zeros((n_states, n_items)), np.zeros((n_states, n_items))
        for i in range(len(steps.states)):
            weight = weights[steps.clusters[i]]
            target = steps.rewards[i] + (gamma * v[steps.later[i]] if steps.later[i] >= 0 else 0.0)
            count[steps.states[i], steps.actions[i]] += weight
            total[steps.states[i], steps.actions[i]] += weight * target
        overall = total.sum() / count.sum()
        q = np.zeros((n_states, n_items))
        item = [(total[:, a].sum() + k * overall) / (count[:, a].sum() + k) for a in range(n_items)]
        for s in range(n_states):
            above = sum(total[s, a] - count[s, a] * item[a] for a in range(n_items)) / (count[s].sum() + k)
            for a in range(n_items):
                q[s, a] = (total[s, a] + k * (item[a] + above)) / (count[s, a] + k)
        after = (steps.policy * q).sum(axis=1)
        if np.abs(after - v).max() < 1e-13:
            break
        v = after
    return q, v


@pytest.mark.parametrize("gamma", [0.0, 0.8])
def test_fitted_values_are_the_fixed_point_for_each_weighting(gamma: float) -> None:
    steps = some_steps()
    weights = np.stack([np.ones(8), np.arange(8.0), (np.arange(8) != 3).astype(float)])
    q, v = fit_values(steps, weights, gamma, strength=1.5)
    for at, one in enumerate(weights):
        expected_q, expected_v = iterated(steps, one, gamma, 1.5)
        np.testing.assert_allclose(q[at], expected_q, atol=1e-9)
        np.testing.assert_allclose(v[at], expected_v, atol=1e-9)


def test_how_many_weightings_are_fitted_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.random.default_rng(0).integers(0, 3, (7, 8)).astype(np.float64)
    before = fit_values(some_steps(), weights, 0.9)
    monkeypatch.setattr("reverie.rl.ope.values.BATCH", 1)
    for one, other in zip(before, fit_values(some_steps(), weights, 0.9), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)


def test_a_session_that_is_left_out_changes_nothing() -> None:
    steps = some_steps()
    out = (np.arange(8) != 5).astype(float)[None]
    rewards = np.where(steps.clusters == 5, 100.0, steps.rewards)
    other = Steps(steps.states, steps.actions, rewards, steps.later, steps.clusters, steps.policy)
    for before, after in zip(fit_values(steps, out, 0.9), fit_values(other, out, 0.9), strict=True):
        np.testing.assert_array_equal(before, after)


def test_folds_are_of_equal_size_and_depend_on_the_seed() -> None:
    folds = folds_of(23, 0)
    assert sorted(np.bincount(folds)) == [4, 4, 5, 5, 5]
    assert (folds_of(23, 1) != folds).any()
    assert set(folds_of(2, 0)) == {0, 1}


def test_rare_states_become_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reverie.rl.ope.values.MOST_STATES", 3)
    states = common_states(np.array([9, 9, 9, 4, 4, 7, 5, 1]), 10)
    np.testing.assert_array_equal(states, [0, 0, 0, 1, 1, 2, 2, 2])
