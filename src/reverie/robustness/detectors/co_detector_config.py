"""Options of detection in a joint embedding of ratings and co-occurrence."""

from __future__ import annotations

from pydantic import PositiveFloat, PositiveInt

from reverie.options import Options


class CoDetectorConfig(Options):
    """Options of `reverie.robustness.detectors.co_detector`."""

    dim: PositiveInt = 10
    """Width of the vectors."""
    sweeps: PositiveInt = 10
    """Rounds of alternating least squares."""
    ridge: PositiveFloat = 0.1
    """Regularisation of every vector and bias, per rating or co-occurrence it takes part in."""
    shift: PositiveFloat = 1.0
    """k of the shifted positive pointwise mutual information."""
    depth: PositiveInt = 6
    """Questions on the way to a leaf of the tree, at most."""
    leaf: PositiveInt = 1
    """Labelled users in a leaf, at least."""
