"""The interface of attacks: what an attacker sees, wants and may spend, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from reverie.data.profiles import Profiles
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.errors import ConfigError
from reverie.evaluation.recommendations import find_items
from reverie.options import Config, Configured
from reverie.protocols import Recommender
from reverie.robustness.arena import Arena, Ratings
from reverie.robustness.threat import AVAILABLE, NEEDS, BudgetConfig, GoalConfig, Knowledge, Need
from reverie.seeds import numpy_generator

Reward = Callable[[Profiles], float]
"""What a trial of profiles is worth."""


@dataclass(frozen=True)
class Goal:
    """What the attacker wants, in codes; targets [K]."""

    kind: Literal["promote", "demote", "damage"]
    targets: NDArray[np.int32]

    def target_of_each(self, n: int) -> NDArray[np.int32]:
        """Divide fake users evenly among the targets → [n]."""
        return self.targets[np.arange(n) % len(self.targets)] if len(self.targets) else np.zeros(n, dtype=np.int32)


@dataclass(frozen=True)
class Budget:
    """What the attacker may spend, in numbers."""

    users: int
    size: int


@dataclass(frozen=True)
class View:
    """What the attacker sees. What knowledge does not give is None; popularity [N]."""

    knowledge: str
    ratings: Ratings | None
    sequences: Sequences | None
    popularity: NDArray[np.int64]
    mean_rating: float
    deviation: float
    arena: Arena
    victim: Recommender | None = None
    reward: Reward | None = None
    trials: int = 0

    @property
    def n_items(self) -> int:
        """Size of the catalogue N."""
        return len(self.popularity)


def check_knowledge(attack: str, needs: frozenset[Need], knowledge: str, key: str = "knowledge.kind") -> None:
    """Raise where an attack needs what the attacker does not know; `key` is where a recipe sets the kind of knowledge."""
    missing = sorted(needs - AVAILABLE[knowledge])
    if missing:
        enough = [kind for kind, sight in AVAILABLE.items() if needs <= sight]
        raise ConfigError(
            f"attack '{attack}' needs {' and '.join(NEEDS[need] for need in missing)}, which a {knowledge}-box attacker does not "
            f"have; set {key} to {' or '.join(enough)}"
        )


def resolve_budget(config: BudgetConfig, ratings: Ratings, targets: int) -> Budget:
    """Turn a budget into numbers."""
    real = int((ratings.lengths > 0).sum())
    users = config.fakes if isinstance(config.fakes, int) else max(1, round(config.fakes * real))
    size = config.size or max(2, round(float(ratings.lengths[ratings.lengths > 0].mean())))
    if users > real:
        raise ConfigError(f"budgets: {config.fakes:g} is {users} fake users, but there are {real} real ones; ask for fewer")
    if users < targets:
        raise ConfigError(f"budgets: {config.fakes:g} is {users} fake users for {targets} targets; give at least one each")
    if size > ratings.n_items:
        raise ConfigError(f"size is {size}, but there are {ratings.n_items} items; make it smaller")
    return Budget(users, size)


def resolve_goal(config: GoalConfig, arena: Arena, seed: int) -> Goal:
    """Find the targets, or draw them."""
    if config.kind == "damage":
        return Goal("damage", np.zeros(0, dtype=np.int32))
    if config.targets:
        found = dict.fromkeys(find_items(list(config.targets), arena.split.vocabulary))  # an id and its title are one target
        return Goal(config.kind, np.asarray(list(found), dtype=np.int32))
    groups = popularity_groups(arena)
    drawn: list[NDArray[np.int32]] = []
    for group in dict.fromkeys(config.draw.groups):
        members = groups[group]
        if len(members) < config.draw.each:
            raise ConfigError(
                f"goal.draw.each asks for {config.draw.each} '{group}' items, but there are {len(members)}; ask for fewer"
            )
        drawn.append(numpy_generator(seed, "targets", group).choice(members, config.draw.each, replace=False))
    return Goal(config.kind, np.concatenate(drawn).astype(np.int32))


def popularity_groups(arena: Arena) -> dict[str, NDArray[np.int32]]:
    """Group the items that occur in training by their number of likes."""
    counts = arena.split.train.item_counts()[1:]
    codes = np.arange(1, len(counts) + 1, dtype=np.int32)
    rest = codes[counts > 5]
    ordered = rest[np.argsort(counts[rest - 1], kind="stable")]
    half, tenth = len(ordered) // 2, len(ordered) - max(1, len(ordered) // 10)
    return {"cold": codes[counts <= 5], "tail": ordered[:half], "middle": ordered[half:tenth], "head": ordered[tenth:]}


def attacker_view(
    arena: Arena, knowledge: Knowledge, seed: int, victim: Recommender | None = None, reward: Reward | None = None
) -> View:
    """Return what an attacker sees of an arena."""
    sight, ratings = AVAILABLE[knowledge.kind], arena.ratings
    seen = np.flatnonzero(ratings.lengths > 0)
    if knowledge.kind == "grey":
        n = max(1, round(knowledge.share * len(seen)))
        seen = np.sort(numpy_generator(seed, "seen").choice(seen, n, replace=False))
    trials = 0 if knowledge.kind == "grey" else knowledge.trials
    mean, deviation = ratings.moments()
    return View(
        knowledge=knowledge.kind, ratings=ratings.rows(seen) if "ratings" in sight else None,
        sequences=_rows_of(arena, seen) if "order" in sight else None, popularity=ratings.item_counts, mean_rating=mean,
        deviation=deviation, arena=arena, victim=victim if "victim" in sight else None,
        reward=_count_trials(reward, trials) if "reward" in sight and reward is not None else None, trials=trials,
    )  # fmt: skip


def _count_trials(reward: Reward, trials: int) -> Reward:
    used = count(1)

    def counted(profiles: Profiles) -> float:
        if next(used) > trials:
            raise ConfigError(f"the attack asks for more than {trials} trials; raise knowledge.trials")
        return reward(profiles)

    return counted


def _rows_of(arena: Arena, users: NDArray[np.int64]) -> Sequences:
    train = arena.split.train
    row = np.full(train.vocabulary.n_users, -1, dtype=np.int64)
    row[train.users] = np.arange(len(train))
    at = row[users]
    some = at >= 0
    starts, stops = np.zeros((2, len(users)), dtype=np.int64)
    starts[some], stops[some] = train.starts[at[some]], train.stops[at[some]]
    return replace(train, starts=starts, stops=stops, users=users)


class Attack(Protocol):
    """Makes up profiles; what it needs to see is declared, and refused by `check_knowledge` where it may not."""

    needs: ClassVar[frozenset[Need]]
    """What it must see."""
    goals: ClassVar[frozenset[str]]
    """Which kinds of goal it can pursue."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return ``budget.users`` profiles of at most ``budget.size`` ratings each, on the scale of the data.

        Deterministic in its arguments. A profile never holds an item twice.
        """
        ...


@runtime_checkable
class Pollutes(Protocol):
    """An attack at question time: it adds events to the histories of real users, and nothing is fitted again."""

    needs: ClassVar[frozenset[Need]]
    """What it must see."""
    goals: ClassVar[frozenset[str]]
    """Which kinds of goal it can pursue."""

    def pollute(self, view: View, goal: Goal, asked: Queries, seed: int) -> NDArray[np.int32]:
        """Return the events to append to each history, shape [Q, K], 0 for none; never a target of the goal.

        Each query of `asked` has one target, which is the one to move.
        """
        ...


class BaseAttack(Configured[Config]):
    """What our attacks share: their options, and that they need nothing and pursue every goal where they do not say so."""

    needs: ClassVar[frozenset[Need]] = frozenset()
    goals: ClassVar[frozenset[str]] = frozenset({"promote", "demote", "damage"})
