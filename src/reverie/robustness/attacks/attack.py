"""The interfaces of attacks: injection of fake profiles, and pollution of histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.data.profiles import Profiles
    from reverie.data.queries import Queries
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


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
