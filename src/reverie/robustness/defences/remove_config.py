"""Options of the defences that remove users."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reverie.options import Options


class RemoveConfig(Options):
    """Options of `remove`."""

    detector: str = "pca"
    """Registered name of the detector."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Its options."""
    share: float = Field(default=0.05, gt=0, lt=1)
    """Assumed share of fake users among those with training events; so many are removed, right or wrong."""


class OracleConfig(Options):
    """Nothing to choose."""


class RandomRemovalConfig(Options):
    """Nothing to choose."""
