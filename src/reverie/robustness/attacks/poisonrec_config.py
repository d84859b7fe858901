"""Options of the PoisonRec attack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from reverie.options import Options


class PoisonrecConfig(Options):
    """Options of PoisonRec."""

    dim: PositiveInt = 32
    """Width of the policy."""
    head: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of items, the most popular ones, in the first of the two branches at the root of the tree."""
    trials: PositiveInt = 40
    """Rewards asked for, at most what the threat model allows."""
    episodes: PositiveInt = 4
    """Trials between two updates of the policy."""
    passes: PositiveInt = 3
    """Gradient steps of one update."""
    clip: PositiveFloat = 0.2
    """How far the ratio of new to old probability may go from 1 before its gradient is cut."""
    rate: PositiveFloat = 0.01
    """Learning rate of Adam."""
