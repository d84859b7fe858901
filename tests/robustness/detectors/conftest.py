"""A small world with tastes and popularity, and attacks on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from reverie.data.dataset import Dataset
from reverie.data.splits.config import LeaveOneOut
from reverie.options import checked
from reverie.robustness.arena import Arena, open_arena
from reverie.robustness.attacks.attack import attacker_view, resolve_budget, resolve_goal
from reverie.robustness.attacks.shelf import ATTACKS
from reverie.robustness.detectors.detector import DetectorInput
from reverie.robustness.threat import BudgetConfig, GoalConfig, White

World = Callable[..., tuple[DetectorInput, NDArray[np.bool_]]]


@cache
def _arena() -> Arena:
    rng = np.random.default_rng(5)
    n_users, n_items, tastes = 260, 130, 4
    taste, kind = rng.integers(tastes, size=n_users), rng.integers(tastes, size=n_items)
    popularity = 1.0 / np.arange(1, n_items + 1) ** 0.7
    quality = rng.normal(3.4, 0.6, n_items)
    rows = []
    for u in range(n_users):
        weight = popularity * np.where(kind == taste[u], 8.0, 1.0)
        items = rng.choice(n_items, int(rng.integers(12, 30)), replace=False, p=weight / weight.sum())
        liked = quality[items] + np.where(kind[items] == taste[u], 0.9, -0.6) + rng.normal(0, 0.5, len(items))
        rows += [(u, int(i), float(np.clip(round(r), 1, 5)), t) for t, (i, r) in enumerate(zip(items, liked, strict=True))]
    events = pl.DataFrame(rows, schema=["user", "item", "rating", "timestamp"], orient="row")
    return open_arena(Dataset(events, name="tastes"), LeaveOneOut())


@cache
def _attacked(attack: str, size: int | None = None) -> tuple[DetectorInput, NDArray[np.bool_]]:
    arena = _arena()
    goal = resolve_goal(GoalConfig(), arena, 1)
    budget = resolve_budget(BudgetConfig(fakes=0.1, size=size), arena.ratings, len(goal.targets))
    config = checked(ATTACKS.config(attack), {}, f"attack '{attack}'")
    profiles = ATTACKS.build(attack)(config).craft(attacker_view(arena, White(kind="white"), 1), goal, budget, 1)
    split = arena.poisoned(profiles)
    return DetectorInput(arena.ratings.with_profiles(profiles), split.train), split.is_fake


@pytest.fixture
def attacked() -> World:
    """DetectorInput after an attack of the shelf, and the truth."""
    return _attacked
