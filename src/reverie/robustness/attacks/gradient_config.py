"""Options of the gradient attacks."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from reverie.options import Options
from reverie.robustness.attacks.surrogate_config import AimConfig, SurrogateConfig


class PgaConfig(Options):
    """Options of projected gradient ascent."""

    steps: PositiveInt = 30
    """Gradient steps."""
    rate: PositiveFloat = 0.3
    """Step, in units of the largest entry of a fake user's gradient."""
    surrogate: SurrogateConfig = SurrogateConfig()
    """What the gradient is computed on."""
    aim: AimConfig = AimConfig()
    """What is minimised."""


class RevadvConfig(PgaConfig):
    """Options of RevAdv."""

    unrolled: PositiveInt | None = None
    """How many of the last sweeps of the surrogate's fit the gradient passes through; None for all of them."""
