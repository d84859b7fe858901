"""Options of detection by the popularity of chosen items."""

from __future__ import annotations

from pydantic import PositiveInt

from reverie.options import Options


class DegreeSADConfig(Options):
    """Options of `reverie.robustness.detectors.degree_sad`."""

    depth: PositiveInt = 6
    """Questions on the way to a leaf of the tree, at most."""
    leaf: PositiveInt = 1
    """Labelled users in a leaf, at least."""
