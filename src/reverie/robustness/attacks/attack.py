"""What an attack is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from reverie.data.profiles import Profiles
    from reverie.robustness.threat import Need
    from reverie.robustness.view import Budget, Goal, View


class Attack(Protocol):
    """Makes up profiles; what it needs to see is declared, and refused by `refuse_what_is_not_seen` where it may not."""

    needs: ClassVar[frozenset[Need]]
    """What it must see."""
    goals: ClassVar[frozenset[str]]
    """Which kinds of goal it can pursue."""

    def craft(self, view: View, goal: Goal, budget: Budget, seed: int) -> Profiles:
        """Return ``budget.users`` profiles of at most ``budget.size`` ratings each, on the scale of the data.

        Deterministic in its arguments. A profile never holds an item twice.
        """
        ...
