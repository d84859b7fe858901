"""Options of the session world and of the behaviour that logs it. All of it is our design; no numbers come from a paper."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from reverie.options import Options

KINDS = ("view", "cart", "buy")
Bound = Annotated[int, Field(ge=2, le=10_000)]
"""Most items of a session; with one item nothing would come after it."""
LARGEST = 50_000_000
"""Of the numbers in a table of transitions."""


class BehaviourOptions(Options):
    """The policy that logs a world: in each state a mixture of four, with exact propensities.

    ``π_b(a | s) = myopic softmax_a(R(s, a) / temperature) + popular w(a) + related g(a, s) + (1 - myopic - popular - related) / N``
    with ``w(a)`` in proportion to ``1 / (10 + rank(a))``, the ranks a seeded order of the items from 1, and ``g`` uniform over the
    items of the group of s.
    """

    myopic: float = Field(default=0.3, ge=0, le=1)
    """Share that prefers what pays at once."""
    popular: float = Field(default=0.2, ge=0, le=1)
    """Share that shows what is popular."""
    related: float = Field(default=0.2, ge=0, le=1)
    """Share that shows more of the same group; the rest is uniform, so every item has support in every state."""
    temperature: float = Field(default=0.1, gt=0)
    """Of the myopic share, in units of reward."""

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.myopic + self.popular + self.related >= 1:
            raise ValueError("'myopic', 'popular' and 'related' must add up to less than 1, or some items are never shown")
        return self


class SessionWorldOptions(Options):
    """Options of the synthetic session world."""

    n_items: PositiveInt = Field(default=100, le=5000)
    pairs: PositiveInt = Field(default=3, le=50)
    """Premium groups of items, each with a bridge group that leads to it."""
    everyday: PositiveInt = Field(default=4, le=100)
    """Groups of ordinary items, among which the bait stands."""
    longest_row: PositiveInt = Field(default=4, le=20)
    """How many items of one group in a row are told apart; the number of states is the number of groups times this."""
    bait: float = Field(default=0.3, ge=0, le=1)
    """Share of everyday items that pay at once and drive people away."""
    gamma: float = Field(default=0.95, ge=0, lt=1)
    """Discount of all returns."""
    leave: float = Field(default=0.08, gt=0, lt=0.5)
    """Least probability that a session ends after an item."""
    bait_leave: float = Field(default=0.08, ge=0, lt=0.5)
    """What bait adds to it at least."""
    tired: float = Field(default=0.05, ge=0, lt=0.5)
    """What each further item of the same group in a row adds to it."""
    satiation: float = Field(default=0.75, gt=0, le=1)
    """Factor of interest for each further item of the same group in a row."""
    unprepared: float = Field(default=0.1, ge=0, le=1)
    """Factor of interest in a premium item that neither its bridge group nor its own group comes before."""
    rewards: dict[str, float] = Field(default={"view": 0.2, "cart": 0.5, "buy": 1.0})
    """Reward of each kind of event, in [0, 1]."""
    behaviour: BehaviourOptions = BehaviourOptions()
    seed: int = 0
    """Of the items' interest and hazard, and of the popularity."""

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return 2 * self.pairs + self.everyday

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.n_items < self.n_groups:
            raise ValueError(f"{self.n_items} items cannot fill {self.n_groups} groups; raise 'n_items'")
        if set(self.rewards) != set(KINDS) or not all(0 <= value <= 1 for value in self.rewards.values()):
            raise ValueError("'rewards' must give view, cart and buy one reward in [0, 1] each")
        if (self.n_groups * self.longest_row + 1) ** 2 * self.n_items > LARGEST:
            raise ValueError("the transitions of so many states and items do not fit into memory; lower 'n_items' or the groups")
        return self
