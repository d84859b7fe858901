"""Options of the attacks by rule of thumb."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class NullConfig(Options):
    """Nothing to choose."""


class TargetOnlyConfig(Options):
    """Nothing to choose."""


class RandomConfig(Options):
    """Nothing to choose."""


class AverageConfig(Options):
    """Nothing to choose."""


class BandwagonConfig(Options):
    """Options of the bandwagon attack."""

    selected: PositiveInt = 11
    """Number of popular items rated highest; at most the size of a profile less one."""


class ReverseBandwagonConfig(Options):
    """Options of the reverse bandwagon attack."""

    selected: PositiveInt = 11
    """Number of unpopular items rated lowest; at most the size of a profile less one."""


class LoveHateConfig(Options):
    """Nothing to choose."""


class SegmentConfig(Options):
    """Options of the segment attack."""

    selected: PositiveInt = 11
    """Number of items of the target's segment rated highest; at most the size of a profile less one."""
