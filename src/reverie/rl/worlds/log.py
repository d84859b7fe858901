"""The log world: users who answer and leave as those of a log do, with its held-out error beside every return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from reverie.errors import DataError
from reverie.evaluation.intervals import mean_over_seeds
from reverie.options import checked
from reverie.report.words import number, span
from reverie.rl.returns import returns_to_go
from reverie.rl.worlds.answers import MOST, Steps, fitted, reward_levels, stated_error
from reverie.rl.worlds.config import Bound
from reverie.rl.worlds.histories import Histories
from reverie.seeds import numpy_generator
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import DatasetRecipe

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch
    from reverie.data.dataset import Dataset
    from reverie.data.sequences import Sequences
    from reverie.rl.policies import Policy

Array = NDArray[np.float64]
REPEATED = 0.05
"""From this share of events that repeat an item of their row on, items may come again."""
_BETTER = 1e-12


class LogWorldOptions(DatasetRecipe):
    """Options of a log world; those of the log, such as ``rewards`` and ``sessions``, are those of a recipe's ``dataset``."""

    gamma: float = Field(default=0.95, ge=0, lt=1)
    """Discount of all returns."""
    held_out: float = Field(default=0.2, gt=0, lt=1)
    """Share of the rows (users, or sessions) that the world's error is measured on; the others are counted."""
    classes: PositiveInt = Field(default=5, le=50)
    """Classes of items by their mean reward: what came before an item matters by its class."""
    places: PositiveInt = Field(default=20, le=200)
    """Places in a session at which leaving is told apart."""
    bound: Bound = 200
    """Most items of a session."""
    seed: int = 0
    """Of the rows that are held out."""


