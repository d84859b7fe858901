"""Options of the AUSH attack."""

from __future__ import annotations

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from reverie.options import Options
from reverie.robustness.attacks.surrogate_config import Share


class AushConfig(Options):
    """Options of AUSH."""

    selected: PositiveInt = 11
    """Items rated by the generator; at most half of a profile."""
    pool: PositiveInt = 4
    """Where data have no ratings: the generator chooses the selected items among this many times as many."""
    hidden: PositiveInt = 128
    """Width of the generator."""
    judge: PositiveInt = 150
    """Width of the discriminator's two layers."""
    steps: NonNegativeInt = 200
    """Steps of generator and discriminator; 0 leaves the generator as it was drawn, the attack without learning."""
    batch_size: PositiveInt = 64
    """Templates of one step."""
    generator_rate: PositiveFloat = 0.01
    """Learning rate of Adam for the generator; that of the paper's code."""
    judge_rate: PositiveFloat = 0.001
    """Learning rate of Adam for the discriminator."""
    zeros: Share = 0.2
    """Share of unrated selected items that count as zeros in the reconstruction."""
