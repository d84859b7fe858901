"""Options of a single number as suspicion."""

from __future__ import annotations

from typing import Literal

from reverie.options import Options


class OneNumberConfig(Options):
    """Options of `reverie.robustness.detectors.one_number`."""

    number: Literal["profile-length", "mean-rating", "item-popularity", "has-maximum", "random"] = "mean-rating"
    """Which number of a user; random is a draw from the seed, the lower bound of all detection."""
    lowest: bool = False
    """Whether low numbers are suspicious."""
