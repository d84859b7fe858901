"""Heuristic shilling attacks: random, average, bandwagon, reverse bandwagon, love/hate, segment.

References
----------
.. [1] Lam and Riedl, Shilling recommender systems for fun and profit, WWW 2004 (random, average).
.. [2] Mobasher, Burke, Bhaumik and Williams, Toward trustworthy recommender systems: an analysis of attack models and algorithm
   robustness, ACM TOIT 7(4), 2007 (bandwagon, reverse bandwagon, love/hate, segment).
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reverie.data.profiles import Profiles
from reverie.options import Options
from reverie.robustness.attacks.attack import BaseAttack, Budget, Goal, View
from reverie.robustness.attacks.config import NoOptions
from reverie.robustness.attacks.templates import NO_PROFILES, draw_items, rates_target, seen_ratings, stack_profiles
from reverie.robustness.threat import Need
from reverie.seeds import numpy_generator

Level = Literal["highest", "lowest", "mean", "item"]


class NullAttack(BaseAttack[NoOptions]):
    """No profiles at all: what changes then is the luck of fitting again."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return no profile."""
        return NO_PROFILES


class SimpleAttack:
    """A target, selected items and fillers, each rated by a rule."""

    def __init__(
        self,
        config: Options,
        select: Literal["none", "popular", "unpopular", "segment"] = "none",
        selected_rating: Level = "highest",
        filler_rating: Level = "mean",
        *,
        fill: bool = True,
        goals: tuple[str, ...] = ("promote", "demote", "damage"),
        needs: tuple[Need, ...] = (),
    ) -> None:
        self.select, self.selected = select, getattr(config, "selected", 0)
        self.selected_rating, self.filler_rating, self.fill = selected_rating, filler_rating, fill
        self.goals, self.needs = frozenset(goals), frozenset(needs)

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles."""
        generator = numpy_generator(seed, "attack", self.select, self.filler_rating)
        scale = view.arena.ratings.scale
        targets = goal.target_of_each(budget.users).astype(np.int64)[:, None]
        aim: Level = "lowest" if goal.kind == "demote" else "highest"
        rated = targets if rates_target(view, goal) else np.zeros_like(targets)
        parts = [(rated, self._rated(rated, aim, view, generator))]
        room = budget.size - int(bool(len(goal.targets)))
        # to demote several targets, no fake user may rate another's either
        barred = np.tile(goal.targets.astype(np.int64), (budget.users, 1)) if goal.kind == "demote" else targets
        chosen = self._chosen(view, targets[:, 0], barred, min(self.selected, room))
        parts.append((chosen, self._rated(chosen, self.selected_rating, view, generator)))
        if self.fill:
            taken = np.concatenate([barred, chosen], axis=1)
            fillers = draw_items(budget.users, room - chosen.shape[1], view.n_items, taken, generator)
            parts.append((fillers, self._rated(fillers, self.filler_rating, view, generator)))
        return stack_profiles(parts, scale)

    def _chosen(self, view: View, targets: NDArray[np.int64], barred: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        if self.select == "none" or n <= 0:
            return np.zeros((len(targets), 0), dtype=np.int64)
        if self.select == "segment":
            likes = target_cooccurrence(view, targets)
        else:
            sign = 1.0 if self.select == "popular" else -1.0
            likes = np.broadcast_to(sign * view.popularity.astype(np.float64), (len(targets), view.n_items)).copy()
        rows, columns = np.nonzero(barred)
        likes[rows, barred[rows, columns] - 1] = -np.inf
        return np.argsort(-likes, axis=1, kind="stable")[:, : min(n, view.n_items - barred.shape[1])].astype(np.int64) + 1

    def _rated(self, items: NDArray[np.int64], level: Level, view: View, generator: np.random.Generator) -> NDArray[np.float64]:
        scale = view.arena.ratings.scale
        if level in ("highest", "lowest"):
            return np.full(items.shape, scale.high if level == "highest" else scale.low)
        mean: NDArray[np.float64] = np.full(items.shape, view.mean_rating)
        spread: NDArray[np.float64] = np.full(items.shape, view.deviation)
        if level == "item" and view.ratings is not None:
            means, deviations = view.ratings.item_means()
            mean, spread = means[items - 1], deviations[items - 1]
        return mean + spread * generator.standard_normal(items.shape)


def target_cooccurrence(view: View, targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often each item is liked by those who like a target, over the root of its popularity; popularity breaks ties.

    targets [n] → [n, N].
    """
    ratings = seen_ratings(view)
    likes = ratings.likes()
    distinct, back = np.unique(targets[targets > 0], return_inverse=True)
    counts = np.sqrt(np.maximum(ratings.item_counts, 1))
    table = (likes.T[distinct - 1] @ likes).toarray() / counts + 1e-9 * view.popularity
    scores = np.zeros((len(targets), view.n_items))
    scores[targets > 0] = table[back]
    return scores


build_target_only = partial(SimpleAttack, fill=False, goals=("promote", "demote"))
"""Profiles hold the target alone."""
build_average = partial(SimpleAttack, filler_rating="item", needs=("ratings",))
build_bandwagon = partial(SimpleAttack, select="popular", needs=("popularity",), goals=("promote",))
build_reverse_bandwagon = partial(
    SimpleAttack, select="unpopular", selected_rating="lowest", needs=("popularity",), goals=("demote",)
)
build_love_hate = partial(SimpleAttack, filler_rating="highest", goals=("demote",))
build_segment = partial(SimpleAttack, select="segment", filler_rating="lowest", needs=("ratings",), goals=("promote",))
