"""Injected sessions: the latest events of real users followed by the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reverie.errors import DataError
from reverie.robustness.attacks.templates import append_targets
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.profiles import Profiles
    from reverie.data.sequences import Sequences
    from reverie.robustness.attacks.config import InjectedSessionsConfig
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


class InjectedSessions:
    """Each fake user repeats the latest events of a real one, and then comes the target."""

    needs: ClassVar[frozenset[Need]] = frozenset({"order"})
    goals: ClassVar[frozenset[str]] = frozenset({"promote"})

    def __init__(self, config: InjectedSessionsConfig) -> None:
        self.config = config

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return profiles; see `Attack`."""
        draw, sequences = numpy_generator(seed, "attack", "sessions"), seen_sequences(view)
        rows, kinds = np.zeros(budget.users, dtype=np.int64), len(goal.targets)
        for kind, target in enumerate(goal.targets.tolist()):
            free = rows_without(sequences, target)
            last = sequences.items[sequences.stops[free] - 1]
            ordered = free[np.lexsort((draw.random(len(free)), last))]
            n = len(rows[kind::kinds])
            at = (draw.random() + np.arange(n)) * len(ordered) / n
            rows[kind::kinds] = draw.permutation(ordered[at.astype(np.int64) % len(ordered)])
        return sessions(view, goal, rows, min(self.config.context or budget.size, budget.size - 1))


def seen_sequences(view: View) -> Sequences:
    """Return the likes that the attacker sees in their order."""
    if view.sequences is None:
        raise TypeError("the attack needs the order of events and must declare so")
    return view.sequences


def rows_without(sequences: Sequences, target: int) -> NDArray[np.int64]:
    """Return the rows that are not empty and do not hold an item; where there are none, those that are not empty."""
    filled = sequences.lengths > 0
    if not filled.any():
        raise DataError("the attacker sees no user with likes; raise knowledge.share")
    has = np.zeros(len(sequences), dtype=np.bool_)
    has[sequences.event_rows()[sequences.items[sequences.positions()] == target]] = True
    free = np.flatnonzero(filled & ~has)
    return free if len(free) else np.flatnonzero(filled)


def sessions(view: View, goal: Goal, rows: NDArray[np.int64], length: int) -> Profiles:
    """Put targets after the latest events of users; rows [F]."""
    taken, high = seen_sequences(view).take(rows), view.arena.ratings.scale.high
    owners, items = taken.event_rows(), taken.items[taken.positions()].astype(np.int64)
    stays = ~np.isin(items, goal.targets)
    owners, items = owners[stays][::-1], items[stays][::-1]
    _, first = np.unique(owners * (view.n_items + 1) + items, return_index=True)
    first = np.sort(first)
    owners, items = owners[first], items[first]  # the owners descend, and so does time within each
    counts = np.bincount(owners, minlength=len(rows))
    begin = np.cumsum(counts[::-1])[::-1] - counts
    age = np.arange(len(owners)) - begin[owners]
    owners, items = owners[age < length][::-1], items[age < length][::-1]
    return append_targets(view, goal, owners, items, np.full(len(items), high), len(rows))
