"""Options of detection of unlikely, or too likely, sequences."""

from __future__ import annotations

from typing import Literal

from pydantic import PositiveFloat

from reverie.options import Options


class SequenceLikelihoodConfig(Options):
    """Options of `reverie.robustness.detectors.sequence_likelihood`."""

    backing: PositiveFloat = 10.0
    """How many transitions the popularity of items counts as, behind each item."""
    tails: Literal["both", "low", "high"] = "both"
    """Whether sequences are suspicious that are unlikely (low), too likely (high), or far from the middle (both)."""
