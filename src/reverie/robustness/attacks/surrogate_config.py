"""Options of the surrogate that gradient attacks are computed on."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from reverie.options import Options


class SurrogateConfig(Options):
    """Weighted matrix factorisation, fitted by alternating least squares (Hu, Koren and Volinsky, ICDM 2008)."""

    dim: PositiveInt = 16
    """Width of user and item vectors."""
    background: PositiveFloat = 0.1
    """Weight of every cell of the matrix at the value 0, against 1 for a like at the value 1."""
    ridge: PositiveFloat = 0.01
    """Regularisation of a vector, per unit of weight in its row or column."""
    sweeps: PositiveInt = 10
    """Sweeps of the fit without fake users; one sweep solves all users, then all items."""
    retrained: PositiveInt = 3
    """Sweeps after fake users were added, starting from the clean fit."""


class AimConfig(Options):
    """What a gradient attack minimises on the surrogate's scores."""

    promote: Literal["rank", "hit"] = "rank"
    """How a promotion is measured: by the softmax over what stands above the target, which moves all users, or by a smooth count
    of users who see it in their top 10, which moves those who nearly do."""
    temperature: PositiveFloat = 0.1
    """Scores are divided by this before the softmax; a like should score 1."""
    audience: PositiveInt = 2048
    """Users drawn for the loss at each step, at most."""


Share = Annotated[float, Field(gt=0, le=1)]
