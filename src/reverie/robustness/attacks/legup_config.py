"""Options of the Leg-UP attack."""

from __future__ import annotations

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from reverie.options import Options
from reverie.robustness.attacks.surrogate_config import AimConfig, SurrogateConfig


class LegupConfig(Options):
    """Options of Leg-UP."""

    hidden: PositiveInt = 125
    """Width of the generator."""
    judge: tuple[PositiveInt, PositiveInt] = (512, 128)
    """Widths of the discriminator's layers."""
    pretraining: NonNegativeInt = 60
    """Steps that teach the generator real ratings, and then the discriminator, before they meet."""
    epochs: NonNegativeInt = 10
    """Rounds of discriminator, generator against it, and generator against the surrogate."""
    judge_steps: PositiveInt = 5
    """Steps of the discriminator in a round."""
    attack_steps: PositiveInt = 4
    """Steps of the generator against the surrogate in a round."""
    batch_size: PositiveInt = 64
    """Templates of one step of pre-training and discriminator."""
    generator_rate: PositiveFloat = 0.01
    """Learning rate of Adam for the generator."""
    judge_rate: PositiveFloat = 0.001
    """Learning rate of Adam for the discriminator."""
    unrolled: PositiveInt = 1
    """How many of the last sweeps of the surrogate's fit the gradient passes through."""
    surrogate: SurrogateConfig = SurrogateConfig()
    """What the attack is computed on."""
    aim: AimConfig = AimConfig()
    """What is minimised."""