class LogWorld:
    """A world that imitates a log; see `Answers` for how its users answer and leave.

    A session begins with the first item of a counted row. The **state** is the class of the last item and the place in the
    session, so the best policy is known exactly where items may come again; where the log repeats less than 5 % of its items they
    may not, and its value is a bound. What it cannot know: how people would have answered to items that the log did not show them,
    and their taste; and the last event of a row counts as leaving.

    Parameters
    ----------
    dataset : Dataset
        Rows of two events or more are used.
    options : LogWorldOptions

    Raises
    ------
    DataError
        If fewer than ten rows have two events.
    """

    histories: Histories

    def __init__(self, dataset: Dataset, options: LogWorldOptions) -> None:
        self.options, self.gamma, self.bound, self.name = options, options.gamma, options.bound, dataset.name
        self.identity = {"data": dataset.sha256, "feedback": dataset.feedback_sha256}
        rows = dataset.sequences.take(np.flatnonzero(dataset.sequences.lengths > 1))
        if len(rows) < 10:
            raise DataError(f"'{dataset.name}' has {len(rows)} users or sessions with two events or more, and ten are needed")
        self.vocabulary = rows.vocabulary
        has_rewards = "reward" in rows.columns
        levels, self.rewards = reward_levels(rows.columns["reward"].astype(np.float64) if has_rewards else np.ones(len(rows.items)))
        order = numpy_generator(options.seed, "log world", "rows").permutation(len(rows))
        held, counted = np.split(order, [min(max(1, round(options.held_out * len(rows))), len(rows) - 2)])
        train, asked = Steps.of(rows.take(counted), levels), Steps.of(rows.take(held), levels)
        n, inner = self.vocabulary.n_items, train.row % 8 == 0
        self.answers, strengths = fitted(train, self.rewards, n, options.classes, options.places, inner)
        self.first = rows.items[rows.starts[counted]].astype(np.int64)
        """Items that sessions begin with, one per counted row."""
        self.counts = rows.take(counted).item_counts()
        repeated = dataset.sequences.n_events - _distinct(dataset)
        self.repeats = repeated >= REPEATED * dataset.n_events
        said_strengths = " and ".join(f"{one:,.0f}" for one in strengths)
        said = "rewards are those of the log" if has_rewards else "no rewards were given (option 'rewards'), so each event counts 1"
        shown = "may come again, without tiring anybody" if self.repeats else "come once in a session"
        self.error = (
            f"imitates {self.name}: {said}; items {shown}; pseudo-counts {said_strengths}; taste of single users is not modelled",
            _own_return(rows, levels, self.rewards, self.gamma),
            f"its error on {len(held):,} of {len(rows):,} rows that were held out, with 95 % intervals:",
            *stated_error(self.answers, train, asked, self.rewards),
        )
        self._plan()

    def _plan(self) -> None:
        """Find expected rewards and the best action values by policy iteration over (class, place)."""
        levels, h = self.answers.levels[1:], self.answers  # [N, C, K]
        stays = 1 - np.minimum(h.leaves[:, 1:].T[None] * h.ratio[1:, None, None], MOST)  # [N, T, K]
        self.R = (levels @ self.rewards).T  # [C, N]
        self.stays = np.einsum("nck,ntk->tcn", levels, stays)
        """Probability to go on after an item, shape [T, C, N], by place and class of the item before."""
        self.next_place, self.next_class = np.minimum(np.arange(self.options.places) + 1, self.options.places - 1), h.classes[1:]
        actions = np.broadcast_to(self.R.argmax(axis=1), (self.options.places, len(self.R)))
        while True:
            self.q = self._backup(self._solved(*self._of_actions(actions)))
            now = np.take_along_axis(self.q, actions[:, :, None], axis=2)[:, :, 0]
            better = self.q.max(axis=2) > now + _BETTER
            if not better.any():
                return
            actions = np.where(better, self.q.argmax(axis=2), actions)

    def _of_actions(self, actions: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return reward and kernel to the next class where each state has one action, column [T, C] → [T, C], [T, C, C]."""
        stays = np.take_along_axis(self.stays, actions[:, :, None], axis=2)
        return self.R[np.arange(len(self.R)), actions], stays * np.eye(len(self.R))[self.next_class[actions]]

    def _solved(self, rewards: Array, kernel: Array) -> Array:
        """Return ``v = r + γ K v(next place)`` by a linear system; rewards [T, C], kernel [T, C, C] → [T, C]."""
        places, classes = rewards.shape
        moves = np.zeros((places, classes, places, classes))
        moves[np.arange(places), :, self.next_place] = kernel
        size = rewards.size
        solved = np.linalg.solve(np.eye(size) - self.gamma * moves.reshape(size, size), rewards.ravel())
        return np.asarray(solved.reshape(rewards.shape))

    def _backup(self, v: Array) -> Array:
        """Return ``R + γ P(stays) v(next state)``; v [T, C] → [T, C, N]."""
        ahead = v[self.next_place][:, self.next_class]  # [T, N]
        return np.asarray(self.R + self.gamma * self.stays * ahead[:, None])

    def states(self, batch: SequenceBatch) -> NDArray[np.int64]:
        """Return the state after each history, place times classes plus class → [B]."""
        lengths = batch.lengths.numpy()
        last = np.take_along_axis(batch.items.numpy(), lengths[:, None] - 1, axis=1)[:, 0]
        return np.asarray((np.minimum(lengths, self.options.places) - 1) * len(self.R) + self.answers.classes[last])

    def references(self) -> Mapping[str, Policy]:
        """Return the best policy (where items come once: best but for that), and myopic, popular and random ones."""
        from reverie.rl.policies import RankedByState

        shape = self.q.shape
        scores = {
            "oracle": self.q,
            "myopic": np.broadcast_to(self.R, shape),
            "popularity": np.broadcast_to(self.counts[1:].astype(np.float64), shape),
        }
        found: dict[str, Policy] = {
            name: RankedByState(values.reshape(-1, shape[2]), self.states, self.repeats) for name, values in scores.items()
        }
        return found | {"random": RankedByState(np.zeros((shape[0] * shape[1], shape[2])), self.states, self.repeats, "softmax")}

    def value(self, policy: Policy) -> float | None:
        """Return the exact discounted return of a policy that reads states alone; None for any other."""
        table = getattr(policy, "table", None)
        if table is None or not self.repeats:
            return None
        by_state = table.reshape(self.q.shape)
        kernel = (by_state * self.stays) @ np.eye(len(self.R))[self.next_class]
        return float(self._solved((by_state * self.R).sum(axis=2), kernel)[0][self.answers.classes[self.first]].mean())

    def best_value(self) -> float:
        """Return the discounted return that no policy exceeds; the best one reaches it where items may come again."""
        return float(self.q[0].max(axis=1)[self.answers.classes[self.first]].mean())

    def reset(self, n: int, rng: np.random.Generator) -> None:
        """Begin n sessions with first items of counted rows."""
        first = self.first[rng.integers(len(self.first), size=n)]
        self.histories = Histories(first[:, None], np.ones(n, dtype=np.int64), np.full(n, -1))
        self.ended = np.zeros(n, dtype=bool)

    def step(self, actions: NDArray[np.int64], rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
        """Show one item in each session; see `World.step`."""
        draws = rng.random((2, len(actions)))
        rows = np.flatnonzero(~self.ended)
        items, lengths = actions[rows], self.histories.lengths[rows]
        before = self.answers.classes[self.histories.items[rows, lengths - 1]]
        reached = np.cumsum(self.answers.levels[items, before], axis=1)
        level = np.argmax(reached > (draws[0, rows] * reached[:, -1])[:, None], axis=1)
        rewards = np.zeros(len(actions))
        rewards[rows] = self.rewards[level]
        self.ended[rows] = draws[1, rows] < self.answers.leaving(items, level, lengths)
        self.histories.append(rows, items)
        return rewards, self.ended.copy()


def _own_return(rows: Sequences, levels: NDArray[np.int64], rewards: Array, gamma: float) -> str:
    """Say what the log's rows earned after their first item; levels of the rewards [n_events] as `Sequences.items`."""
    at = rows.positions()
    earned = np.delete(rewards[levels[at]], np.cumsum(rows.lengths) - rows.lengths)
    lengths = rows.lengths - 1
    returns = returns_to_go(earned, lengths, gamma)[np.cumsum(lengths) - lengths]
    mean = mean_over_seeds([pl.DataFrame({"user": np.arange(len(rows)), "value": returns})])
    kept = f"its {len(rows):,} rows of two events or more"
    return f"the log itself: after their first item {kept} earned {number(mean.value, 3)} [{span(mean.low, mean.high)}]"


def _distinct(dataset: Dataset) -> int:
    rows = dataset.sequences
    return len(np.unique(rows.event_rows() * (rows.vocabulary.n_items + 1) + rows.items[rows.positions()]))


def open_log_world(path: str, *, offline: bool = False, **options: Any) -> LogWorld:
    """Calibrate a world from a named dataset or an event log; options are those of `LogWorldOptions`."""
    chosen = checked(LogWorldOptions, {**options, "name": path}, "the log world")
    recipe = DatasetRecipe.model_validate({name: getattr(chosen, name) for name in DatasetRecipe.model_fields})
    return LogWorld(open_recipe_dataset(recipe, offline), chosen)
