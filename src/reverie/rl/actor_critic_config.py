"""Options of SAC, SNQN and SA2C, with what is published and what is ours; readable without torch."""

from typing import Literal, Self

from pydantic import Field, FiniteFloat, NonNegativeFloat, PositiveFloat, model_validator

from reverie.options import Many
from reverie.rl.config import ValueOptions


class CoinOptions(ValueOptions):
    """What SAC, SNQN and SA2C share: two complete networks, of which a coin picks the trained one."""

    target: Literal["coin", "ema", "periodic"] = "coin"
    """Target network, see `ValueOptions`; `coin` as published."""
    q_weight: NonNegativeFloat = 1.0
    """Weight of the temporal-difference losses (1 as published)."""


class SACConfig(CoinOptions):
    """Options of `sac`, the actor-critic of arXiv 2006.05779."""

    warmup: NonNegativeFloat = 4.0
    """Passes over the training transitions before Q weights the cross-entropy. Published: 15,000 or 30,000 steps of 256 transitions
    in three of eight scripts (4 or 8 passes over their RetailRocket), none in the other five, of which three collapsed."""
    weigh_by: Literal["q", "advantage"] = "q"
    """What weights the cross-entropy: Q(s, a) as published, or its lead over the mean of it and of 10 drawn items (ours)."""
    least_weight: PositiveFloat = 0.1
    """Lower bound of the weight (ours; published is none, so that a negative Q turns the loss around)."""
    largest_weight: PositiveFloat = 10.0
    """Upper bound of the weight (ours, that of the advantage of SA2C; published is none)."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.least_weight > self.largest_weight:
            raise ValueError(f"least_weight={self.least_weight} is above largest_weight={self.largest_weight}")
        return self


class SNQNConfig(CoinOptions):
    """Options of `snqn` (arXiv 2111.03474)."""

    others: Many = 10
    """Items beside the logged one whose values are taught as well, drawn uniformly for each state (10 as published)."""
    reward_of_others: FiniteFloat = 0.0
    """Reward that they are taken to have had (0 as published)."""


class SA2CConfig(SNQNConfig):
    """Options of `sa2c` (arXiv 2111.03474)."""

    warmup: NonNegativeFloat = 4.0
    """Passes over the training transitions as `snqn`, before the advantage weights the cross-entropy. Published: 15,000 steps of
    256 transitions, which is 4 passes over their RetailRocket."""
    rate_after: PositiveFloat = 0.2
    """Learning rate after that, as a share of `training.learning_rate` (published: 0.001 after 0.005 on RetailRocket, 0.2, and
    after 0.01 on RC15, 0.1)."""
    largest_advantage: PositiveFloat = 10.0
    """Upper bound of the advantage, whose lower bound is 0 (10 as published)."""
    smooth: NonNegativeFloat = 0.0
    """Exponent of the propensity ratio π(a|s) / popularity that the loss is multiplied by; 0, no correction, as published."""
    ratio: tuple[PositiveFloat, PositiveFloat] = Field(default=(0.1, 10.0))
    """Bounds of that ratio (0.1 and 10 as published)."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ratio[0] > self.ratio[1]:
            raise ValueError(f"the lower bound of ratio, {self.ratio[0]}, is above the upper one, {self.ratio[1]}")
        return self
