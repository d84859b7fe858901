"""The Coat world: 290 people, 300 coats, and a matrix of ratings that we completed ourselves; its error stands beside returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from reverie.data.sources.load import load_dataset
from reverie.errors import DataError
from reverie.evaluation.intervals import mean_over_seeds
from reverie.options import Many, Options, checked
from reverie.report.words import number
from reverie.rl.worlds.completion import STRENGTHS, completed, inverse_propensities
from reverie.rl.worlds.config import Bound
from reverie.rl.worlds.histories import Histories
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.dataset import Dataset
    from reverie.rl.policies import Policy

Array = NDArray[np.float64]
SLICE = 0.1
"""Share of the randomly exposed ratings that tell how frequent each rating is, where errors are weighted by propensities."""


class CoatWorldOptions(Options):
    """Options of the Coat world; the rule of leaving is ours."""

    gamma: float = Field(default=0.95, ge=0, lt=1)
    """Discount of all returns."""
    dim: PositiveInt = Field(default=8, le=100)
    """Factors of the completed matrix."""
    ips: bool = True
    """Whether errors are weighted by inverse propensities, for which a tenth of the randomly exposed ratings is used."""
    sweeps: Many = 15
    """Alternations of the fit."""
    memory: float = Field(default=0.7, ge=0, lt=1)
    """Of satisfaction: it begins at 0.5 and becomes memory * satisfaction + (1 - memory) * reward after each coat."""
    patience: float = Field(default=0.4, ge=0, le=1)
    """A user leaves when satisfaction falls below it."""
    bound: Bound = 20
    """Most coats of a session; it is cut off there."""
    seed: int = 0
    """Of the fit."""


class CoatWorld:
    """People who look at coats one by one; the reward of a coat is (rating - 1) / 4, by a matrix completed from their choices.

    A session begins with the coats that its user chose to rate, in the order of the log (which is random, as nobody knows the true
    one); none of them, and no coat twice, is shown. The user leaves when satisfaction falls, see `CoatWorldOptions`.

    Parameters
    ----------
    dataset : Dataset
        With ratings from 1 to 5 in the parts ``train`` (self-chosen) and ``test`` (exposed at random).
    options : CoatWorldOptions, optional
    """

    name, repeats = "coat", False
    histories: Histories

    def __init__(self, dataset: Dataset, options: CoatWorldOptions | None = None) -> None:
        self.options = o = options or CoatWorldOptions()
        self.gamma, self.bound, self.vocabulary = o.gamma, o.bound, dataset.vocabulary
        rows = dataset.sequences
        if not {"part", "rating"} <= set(rows.columns):
            raise DataError(f"'{dataset.name}' has no ratings in train and test parts; this world needs the dataset 'coat'")
        user, item = rows.users[rows.event_rows()], rows.items[rows.positions()].astype(np.int64) - 1
        rating, test = rows.columns["rating"].astype(np.float64), rows.columns["part"] == 2
        known, ratings = np.zeros((2, self.vocabulary.n_users, self.vocabulary.n_items))
        known[user[~test], item[~test]], ratings[user[~test], item[~test]] = 1, rating[~test]
        rng = numpy_generator(o.seed, "coat world")
        order = rng.permutation(np.flatnonzero(test))
        some, held = np.split(order, [round(SLICE * len(order)) if o.ips else 0])
        weights = inverse_propensities(ratings, known, rating[some]) if o.ips else known
        strength = self._strength(ratings, weights, rng)
        self.ratings = np.clip(completed(ratings, weights, o.dim, strength, o.sweeps, rng), 1, 5)
        self.rewards = (self.ratings - 1) / 4
        self.known, self.counts = known > 0, known.sum(axis=0)
        own, constant = rating[held] - self.ratings[user[held], item[held]], rating[held] - rating[~test].mean()
        self.error = self._error(own, constant, user[held])
        self.chosen = _by_user(user[~test], item[~test] + 1, self.vocabulary.n_users)
        """Codes of the coats that each user chose, in the order of the log, padded with 0 on the right, shape [U, L]."""

    def _strength(self, ratings: Array, weights: Array, rng: np.random.Generator) -> float:
        """Choose the ridge on a tenth of the self-chosen ratings."""
        away = (rng.random(ratings.shape) < 0.1) & (weights > 0)

        def loss(strength: float) -> float:
            rest = np.where(away, 0, weights)
            first = numpy_generator(self.options.seed, "coat world", "ridge")
            told = completed(ratings, rest, self.options.dim, strength, self.options.sweeps, first)
            return float((weights * (told - ratings) ** 2)[away].mean())

        return min(STRENGTHS, key=loss)

    def _error(self, own: Array, constant: Array, users: NDArray[np.int64]) -> tuple[str, ...]:
        effect = mean_over_seeds([pl.DataFrame({"user": users, "value": own**2})])
        low, high = np.sqrt(effect.ends)
        how = "inverse propensities" if self.options.ips else "equal weights"
        mean = number(np.sqrt((constant**2).mean()), 3)
        return (
            f"the matrix (fitted with {how}) errs by an RMSE of {np.sqrt(effect.value):.3f} [{low:.3f}, {high:.3f}] on "
            f"{len(own):,} ratings of random exposure; the mean of the chosen ratings errs by {mean}",
            "circular: a run that learned from Coat saw the self-chosen ratings that this matrix was completed from",
            f"a user leaves when satisfaction (memory {self.options.memory:g}, from 0.5) falls below {self.options.patience:g}",
        )

    def references(self) -> Mapping[str, Policy]:
        """Return policies that see users; ``oracle`` shows the best coats by the world's matrix first, as the myopic one does."""
        from reverie.rl.policies import RankedByState

        popular = np.broadcast_to(self.counts, self.rewards.shape)
        return {
            "oracle": RankedByState(self.rewards, _users, False),
            "myopic": RankedByState(self.rewards, _users, False),
            "popularity": RankedByState(popular, _users, False),
            "random": RankedByState(np.zeros(self.rewards.shape), _users, False, "softmax"),
        }

    def value(self, policy: Policy) -> float | None:
        """Return None: policies are known by their roll-outs alone."""
        return None

    def best_value(self) -> float:
        """Return the discounted return that no policy exceeds: of each user's best coats in order, without leaving."""
        best = -np.sort(-np.where(self.known, 0.0, self.rewards), axis=1)[:, : self.bound]
        return float((best @ self.gamma ** np.arange(best.shape[1])).mean())

    def reset(self, n: int, rng: np.random.Generator) -> None:
        """Begin n sessions of users drawn at random."""
        users = rng.integers(len(self.rewards), size=n)
        self.histories = Histories(self.chosen[users], np.count_nonzero(self.chosen[users], axis=1), users)
        self.satisfaction, self.ended = np.full(n, 0.5), np.zeros(n, dtype=bool)

    def step(self, actions: NDArray[np.int64], rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
        """Show one coat in each session; a coat of the history earns nothing. See `World.step`."""
        rows = np.flatnonzero(~self.ended)
        seen = (self.histories.items[rows] == actions[rows, None]).any(axis=1)
        rewards = np.zeros(len(actions))
        rewards[rows] = np.where(seen, 0, self.rewards[self.histories.users[rows], actions[rows] - 1])
        memory = self.options.memory
        self.satisfaction[rows] = memory * self.satisfaction[rows] + (1 - memory) * rewards[rows]
        self.ended |= self.satisfaction < self.options.patience
        self.histories.append(rows, actions[rows])
        return rewards, self.ended.copy()


def _by_user(users: NDArray[np.int64], codes: NDArray[np.int64], n_users: int) -> NDArray[np.int64]:
    """Return the codes of each user in a row, in their order, padded with 0 on the right; users, codes [M] → [U, L]."""
    order, counts = np.argsort(users, kind="stable"), np.bincount(users, minlength=n_users)
    found = np.zeros((n_users, int(counts.max(initial=0))), dtype=np.int64)
    found[users[order], np.arange(len(users)) - np.repeat(np.cumsum(counts) - counts, counts)] = codes[order]
    return found


def _users(batch: SequenceBatch) -> NDArray[np.int64]:
    return np.asarray(batch.users.numpy())


def open_coat_world(*, offline: bool = False, **options: Any) -> CoatWorld:
    """Complete the matrix of the dataset ``coat``; options are those of `CoatWorldOptions`."""
    chosen = checked(CoatWorldOptions, options, "the coat world")
    return CoatWorld(load_dataset("coat", offline=offline), chosen)
