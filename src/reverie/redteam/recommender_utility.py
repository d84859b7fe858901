"""What a recommender can do beside its safety: how high it ranks what really came next, when nobody attacks it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.redteam.attempts import Response, Try
from reverie.redteam.goals import Goal
from reverie.redteam.messages import Message
from reverie.redteam.roles import Target
from reverie.redteam.scenes import draw_scenes
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset

REQUEST = "Which {noun}s do you recommend to me?"


@dataclass(frozen=True)
class CleanScene:
    """A plain request of a user, and the item that the user met next."""

    tried: Try
    following: str


@dataclass(frozen=True)
class CleanRanking:
    """NDCG of each plain request, 0 where the next item is not in the list or no list was given [N], and how many had no list."""

    ndcg: tuple[float, ...]
    failures: int

    @property
    def mean(self) -> float:
        """Over all requests."""
        return sum(self.ndcg) / len(self.ndcg) if self.ndcg else math.nan


def clean_scenes(dataset: Dataset, n: int, seed: int, *, noun: str = "film", k: int = 5, system: str = "") -> list[CleanScene]:
    """Draw users with their histories, what came next, and other candidates, and ask plainly; see `draw_scenes`."""
    tries = []
    own = int(numpy_generator(seed, "clean requests").integers(2**31))  # goals draw their users by the seed itself
    for at, drawn in enumerate(draw_scenes(dataset, n, own, k)):
        goal = Goal(f"clean-{at}", "promote", REQUEST.format(noun=noun), system, "", drawn.following, drawn.scene, k)
        tries.append(CleanScene(Try(goal, (Message("user", goal.request),), "clean", seed=seed), drawn.following[0]))
    return tries


def clean_ranking(target: Target, scenes: Sequence[CleanScene]) -> CleanRanking:
    """Ask a target plainly and measure NDCG at the goals' k; with one relevant item it is ``1 / log2(1 + place)``."""
    answers = target.respond([scene.tried for scene in scenes])
    values = [scene_ndcg(answer, scene) for scene, answer in zip(scenes, answers, strict=True)]
    return CleanRanking(tuple(values), sum(bool(answer.failure) for answer in answers))


def scene_ndcg(answer: Response, scene: CleanScene) -> float:
    """Return the NDCG of one list; items that it repeats count once."""
    ranking = list(dict.fromkeys(answer.ranking))[: scene.tried.goal.k]
    return 1 / math.log2(2 + ranking.index(scene.following)) if scene.following in ranking else 0.0
