"""Answers and departures of the users of a log, by smoothed counts: fitted on some of its rows, measured on others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.evaluation.intervals import mean_over_seeds
from reverie.report.words import number, span

if TYPE_CHECKING:
    from reverie.data.sequences import Sequences

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Strengths = tuple[float, float]
STRENGTHS = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 3000.0, 1e6)
"""Pseudo-counts that are tried; with the largest one every item is as all items are."""
LEVELS = 8
"""Most distinct rewards; of more, this many quantiles are made."""
MOST = 0.95
"""Largest probability of leaving."""


@dataclass(frozen=True)
class Steps:
    """Events that follow an event of the same row: [M] each.

    Parameters
    ----------
    row, item, before, place, level, last : ndarray
        Row number, item code, code of the item before, place in the row (from 1: the second event), level of the reward, and
        whether the row ends there.
    """

    row: Codes
    item: Codes
    before: Codes
    place: Codes
    level: Codes
    last: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequences, levels: Codes) -> Steps:
        """Return the steps of some rows; levels as `Sequences.items`."""
        at, row = rows.positions(), rows.event_rows()
        place = np.arange(len(at)) - np.repeat(np.cumsum(rows.lengths) - rows.lengths, rows.lengths)
        kept = np.flatnonzero(place > 0)
        items = rows.items[at].astype(np.int64)
        last = place + 1 == np.repeat(rows.lengths, rows.lengths)
        return cls(row[kept], items[kept], items[kept - 1], place[kept], levels[at][kept], last[kept])

    def take(self, mask: NDArray[np.bool_]) -> Steps:
        """Return some of the steps."""
        return Steps(*(getattr(self, name)[mask] for name in ("row", "item", "before", "place", "level", "last")))


def reward_levels(rewards: Array) -> tuple[Codes, Array]:
    """Return the level of each reward, and the reward of each level; of many distinct rewards, quantiles with their means."""
    values, codes = np.unique(rewards, return_inverse=True)
    if len(values) > LEVELS:
        cuts = np.unique(np.quantile(rewards, np.linspace(0, 1, LEVELS + 1)[1:-1]))
        codes = np.unique(np.searchsorted(cuts, rewards), return_inverse=True)[1]
        values = np.bincount(codes, rewards) / np.bincount(codes)
    return codes.astype(np.int64), values.astype(np.float64)


@dataclass(frozen=True)
class Answers:
    """Probabilities of answers and departures.

    An item's class is the quantile of its smoothed mean reward among the items. With n counts of training rows, κ pseudo-counts:
    ``p(k) = n_k / n``, ``p(k | a) = (n_ak + κ p(k)) / (n_a + κ)``, and after an item of class c
    ``p(k | a, c) = (n_ack + κ p(k | a) p(k | c) / p(k) Z) / (n_ac + κ)`` with Z the factor that makes it add up to 1. Leaving has
    the probability ``h(k, t) ρ(a)``, at most 0.95, with ``h(k, t) = (l_kt + κ l_t / n_t) / (n_kt + κ)`` at place t and level k,
    ``ρ(a) = (l_a + κ) / (Σ h + κ)`` the item's departures over those expected of its events, and a κ of its own.

    Parameters
    ----------
    classes : ndarray, shape [N + 1], int64
        Of each item code.
    levels : ndarray, shape [N + 1, C, K]
        Probability of each level of reward for an item after one of a class.
    leaves : ndarray, shape [K, T + 1]
        ``h``; column t is place t, the last one stands for all later places.
    ratio : ndarray, shape [N + 1]
        ``ρ``.
    """

    classes: Codes
    levels: Array
    leaves: Array
    ratio: Array

    @classmethod
    def fit(cls, steps: Steps, values: Array, n_items: int, n_classes: int, places: int, strengths: Strengths) -> Answers:
        """Count; values [K] are the rewards of the levels, strengths the pseudo-counts of answers and of leaving."""
        n, k, (strength, leaving) = n_items + 1, len(values), strengths
        place = np.minimum(steps.place, places)
        overall = (np.bincount(steps.level, minlength=k) + 1.0 / k) / (len(steps.level) + 1)
        by_item = _counts((steps.item, steps.level), (n, k))
        alone = (by_item + strength * overall) / (by_item.sum(axis=1, keepdims=True) + strength)
        cuts = np.unique(np.quantile((alone @ values)[1:], np.linspace(0, 1, n_classes + 1)[1:-1]))
        classes = np.searchsorted(cuts, alone @ values)
        count = len(cuts) + 1
        before = classes[steps.before]
        by_class = _counts((before, steps.level), (count, k))
        tilt = (by_class + strength * overall) / (by_class.sum(axis=1, keepdims=True) + strength) / overall
        prior = alone[:, None, :] * tilt
        prior /= prior.sum(axis=2, keepdims=True)
        both = _counts((steps.item, before, steps.level), (n, count, k))
        levels = (both + strength * prior) / (both.sum(axis=2, keepdims=True) + strength)
        seen, left = (_counts((steps.level[m], place[m]), (k, places + 1)) for m in (slice(None), steps.last))
        at_place = (left.sum(axis=0) + steps.last.mean()) / (seen.sum(axis=0) + 1)
        leaves = (left + leaving * at_place) / (seen + leaving)
        expected = np.bincount(steps.item, leaves[steps.level, place], minlength=n)
        ratio = (np.bincount(steps.item[steps.last], minlength=n) + leaving) / (expected + leaving)
        return cls(classes.astype(np.int64), levels, leaves, ratio)

    def leaving(self, items: Codes, levels: Codes, places: Codes) -> Array:
        """Return the probability that a row ends after an item with a level at a place; [M] each → [M]."""
        place = np.minimum(places, self.leaves.shape[1] - 1)
        return np.asarray(np.minimum(self.leaves[levels, place] * self.ratio[items], MOST))

    def losses(self, steps: Steps) -> tuple[Array, Array]:
        """Return minus the log-likelihood of each answer and of each departure; [M], [M]."""
        answers = self.levels[steps.item, self.classes[steps.before], steps.level]
        leaving = self.leaving(steps.item, steps.level, steps.place)
        return -np.log(answers), -np.log(np.where(steps.last, leaving, 1 - leaving))


def _counts(codes: tuple[Codes, ...], shape: tuple[int, ...]) -> Array:
    flat = np.ravel_multi_index(codes, shape)
    return np.asarray(np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape), dtype=np.float64)


def fitted(
    steps: Steps, values: Array, n_items: int, n_classes: int, places: int, inner: NDArray[np.bool_]
) -> tuple[Answers, Strengths]:
    """Fit with the pseudo-counts that are most likely on the steps of `inner`, without which they are tried; return both."""
    rest, asked = steps.take(~inner), steps.take(inner)

    def losses(strength: float) -> tuple[float, float]:
        answers, leaving = Answers.fit(rest, values, n_items, n_classes, places, (strength, strength)).losses(asked)
        return float(answers.mean()), float(leaving.mean())

    tried = {strength: losses(strength) for strength in STRENGTHS} if len(asked.row) else {STRENGTHS[2]: (0.0, 0.0)}
    best = (min(tried, key=lambda one: tried[one][0]), min(tried, key=lambda one: tried[one][1]))
    return Answers.fit(steps, values, n_items, n_classes, places, best), best


def stated_error(answers: Answers, train: Steps, held: Steps, values: Array) -> tuple[str, ...]:
    """Return the held-out errors in sentences, each beside that of a constant: reward, answers, departures."""
    found = []
    k = len(values)
    mean_level, mean_left = (np.bincount(train.level, minlength=k) + 1.0 / k) / (len(train.level) + 1), train.last.mean()
    level_loss, leave_loss = answers.losses(held)
    told = answers.levels[held.item, answers.classes[held.before]] @ values
    leaving = answers.leaving(held.item, held.level, held.place)
    rows = [
        ("squared error of the reward", (values[held.level] - told) ** 2, (values[held.level] - mean_level @ values) ** 2),
        ("log-loss of the answer", level_loss, -np.log(mean_level[held.level])),
        ("Brier score of leaving", (held.last - leaving) ** 2, (held.last - mean_left) ** 2),
        ("log-loss of leaving", leave_loss, -np.log(np.where(held.last, mean_left, 1 - mean_left))),
    ]
    for name, own, constant in rows if k > 1 else rows[2:]:
        effect, other = (mean_over_seeds([pl.DataFrame({"user": held.row, "value": losses})]) for losses in (own, constant))
        found.append(f"{name} {number(effect.value)} [{span(effect.low, effect.high, 4)}], of a constant {number(other.value)}")
    return tuple(found)
