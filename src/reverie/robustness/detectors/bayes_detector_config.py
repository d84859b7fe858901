"""Options of detection in an embedding ranked by labels."""

from __future__ import annotations

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from reverie.options import Options


class BayesDetectorConfig(Options):
    """Options of `reverie.robustness.detectors.bayes_detector`."""

    dim: PositiveInt = 10
    """Width of the vectors."""
    steps: PositiveInt = 500
    """Steps of Adam."""
    batch: PositiveInt = 4096
    """Pairs of users, and co-occurrences, of a step."""
    learning_rate: PositiveFloat = 0.02
    """Of Adam."""
    ridge: NonNegativeFloat = 1e-3
    """Weight of the mean squared length of the vectors in a batch."""
    shift: PositiveFloat = 1.0
    """k of the shifted positive pointwise mutual information."""
    depth: PositiveInt = 6
    """Questions on the way to a leaf of the tree, at most."""
    leaf: PositiveInt = 1
    """Labelled users in a leaf, at least."""
