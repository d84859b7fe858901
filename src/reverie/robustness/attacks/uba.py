"""Uplift-modelling target user attack (Wang et al. 2024)."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reverie.data.profiles import Profiles
from reverie.robustness.arena import Codes, Floats
from reverie.robustness.attacks import templates
from reverie.robustness.attacks.attack import BaseAttack, Budget, Goal, View
from reverie.robustness.attacks.config import UbaConfig
from reverie.robustness.attacks.surrogate import CHUNK, TOP, Surrogate
from reverie.seeds import numpy_generator


def solve_knapsack(worth: Floats, total: int) -> Codes:
    """Choose b_u for each user u so that ``Σ_u worth[u, b_u]`` is largest and ``Σ_u b_u <= total``, by dynamic programming.

    worth [U, M + 1] → [U].
    """
    users, choices = worth.shape
    best = np.zeros(total + 1)
    taken = np.zeros((users, total + 1), dtype=np.int64)
    for user in range(users):
        options = np.full((choices, total + 1), -np.inf)
        for pieces in range(min(choices, total + 1)):
            options[pieces, pieces:] = best[: total + 1 - pieces] + worth[user, pieces]
        taken[user] = options.argmax(axis=0)
        best = options.max(axis=0)
    given, left = np.zeros(users, dtype=np.int64), int(best.argmax())
    for user in reversed(range(users)):
        given[user] = taken[user, left]
        left -= int(given[user])
    return given


def hit_chance_by_paths(likes: csr_array, fakes: csr_array, users: Codes, column: int, most: int) -> Floats:
    """Count paths of three hops, user to item to user to item: entries of the cube of the graph's adjacency matrix.

    likes [U, N], fakes [M, N], users [M] → [M, most + 1].
    """
    probability = np.zeros((len(users), most + 1))
    added = np.asarray(fakes.sum(axis=1))
    for begin in range(0, len(users), CHUNK):
        part = users[begin : begin + CHUNK]
        paths = ((likes[part] @ likes.T) @ likes).toarray()
        tenth, own = _tenth(paths, likes[part], column)
        copies = own[:, None] + added[begin : begin + CHUNK, None] * np.arange(most + 1)
        probability[begin : begin + CHUNK] = copies > tenth[:, None]
    return probability


def hit_chance_by_surrogate(likes: csr_array, fakes: csr_array, users: Codes, column: int, config: UbaConfig, seed: int) -> Floats:
    """Solve the target's vector on a surrogate again with b copies of a user, and see how near that user's top 10 it comes.

    The equations of one item are changed by copies alone, so b copies are one small solve; other vectors are held fixed.

    → [M, most + 1].
    """
    surrogate, most = Surrogate(likes, config.surrogate, seed), config.most
    background, eye = config.surrogate.background, torch.eye(config.surrogate.dim)
    people, items = surrogate.clean_users, surrogate.clean_items
    probability = np.zeros((len(users), most + 1))
    fans = people[torch.from_numpy(likes.T.tocsr()[[column]].indices.astype(np.int64))]
    ridge = config.surrogate.ridge * (len(fans) + background * len(people))
    left = fans.T @ fans + background * people.T @ people + ridge * eye
    copies = torch.arange(most + 1, dtype=torch.float32)
    for begin in range(0, len(users), CHUNK):
        part = users[begin : begin + CHUNK]
        liked_too = torch.from_numpy(fakes[begin : begin + CHUNK].toarray()).float()
        liked_too[:, column] = 1.0
        fake = surrogate.fake_step(items, liked_too)
        more = (1 + background) * fake[:, :, None] * fake[:, None, :]
        more = more + config.surrogate.ridge * (1 + background) * eye
        full = left + copies[:, None, None] * more[:, None]
        right = fans.sum(0) + copies[:, None] * fake[:, None]
        vectors = torch.linalg.solve(full, right)
        scores = people[part] @ items.T
        tenth, _ = _tenth(scores.numpy(), likes[part], column)
        reached = torch.einsum("ud,ubd->ub", people[part], vectors)
        ahead = (reached - torch.from_numpy(tenth)[:, None]) / config.temperature
        probability[begin : begin + CHUNK] = torch.sigmoid(ahead).numpy()
    return probability


def _tenth(scores: NDArray[np.floating], seen: csr_array, column: int) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Tenth highest score of an unseen item other than the target, and the target's."""
    own = scores[:, column].copy()
    scores = np.where(seen.toarray() > 0, -np.inf, scores)
    scores[:, column] = -np.inf
    place = scores.shape[1] - min(TOP, scores.shape[1])
    tenth = np.partition(scores, place, axis=1)[:, place]
    return np.where(np.isfinite(tenth), tenth, np.finfo(np.float32).min).astype(np.float32), own


