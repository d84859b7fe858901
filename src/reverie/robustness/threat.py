"""Threat models: what the attacker knows, the budget of fake users, and the goal."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from reverie.options import Options

Need = Literal["ratings", "order", "victim", "reward", "popularity"]
"""What an attack may need: ratings of some users; events of some users in their order; the victim's weights or scores; an answer
to how often the targets are shown after a trial; how often each item was rated."""
NEEDS: dict[Need, str] = {
    "ratings": "the ratings of some users",
    "order": "the events of some users in their order",
    "victim": "the trained victim itself",
    "reward": "to be told how often the targets are shown",
    "popularity": "how often each item was rated",
}


class White(Options):
    """The attacker sees everything: all ratings, their order, the trained victim, and what a trial does."""

    kind: Literal["white"]
    trials: NonNegativeInt = 100
    """How many trials the attacker may make on a victim of their own."""


class Grey(Options):
    """The attacker sees the ratings of a share of the users, drawn at random, and the popularity of items."""

    kind: Literal["grey"]
    share: Annotated[float, Field(gt=0, le=1)] = 0.2
    """Share of users."""


class Black(Options):
    """The attacker sees no user; only the popularity of items and, after a trial, how often the targets are shown."""

    kind: Literal["black"]
    trials: NonNegativeInt = 100
    """How many trials."""


Knowledge = Annotated[White | Grey | Black, Field(discriminator="kind")]

AVAILABLE: dict[str, frozenset[Need]] = {
    "white": frozenset({"ratings", "order", "victim", "reward", "popularity"}),
    "grey": frozenset({"ratings", "order", "popularity"}),
    "black": frozenset({"reward", "popularity"}),
}
"""What each kind of knowledge offers."""


Fakes = Annotated[float, Field(gt=0, lt=1)] | PositiveInt


class BudgetConfig(Options):
    """What the attacker may spend."""

    fakes: Fakes = 0.01
    """Fake users: a share of the real ones (at least one), or a number."""
    size: PositiveInt | None = None
    """Ratings of one fake user, the target's included; None is the mean of the real users, at least 2."""


class Strata(Options):
    """Targets drawn by the seed from items grouped by training popularity, an equal number of each group."""

    each: PositiveInt = 1
    """Targets of each group."""
    groups: tuple[Literal["cold", "tail", "middle", "head"], ...] = ("tail",)
    """Cold: at most 5 likes. Of the others by popularity: tail the lower half, head the upper tenth, middle between."""


class GoalConfig(Options):
    """What the attacker wants."""

    kind: Literal["promote", "demote", "damage"] = "promote"
    """Show the targets to more users, or to fewer, or make recommendation worse for all (untargeted; no targets)."""
    targets: tuple[str | int, ...] = ()
    """External ids or titles of target items; empty draws them."""
    draw: Strata = Strata()
    """How targets are drawn."""

    @model_validator(mode="after")
    def _untargeted_has_none(self) -> GoalConfig:
        if self.kind == "damage" and self.targets:
            raise ValueError("untargeted damage has no targets; leave them out, or promote or demote them")
        return self
