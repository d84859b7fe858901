"""UBA (2024): fake users divided among target users by uplift modelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reverie.robustness.attacks.knapsack import solve_knapsack
from reverie.robustness.attacks.templates import (
    build_profiles,
    keep_entries,
    n_fillers,
    sample_entries,
    seen_ratings,
    without_targets,
)
from reverie.robustness.attacks.uplift import hit_chance_by_paths, hit_chance_by_surrogate
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from reverie.data.profiles import Profiles
    from reverie.robustness.attacks.config import UbaConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


class UBA:
    """Copies of target users, as many of each as are worth most.

    For each user u without the target, p(u, b) estimates the chance that b fake users made after u lift the target into u's top
    10, see `hit_chance_by_surrogate` and `hit_chance_by_paths`; `solve_knapsack` chooses the b_u that make ``Σ_u p(u, b_u)``
    largest under the budget. Fake users that would not change that sum go to users drawn at random. A fake user copies likes of
    u (at random where there are more than fit in a profile), or is made by AUSH with u as template.

    .. [1] Uplift modeling for target user attacks on recommender systems, WWW 2024, arXiv:2403.02692.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"ratings", "popularity"})
    goals: ClassVar[frozenset[str]] = frozenset({"promote"})

    def __init__(self, config: UbaConfig) -> None:
        self.config = config

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        draw, ratings = numpy_generator(seed, "attack", "uba"), seen_ratings(view)
        n, real, likes = n_fillers(view, goal, budget.size), without_targets(ratings, goal), ratings.likes()
        copied = keep_entries(real, ratings.scale.likes(real.data))
        chosen = np.zeros(budget.users, dtype=np.int64)
        kinds = len(goal.targets)
        for kind, target in enumerate(goal.targets.tolist()):
            users = self._candidates(ratings.matrix, copied, target - 1, draw)
            total = len(chosen[kind::kinds])
            given = solve_knapsack(self._hit_chances(likes, copied, users, target - 1, n, seed, draw), total)
            spent = np.repeat(users, given)
            chosen[kind::kinds] = np.concatenate([spent, draw.choice(users, total - len(spent))])
        if self.config.generator == "aush":
            from reverie.robustness.attacks.aush import AUSH

            return AUSH(self.config.aush).around(view, goal, real[chosen], n, seed)
        made = sample_entries(copied[chosen], n, draw).toarray()
        return build_profiles(view, goal, made > 0, made)

    def _candidates(self, ratings: csr_array, copied: csr_array, column: int, draw: np.random.Generator) -> NDArray[np.int64]:
        has = np.zeros(ratings.shape[0], dtype=np.bool_)
        has[ratings[:, [column]].tocoo().coords[0]] = True
        users = np.flatnonzero(~has & (np.diff(copied.indptr) > 0))
        if not len(users):
            users = np.flatnonzero(np.diff(copied.indptr) > 0)
        return np.sort(draw.permutation(users)[: self.config.candidates])

    def _hit_chances(
        self,
        likes: csr_array,
        copied: csr_array,
        users: NDArray[np.int64],
        column: int,
        n: int,
        seed: int,
        draw: np.random.Generator,
    ) -> NDArray[np.float64]:
        config, total = self.config, np.zeros((len(users), self.config.most + 1))
        for repeat in range(config.repeats):
            fakes = sample_entries(copied[users], n, draw)
            fakes.data = np.ones_like(fakes.data)
            if config.estimate == "paths":
                total += hit_chance_by_paths(likes, fakes, users, column, config.most)
            else:
                settings, odds = config.surrogate, config.temperature
                total += hit_chance_by_surrogate(likes, fakes, users, column, config.most, settings, odds, seed + 7919 * repeat)
        return total / config.repeats