class UBA(BaseAttack[UbaConfig]):
    """Copies of target users, as many of each as are worth most.

    For each user u without the target, p(u, b) estimates the chance that b fake users made after u lift the target into u's top
    10, see `hit_chance_by_surrogate` and `hit_chance_by_paths`; `solve_knapsack` chooses the b_u that make ``Σ_u p(u, b_u)``
    largest under the budget. Fake users that would not change that sum go to users drawn at random. A fake user copies likes of
    u (at random where there are more than fit in a profile), or is made by AUSH with u as template.

    .. [1] Uplift modeling for target user attacks on recommender systems, WWW 2024, arXiv:2403.02692.
    """

    needs = frozenset({"ratings", "popularity"})
    goals = frozenset({"promote"})

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        draw, ratings = numpy_generator(seed, "attack", "uba"), templates.seen_ratings(view)
        n, real, likes = templates.n_fillers(view, goal, budget.size), templates.without_targets(view, goal), ratings.likes()
        copied = templates.keep_entries(real, ratings.scale.likes(real.data))
        chosen = np.zeros(budget.users, dtype=np.int64)
        kinds = len(goal.targets)
        for kind, target in enumerate(goal.targets.tolist()):
            users = self._candidates(ratings.matrix, copied, target - 1, draw)
            total = len(chosen[kind::kinds])
            given = solve_knapsack(self._hit_chances(likes, copied[users], users, target - 1, n, seed, draw), total)
            spent = np.repeat(users, given)
            chosen[kind::kinds] = np.concatenate([spent, draw.choice(users, total - len(spent))])
        if self.config.generator == "aush":
            from reverie.robustness.attacks.generative import AUSH

            return AUSH(self.config.aush).around(view, goal, real[chosen], n, seed)
        made = templates.sample_entries(copied[chosen], n, draw)
        return templates.build_profiles(view, goal, templates.rated_entries(made), made.toarray())

    def _candidates(self, ratings: csr_array, copied: csr_array, column: int, draw: np.random.Generator) -> Codes:
        has = np.zeros(ratings.shape[0], dtype=np.bool_)
        has[ratings[:, [column]].tocoo().coords[0]] = True
        users = np.flatnonzero(~has & (np.diff(copied.indptr) > 0))
        if not len(users):
            users = np.flatnonzero(np.diff(copied.indptr) > 0)
        return np.sort(draw.permutation(users)[: self.config.candidates])

    def _hit_chances(
        self, likes: csr_array, own: csr_array, users: Codes, column: int, n: int, seed: int, draw: np.random.Generator
    ) -> Floats:
        config, total = self.config, np.zeros((len(users), self.config.most + 1))
        for repeat in range(config.repeats):
            fakes = templates.sample_entries(own, n, draw)
            fakes.data = np.ones_like(fakes.data)
            if config.estimate == "paths":
                total += hit_chance_by_paths(likes, fakes, users, column, config.most)
            else:
                total += hit_chance_by_surrogate(likes, fakes, users, column, config, seed + 7919 * repeat)
        return total / config.repeats
