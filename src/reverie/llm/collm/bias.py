"""Baselines from rates alone: item mean, user and item bias, and the bias of all earlier rows (prequential)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.llm.collm.pairs import Pairs

PSEUDO = 5.0
"""Pseudo-counts at the overall rate that a mean is smoothed with."""


def item_mean(train: Pairs, queries: Pairs, pseudo: float = PSEUDO) -> NDArray[np.float64]:
    """Return how often an item was liked, smoothed: ``(likes + k r) / (rows + k)`` with r the rate of all rows → [R]."""
    return _smoothed(train.items, train.labels, queries.items, float(train.labels.mean()), pseudo)


def bias_model(train: Pairs, queries: Pairs, pseudo: float = PSEUDO) -> NDArray[np.float64]:
    """Return ``logit(item mean) + logit(user mean)``, both smoothed as in `item_mean` → [R]."""
    rate = float(train.labels.mean())
    of_item = _smoothed(train.items, train.labels, queries.items, rate, pseudo)
    of_user = _smoothed(train.users, train.labels, queries.users, rate, pseudo)
    return logit(of_item) + logit(of_user)


def prequential_bias(past: Pairs, queries: Pairs, pseudo: float = PSEUDO) -> NDArray[np.float64]:
    """Return the bias model of all strictly earlier rows, those of `queries` included, liked or not → [R]."""
    both = past + queries
    if both.times is None:
        raise DataError("the prequential bias model needs times, and these rows have none")
    rows, likes = _before(np.zeros(len(both), dtype=np.int64), both.times, both.labels)
    rate = np.divide(likes, rows, out=np.full(len(rows), 0.5), where=rows > 0)
    scores = np.zeros(len(both))
    for key in (both.items, both.users):
        rows, likes = _before(key, both.times, both.labels)
        scores += logit((likes + pseudo * rate) / (rows + pseudo))
    return scores[len(past) :]


def logit(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log-odds."""
    inside = np.clip(share, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside / (1 - inside)))


def _smoothed(
    keys: NDArray[np.int64], labels: NDArray[np.float64], wanted: NDArray[np.int64], rate: float, pseudo: float
) -> NDArray[np.float64]:
    size = int(max(keys.max(initial=0), wanted.max(initial=0))) + 1
    rows, likes = np.bincount(keys, minlength=size), np.bincount(keys, labels, minlength=size)
    return np.asarray(((likes + pseudo * rate) / (rows + pseudo))[wanted])


def _before(
    keys: NDArray[np.int64], times: NDArray[np.int64], labels: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count, for each row, the rows of its key at strictly earlier moments, and the likes among them."""
    order = np.lexsort((times, keys))
    key, time, label = keys[order], times[order], labels[order]
    at = np.arange(len(key))
    new_key = np.append(True, key[1:] != key[:-1])[: len(key)]
    new_time = new_key | np.append(True, time[1:] != time[:-1])[: len(key)]
    begin = np.maximum.accumulate(np.where(new_key, at, 0))
    moment = np.maximum.accumulate(np.where(new_time, at, 0))
    likes = np.concatenate([[0.0], np.cumsum(label)])
    rows, liked = np.empty(len(key)), np.empty(len(key))
    rows[order], liked[order] = moment - begin, likes[moment] - likes[begin]
    return rows, liked
