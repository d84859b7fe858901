from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch

import reverie as rv
from reverie.data.batch import SequenceBatch, padded
from reverie.data.dataset import Dataset
from reverie.data.splits.config import LeaveOneOut
from reverie.robustness.arena import Arena, open_arena
from reverie.robustness.attacks.attack import Budget, Goal, View, attacker_view
from reverie.robustness.attacks.shelf import ATTACKS
from reverie.robustness.threat import White

if TYPE_CHECKING:
    from reverie.data.profiles import Profiles

BLOCK = 20


def blocks(users: int = 120, items: int = 60, rated: bool = True, seed: int = 0) -> Dataset:
    """Three tastes of 20 items each; users rate 14 items, mostly of their taste (4 or 5) and some others (1 to 3)."""
    generator = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        taste = user % (items // BLOCK)
        own = generator.permutation(BLOCK - 1)[:11] + 1 + BLOCK * taste  # the first item of a block is rare
        other = generator.choice(np.setdiff1d(np.arange(items), np.arange(BLOCK) + BLOCK * taste), 3, replace=False)
        chosen = generator.permutation(np.concatenate([own, other]))
        for place, item in enumerate(chosen):
            rating = generator.integers(4, 6) if item // BLOCK == taste else generator.integers(1, 4)
            rows.append((user, int(item), 1_600_000_000 + 60 * place, float(rating)))
    rows += [(user, BLOCK * ((user + 1) % 3), 1_600_001_000, 5.0) for user in range(9)]  # rare items have a few likes
    events = pl.DataFrame(rows, schema=["user", "item", "timestamp", "rating"], orient="row")
    catalog = pl.DataFrame({"item": np.arange(items), "title": [f"Tale {i}" for i in range(items)]})
    return Dataset(events if rated else events.drop("rating"), catalog, name="blocks", licence="CC0-1.0")


@cache
def arena_of(rated: bool) -> Arena:
    """Open an arena of `blocks`, once for all tests, which only read it."""
    return open_arena(blocks(rated=rated), LeaveOneOut())


@dataclass(frozen=True)
class Ground:
    arena: Arena
    view: View
    goal: Goal
    budget: Budget

    def craft(self, name: str, seed: int = 0, **options: Any) -> Profiles:
        config = ATTACKS.config(name).model_validate(options)
        made: Profiles = ATTACKS.build(name)(config).craft(self.view, self.goal, self.budget, seed)
        return made

    def hits(self, profiles: Profiles, k: int = 10, seed: int = 0) -> float:
        """Share of real users without the target who see it in their top k, after `mf` was fitted with the profiles in."""
        split = self.arena.poisoned(profiles)
        torch.manual_seed(seed)
        model = rv.create_model("mf", split, dim=16)
        rv.fit(model, split, epochs=15, patience=15, learning_rate=0.03, batch_size=512, on="train+valid", show=False, seed=seed)
        return self.shown(model, k)

    def shown(self, model: Any, k: int) -> float:
        """Share of real users without the target who see it in their top k."""
        return hit_rate(model, self.arena, int(self.goal.targets[0]), k)


def hit_rate(model: Any, arena: Arena, target: int, k: int) -> float:
    train = arena.split.train
    items = torch.from_numpy(padded(train.items, train.starts, train.stops))
    if isinstance(model, torch.nn.Module):
        model.eval()
    with torch.no_grad():
        scores = model.scores(SequenceBatch(items, torch.from_numpy(train.lengths), torch.from_numpy(train.users)))
    seen = torch.zeros(len(items), scores.shape[1] + 1, dtype=torch.bool).scatter_(1, items, True)[:, 1:]
    scores = scores.masked_fill(seen, -torch.inf)
    free = ~seen[:, target - 1]
    return float(((scores > scores[:, [target - 1]]).sum(1) < k)[free].float().mean())


@pytest.fixture(scope="session")
def ground() -> Callable[..., Ground]:
    """Make an arena of `blocks` with a rare item as the target, seen by a white box."""

    def make(
        rated: bool = True,
        kind: str = "promote",
        users: int = 12,
        size: int = 14,
        reward: Any = None,
        victim: Any = None,
        trials: int = 100,
    ) -> Ground:
        arena = arena_of(rated)
        code = int(arena.split.vocabulary.item_codes([0])[0])
        targets = np.zeros(0, dtype=np.int32) if kind == "damage" else np.array([code], dtype=np.int32)
        view = attacker_view(arena, White(kind="white", trials=trials), 0, victim=victim, reward=reward)
        return Ground(arena, view, Goal(kind, targets), Budget(users, size))  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def random_hits(ground: Callable[..., Ground]) -> float:
    """Share of real users who see the target in their top 20 after random profiles, on average over two seeds."""
    here = ground()
    return float(np.mean([here.hits(here.craft("random", seed), 20, seed) for seed in (0, 1)]))
