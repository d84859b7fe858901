from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from reverie.data.dataset import Dataset
from reverie.errors import DataError
from reverie.rl.worlds import roll_out
from reverie.rl.worlds.coat import CoatWorld, CoatWorldOptions
from reverie.rl.worlds.completion import completed, inverse_propensities


def ratings_of(n_users: int = 30, n_items: int = 25) -> Dataset:
    """Ratings with low rank and noise; people choose what they like, the test is random."""
    rng = np.random.default_rng(0)
    true = 3 + rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items))
    rated = np.clip(np.round(true + rng.normal(0, 0.3, true.shape)), 1, 5)
    keys = true + rng.gumbel(size=true.shape)
    chosen = np.argsort(-keys, axis=1)[:, :10]
    rows = [(u, int(i), float(rated[u, i]), "train") for u in range(n_users) for i in chosen[u]]
    rows += [(u, int(i), float(rated[u, i]), "test") for u in range(n_users) for i in rng.permutation(n_items)[:6]]
    frame = pl.DataFrame(rows, schema=["user", "item", "rating", "part"], orient="row").unique(
        ["user", "item"], maintain_order=True
    )
    return Dataset(frame, name="coats", order="none")


@pytest.fixture(scope="module")
def world() -> CoatWorld:
    return CoatWorld(ratings_of(), CoatWorldOptions(dim=2, sweeps=10, bound=6))


def test_a_matrix_of_low_rank_is_found_again() -> None:
    rng = np.random.default_rng(1)
    true = 2 + rng.normal(size=(40, 1)) + rng.normal(size=(40, 2)) @ rng.normal(size=(2, 30))
    known = (rng.random(true.shape) < 0.7).astype(float)
    filled = completed(np.where(known, true, 0), known, 2, 0.01, 100, rng)
    assert np.sqrt(((filled - true)[known == 0] ** 2).mean()) < 0.05


def test_one_sweep_is_ridge_row_by_row() -> None:
    rng = np.random.default_rng(2)
    ratings, weights = rng.normal(size=(4, 5)), rng.random((4, 5))
    found = completed(ratings, weights, 1, 0.5, 1, np.random.default_rng(3))
    mean, q = (weights * ratings).sum() / weights.sum(), np.random.default_rng(3).normal(0, 0.1, size=(5, 2))[:, 1]

    def ridge(target: np.ndarray, weight: np.ndarray, factor: np.ndarray) -> np.ndarray:
        x = np.stack([np.ones(len(factor)), factor], axis=1)
        return np.linalg.inv(x.T @ np.diag(weight) @ x + 0.5 * np.eye(2)) @ x.T @ np.diag(weight) @ target

    users = np.stack([ridge(ratings[u] - mean, weights[u], q) for u in range(4)])
    items = np.stack([ridge(ratings[:, i] - mean - users[:, 0], weights[:, i], users[:, 1]) for i in range(5)])
    wanted = [[mean + users[u, 0] + items[i, 0] + users[u, 1] * items[i, 1] for i in range(5)] for u in range(4)]
    np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_propensities_undo_a_choice_by_rating() -> None:
    rng = np.random.default_rng(4)
    ratings = rng.integers(1, 6, size=(60, 60)).astype(float)
    known = (rng.random(ratings.shape) < ratings / 10).astype(float)
    weights = inverse_propensities(ratings, known, ratings.ravel()[:2000])
    plain, weighted = ratings[known > 0].mean(), (weights * ratings).sum() / weights.sum()
    assert abs(weighted - ratings.mean()) < 0.1 < plain - ratings.mean()
    assert weights[known > 0].mean() == pytest.approx(1)


def test_sessions_begin_with_what_was_chosen_in_the_order_of_the_log(world: CoatWorld) -> None:
    rows = ratings_of().sequences
    for user in range(0, 30, 7):
        of_user = rows.starts[rows.users == user][0], rows.stops[rows.users == user][0]
        codes = rows.items[slice(*of_user)][rows.columns["part"][slice(*of_user)] != 2]
        assert world.chosen[user][: len(codes)].tolist() == codes.tolist() != sorted(codes.tolist())
        assert not world.chosen[user][len(codes) :].any()


def test_people_leave_when_satisfaction_falls(world: CoatWorld) -> None:
    rolled = roll_out(world.references()["random"], world, 60, seed=1)
    for i in range(60):
        satisfaction, steps = 0.5, int(rolled.lengths[i])
        for t in range(steps):
            item = rolled.histories.items[i, rolled.histories.first[i] + t] - 1
            assert rolled.rewards[i, t] == pytest.approx((world.ratings[rolled.histories.users[i], item] - 1) / 4)
            satisfaction = 0.7 * satisfaction + 0.3 * rolled.rewards[i, t]
            assert (satisfaction < 0.4) == (t + 1 == steps and not rolled.truncated[i])
        shown = rolled.histories.items[i, : rolled.histories.lengths[i]]
        assert len(set(shown.tolist())) == len(shown), "no coat comes twice, nor one of those that the user chose"
    assert rolled.truncated.any()
    assert rolled.lengths.max() == 6


def test_the_oracle_is_first_and_below_its_bound(world: CoatWorld) -> None:
    returns = {name: roll_out(policy, world, 300, seed=0).returns.mean() for name, policy in world.references().items()}
    assert returns["random"] < returns["oracle"] <= world.best_value() + 0.2
    assert returns["oracle"] == returns["myopic"]


@pytest.mark.parametrize("ips", [False, True])
def test_the_error_on_random_exposure_is_stated(ips: bool) -> None:
    world = CoatWorld(ratings_of(), CoatWorldOptions(dim=2, sweeps=10, ips=ips))
    numbers = [float(one) for one in re.findall(r"\d\.\d{3}", world.error[0])]
    own, low, high, constant = numbers
    assert low < own < high
    assert own < constant
    assert "circular" in world.error[1]


def test_another_dataset_is_refused() -> None:
    with pytest.raises(DataError, match="needs the dataset 'coat'"):
        CoatWorld(Dataset(pl.DataFrame({"user": [1, 1], "item": [1, 2]}), order="none"))
