"""Options of propagation of fraud over the graph of ratings."""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveInt

from reverie.options import Options


class FAPConfig(Options):
    """Options of `reverie.robustness.detectors.fap`."""

    iterations: PositiveInt = 10
    """Rounds of propagation, at most; without real users held at 0 many rounds make all users equally suspicious."""
    tolerance: NonNegativeFloat = 1e-4
    """Stop when no probability moves further than this."""
    hold_genuine: bool = False
    """Whether users known to be real are held at 0 in every round, which the paper does not do."""
