"""The decision process of the session world: its tables, its sessions, and the behaviour that logs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.vocabulary import Vocabulary
from reverie.rl.worlds.config import KINDS, SessionWorldOptions
from reverie.rl.worlds.histories import Histories
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.data.batch import SequenceBatch

Array = NDArray[np.float64]
FIRST_ID = 1001
"""Id of the first item; ids are no codes."""


class SessionProcess:
    """A finite decision process over histories of items.

    Items stand in groups: bridge groups, the premium group that each leads to, and everyday groups with bait among them. The
    **state** is the group of the last item and how many items of that group came last in a row (up to ``longest_row``), so it is
    a function of the history. With d the place of the shown item in such a row (0 where it begins one), a user is interested with
    probability ``x(s, a) = base(a) satiation^d prepared(s, a)``; an interested user buys with probability x, else puts it into the
    cart; nobody interested only views. So buy has probability ``x²``, cart ``x (1 - x)``, view ``1 - x``, and ``R(s, a)`` is the
    mean of their rewards. A premium item is prepared (factor 1) after an item of its bridge group or of its
    own group; after anything else the factor is ``unprepared``. After the item the user leaves with probability
    ``min(hazard(a) + tired d, 0.9)``; bait has a high base and a high hazard, bridges a low base and the least hazard. A session
    begins with a landing item, drawn by popularity, which is no action and earns nothing. All of this is our design.

    Parameters
    ----------
    options : SessionWorldOptions, optional

    Attributes
    ----------
    R : ndarray, shape [S, A]
        Expected rewards; the last state is the absorbing end.
    P : ndarray, shape [S, A, S]
        Probabilities of the next state; column a is item code a + 1.
    start : ndarray, shape [S]
        Distribution of the first state.
    next_state : ndarray, shape [S - 1, A], int64
        Where a session goes that does not end.
    """

    histories: Histories

    def __init__(self, options: SessionWorldOptions | None = None) -> None:
        self.options = o = options or SessionWorldOptions()
        self.gamma, n = o.gamma, o.n_items
        self.groups = np.arange(n) * o.n_groups // n
        rng = numpy_generator(o.seed, "session world")
        interest, patience = rng.random(n), rng.random(n)
        everyday = np.flatnonzero(self.groups >= 2 * o.pairs)
        self.bait = np.zeros(n, dtype=bool)
        self.bait[rng.permutation(everyday)[: round(o.bait * len(everyday))]] = True
        weights = 1.0 / (rng.permutation(n) + 11)
        self.popularity: Array = weights / weights.sum()
        """Of landing items and of the popular share of the behaviour, shape [A]."""
        bridge, premium = self.groups < o.pairs, (self.groups >= o.pairs) & (self.groups < 2 * o.pairs)
        bases = [0.15 * interest, 0.8 + 0.18 * interest, 0.7 + 0.15 * interest]
        base = np.select([bridge, premium, self.bait], bases, 0.1 + 0.2 * interest)
        hazard = o.leave + 0.03 * patience + np.where(bridge, 0, 0.02) + np.where(self.bait, o.bait_leave + 0.1 * interest, 0)
        self._tables(base, hazard, premium)
        ids = pl.Series("item", np.arange(FIRST_ID, FIRST_ID + n))
        names = np.select([bridge, premium, self.bait], ["bridge", "premium", "bait"], "everyday")
        self.catalog = pl.DataFrame({
            "item": ids,
            "title": [f"{name} {item} of group {group}" for name, item, group in zip(names, ids, self.groups, strict=True)],
            "categories": [f"group {group}" for group in self.groups],
        })  # fmt: skip
        self.vocabulary = Vocabulary(ids, pl.Series("user", [0]).clear(), self.catalog["title"])

    def _tables(self, base: Array, hazard: Array, premium: NDArray[np.bool_]) -> None:
        """Fill interest, rewards and transitions; base, hazard, premium [A]."""
        o, n, groups = self.options, self.options.n_items, self.groups
        size = o.n_groups * o.longest_row
        group, row = np.arange(size)[:, None] // o.longest_row, np.arange(size)[:, None] % o.longest_row
        same = group == groups
        d = np.where(same, row + 1, 0)
        prepared = np.where(~premium | same | (group == groups - o.pairs), 1.0, o.unprepared)
        self.interest: Array = base * o.satiation**d * prepared
        """Probability of interest, shape [S - 1, A]."""
        leaves = np.minimum(hazard + o.tired * d, 0.9)
        x, pay = self.interest, o.rewards
        self.R = np.zeros((size + 1, n))
        self.R[:size] = pay["view"] * (1 - x) + pay["cart"] * x * (1 - x) + pay["buy"] * x * x
        self.next_state = groups * o.longest_row + np.minimum(d, o.longest_row - 1)
        self.P = np.zeros((size + 1, n, size + 1))
        np.put_along_axis(self.P[:size], self.next_state[:, :, None], (1 - leaves)[:, :, None], axis=2)
        self.P[:size, :, size], self.P[size, :, size] = leaves, 1.0
        self.start: Array = np.bincount(groups * o.longest_row, self.popularity, minlength=size + 1).astype(np.float64)

    @property
    def end(self) -> int:
        """Number of the absorbing state; the states of living sessions come before it."""
        return len(self.R) - 1

    def states_of(self, items: NDArray[Any], lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the state after each history; item codes [B, L] padded with 0 on the right, lengths [B] >= 1 → [B]."""
        if not lengths.all():
            raise ValueError("lengths: a session of this world begins with a landing item, so no history is empty")
        back = lengths[:, None] - 1 - np.arange(self.options.longest_row)
        codes = np.take_along_axis(items, np.maximum(back, 0), axis=1)
        groups = self.groups[codes - 1]
        same = (groups == groups[:, :1]) & (back >= 0)
        row = np.cumprod(same, axis=1).sum(axis=1)
        return np.asarray(groups[:, 0] * self.options.longest_row + row - 1)

    def states(self, batch: SequenceBatch) -> NDArray[np.int64]:
        """Return the state after each history of a batch → [B]."""
        return self.states_of(batch.items.numpy(), batch.lengths.numpy())

    def behaviour(self) -> Array:
        """Return the policy that logs the world, see `BehaviourOptions`, shape [S, A]."""
        o = self.options.behaviour
        myopic = np.exp((self.R - self.R.max(axis=1, keepdims=True)) / o.temperature)
        myopic /= myopic.sum(axis=1, keepdims=True)
        same = np.arange(self.end)[:, None] // self.options.longest_row == self.groups
        related = np.concatenate([same / same.sum(axis=1, keepdims=True), np.full((1, len(self.groups)), 1 / len(self.groups))])
        rest = (1 - o.myopic - o.popular - o.related) / len(self.groups)
        return np.asarray(o.myopic * myopic + o.popular * self.popularity + o.related * related + rest)

    def reset(self, n: int, rng: np.random.Generator) -> None:
        """Begin n sessions with a landing item each."""
        landing = rng.choice(self.options.n_items, size=n, p=self.popularity) + 1
        self.histories = Histories(landing[:, None], np.ones(n, dtype=np.int64), np.full(n, -1))
        self.state = self.groups[landing - 1] * self.options.longest_row
        """Of each session, shape [n]; `end` where it is over."""
        self.kinds = np.zeros(n, dtype=np.int64)
        """Of the last event of each session: 0 view, 1 cart, 2 buy."""

    def step(self, actions: NDArray[np.int64], rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
        """Show one item in each session; see `World.step`."""
        draws = rng.random((2, len(actions)))
        rows = np.flatnonzero(self.state < self.end)
        s, a = self.state[rows], actions[rows] - 1
        x = self.interest[s, a]
        self.kinds[rows] = (draws[0, rows] < x).astype(np.int64) + (draws[0, rows] < x * x)
        rewards = np.zeros(len(actions))
        rewards[rows] = np.array([self.options.rewards[kind] for kind in KINDS])[self.kinds[rows]]
        self.state[rows] = np.where(draws[1, rows] < self.P[s, a, self.end], self.end, self.next_state[s, a])
        self.histories.append(rows, actions[rows])
        return rewards, self.state == self.end
