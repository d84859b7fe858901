"""Options of the UBA attack."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from reverie.options import Options
from reverie.robustness.attacks.aush_config import AushConfig
from reverie.robustness.attacks.surrogate_config import SurrogateConfig


class UbaConfig(Options):
    """Options of UBA."""

    estimate: Literal["surrogate", "paths"] = "surrogate"
    """How the chance to win a user over by some copies is estimated: on a surrogate, or by counting paths of three hops."""
    generator: Literal["copy", "aush"] = "copy"
    """Who writes the fake users for a target user: their likes copied, or AUSH with them as template."""
    most: PositiveInt = 6
    """Most fake users for one target user."""
    candidates: PositiveInt = 1000
    """Target users drawn from those without the target, at most."""
    repeats: PositiveInt = 3
    """Estimates that are averaged."""
    temperature: PositiveFloat = 0.05
    """Distance of the target's score from the tenth highest, on the surrogate, that makes odds of e to 1."""
    surrogate: SurrogateConfig = SurrogateConfig()
    """What is estimated on."""
    aush: AushConfig = AushConfig()
    """Options of that generator."""
