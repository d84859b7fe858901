"""Profile pollution: events added to real users' histories by greedy search, so that a sequence model ranks the target higher.

References
----------
.. [1] Xing et al., Take this personally: pollution attacks on personalized services, USENIX Security 2013 (the threat).
.. [2] Yue, He, Zeng and McAuley, Black-box attacks on sequential recommenders via data-free model extraction, RecSys 2021 (profile
   pollution of sequence models). Deviations: the search is greedy over a pool of items by the victim's own scores instead of
   following gradients of a stolen copy, so that it works on any recommender; every history is polluted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.data.queries import Queries, extended
from reverie.evaluation.ranking import evaluation_mode, score_batch
from reverie.protocols import Recommender
from reverie.robustness.arena import Floats
from reverie.robustness.attacks.attack import BaseAttack, Goal, View
from reverie.robustness.attacks.config import ProfilePollutionConfig
from reverie.robustness.attacks.simple import target_cooccurrence

_CELLS = 1 << 23
"""Scores held at a time."""


class ProfilePollution(BaseAttack[ProfilePollutionConfig]):
    """Append the event after which the target's share of the softmax is largest (smallest, to demote), then the next one."""

    needs = frozenset({"ratings", "victim"})
    goals = frozenset({"promote", "demote"})

    def pollute(self, view: View, goal: Goal, asked: Queries, seed: int) -> NDArray[np.int32]:
        """Return the events to append → [Q, events]."""
        if view.victim is None:
            raise TypeError("profile pollution needs the trained victim")
        victim, sign = view.victim, -1.0 if goal.kind == "demote" else 1.0
        chosen = np.zeros((len(asked), self.config.events), dtype=np.int32)
        for target in np.unique(asked.targets).tolist():
            rows = np.flatnonzero(asked.targets == target)
            pool = np.tile(self._pool(view, goal, target), (len(rows), 1))
            gain = partial(_log_share, victim, target=target, seed=seed, sign=sign)
            chosen[rows] = greedy_events(asked.take(rows), pool, self.config.events, gain)
        return chosen

    def _pool(self, view: View, goal: Goal, target: int) -> NDArray[np.int32]:
        likes = target_cooccurrence(view, np.array([target], dtype=np.int64))[0]
        near = np.argsort(-likes, kind="stable")[: self.config.pool + len(goal.targets)]
        common = np.argsort(-view.popularity, kind="stable")[: self.config.pool + len(goal.targets)]
        kept = [np.setdiff1d(part + 1, goal.targets, assume_unique=True)[: self.config.pool] for part in (near, common)]
        return np.unique(np.concatenate(kept)).astype(np.int32)


def greedy_events(
    asked: Queries, pool: NDArray[np.int32], events: int, gain: Callable[[Queries], Floats], tell: Callable[[], None] | None = None
) -> NDArray[np.int32]:
    """Choose events to append to histories, one after the other, each the one of the largest gain after those before it.

    pool [Q, P] → [Q, events].
    """
    chosen = np.zeros((len(asked), events), dtype=np.int32)
    for event in range(events):
        gains = np.empty(pool.shape)
        for place in range(pool.shape[1]):
            chosen[:, event] = pool[:, place]
            gains[:, place] = gain(extended(asked, chosen))
            if tell is not None:
                tell()
        chosen[:, event] = pool[np.arange(len(asked)), gains.argmax(axis=1)]
    return chosen


def _log_share(model: Recommender, queries: Queries, target: int, seed: int, sign: float) -> Floats:
    """Return `sign` times the log of the target's share of the softmax over the catalogue, for each history."""
    step = max(1, _CELLS // queries.sequences.vocabulary.n_items)
    parts = []
    with evaluation_mode(model, "cpu", seed) as device:
        for first in range(0, len(queries), step):
            index = np.arange(first, min(first + step, len(queries)))
            scores = score_batch(model, queries, index, device, None)
            parts.append(scores[:, target - 1].double() - torch.logsumexp(scores.double(), dim=1))
    return np.asarray(sign * torch.cat(parts).cpu().numpy())
