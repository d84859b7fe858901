"""Options of detection of dense blocks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from reverie.options import Options


class FraudarConfig(Options):
    """Options of `reverie.robustness.detectors.fraudar`."""

    offset: Annotated[float, Field(gt=1)] = 5.0
    """c in the weight 1 / log(degree + c) of a rating of an item; more than 1, so that the logarithm is positive."""
    batch: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of the remaining nodes removed at a time, the lightest ones; at 0 those of least weight alone, as published."""
