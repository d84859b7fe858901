"""Options of semi-supervised naive Bayes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt

from reverie.options import Options


class SemiSADConfig(Options):
    """Options of `reverie.robustness.detectors.semi_sad`."""

    weight: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Weight of a user without a label against 1 of one with a label; 0 is plain naive Bayes."""
    iterations: PositiveInt = 20
    """Rounds of expectation and maximisation, at most."""
    neighbours: PositiveInt = 20
    """Similar users that the mean similarity is taken over."""
