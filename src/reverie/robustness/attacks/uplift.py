"""Chance that copies of a target user lift the target into that user's top 10, by a surrogate or by counting paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.robustness.attacks.surrogate import Surrogate

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from reverie.robustness.attacks.config import SurrogateConfig

_TOP = 10
_CHUNK = 512


def hit_chance_by_paths(
    likes: csr_array, fakes: csr_array, users: NDArray[np.int64], column: int, most: int
) -> NDArray[np.float64]:
    """Count paths of three hops, user to item to user to item: entries of the cube of the graph's adjacency matrix.

    likes [U, N], fakes [M, N], users [M] → [M, most + 1].
    """
    probability = np.zeros((len(users), most + 1))
    added = np.asarray(fakes.sum(axis=1))
    for begin in range(0, len(users), _CHUNK):
        part = users[begin : begin + _CHUNK]
        paths = ((likes[part] @ likes.T) @ likes).toarray()
        tenth, own = _tenth(paths, likes[part], column)
        copies = own[:, None] + added[begin : begin + _CHUNK, None] * np.arange(most + 1)
        probability[begin : begin + _CHUNK] = copies > tenth[:, None]
    return probability


def hit_chance_by_surrogate(
    likes: csr_array,
    fakes: csr_array,
    users: NDArray[np.int64],
    column: int,
    most: int,
    config: SurrogateConfig,
    temperature: float,
    seed: int,
) -> NDArray[np.float64]:
    """Solve the target's vector on a surrogate again with b copies of a user, and see how near that user's top 10 it comes.

    The equations of one item are changed by copies alone, so b copies are one small solve; other vectors are held fixed.

    → [M, most + 1].
    """
    surrogate = Surrogate(likes, config, seed)
    people, items = surrogate.clean_users, surrogate.clean_items
    probability = np.zeros((len(users), most + 1))
    fans = people[torch.from_numpy(likes.T.tocsr()[[column]].indices.astype(np.int64))]
    ridge = config.ridge * (len(fans) + config.background * len(people))
    left = fans.T @ fans + config.background * people.T @ people + ridge * torch.eye(config.dim)
    copies = torch.arange(most + 1, dtype=torch.float32)
    for begin in range(0, len(users), _CHUNK):
        part = users[begin : begin + _CHUNK]
        liked_too = torch.from_numpy(fakes[begin : begin + _CHUNK].toarray()).float()
        liked_too[:, column] = 1.0
        fake = surrogate.fake_step(items, liked_too)
        more = (1 + config.background) * fake[:, :, None] * fake[:, None, :]
        more = more + config.ridge * (1 + config.background) * torch.eye(config.dim)
        full = left + copies[:, None, None] * more[:, None]
        right = fans.sum(0) + copies[:, None] * fake[:, None]
        vectors = torch.linalg.solve(full, right)
        scores = people[part] @ items.T
        tenth, _ = _tenth(scores.numpy(), likes[part], column)
        reached = torch.einsum("ud,ubd->ub", people[part], vectors)
        probability[begin : begin + _CHUNK] = torch.sigmoid((reached - torch.from_numpy(tenth)[:, None]) / temperature).numpy()
    return probability


def _tenth(scores: NDArray[np.floating], seen: csr_array, column: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Tenth highest score of an unseen item other than the target, and the target's."""
    own = scores[:, column].copy()
    scores = np.where(seen.toarray() > 0, -np.inf, scores)
    scores[:, column] = -np.inf
    place = scores.shape[1] - min(_TOP, scores.shape[1])
    tenth = np.partition(scores, place, axis=1)[:, place]
    return np.where(np.isfinite(tenth), tenth, np.finfo(np.float32).min).astype(np.float32), own
