"""Options of the AIA attack."""

from __future__ import annotations

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from reverie.options import Options
from reverie.robustness.attacks.surrogate_config import AimConfig, SurrogateConfig


class AiaConfig(Options):
    """Options of AIA."""

    steps: NonNegativeInt = 40
    """Adam steps; 0 leaves the ratings of the templates as they are, the attack without learning."""
    rate: PositiveFloat = 0.2
    """Learning rate of Adam, in steps of the scale of ratings."""
    unrolled: PositiveInt = 1
    """How many of the last sweeps of the surrogate's fit the gradient passes through."""
    surrogate: SurrogateConfig = SurrogateConfig()
    """What the gradient is computed on."""
    aim: AimConfig = AimConfig()
    """What is minimised."""
