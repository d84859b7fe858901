"""Options of every detector of fake profiles."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from reverie.options import Options


class OneNumberConfig(Options):
    """Options of `reverie.robustness.detectors.baselines`."""

    number: Literal["profile-length", "mean-rating", "item-popularity", "has-maximum", "random"] = "mean-rating"
    """Which number of a user; random is a draw from the seed, the lower bound of all detection."""
    lowest: bool = False
    """Whether low numbers are suspicious."""


class PcaConfig(Options):
    """Options of `reverie.robustness.detectors.rating_graph`."""

    components: PositiveInt = 3
    """Number of leading components."""


class UserPcaConfig(PcaConfig):
    """Options of `reverie.robustness.detectors.rating_graph`."""


class SequenceLikelihoodConfig(Options):
    """Options of `reverie.robustness.detectors.baselines`."""

    backing: PositiveFloat = 10.0
    """How many transitions the popularity of items counts as, behind each item."""
    tails: Literal["both", "low", "high"] = "both"
    """Whether sequences are suspicious that are unlikely (low), too likely (high), or far from the middle (both)."""


class FraudarConfig(Options):
    """Options of `reverie.robustness.detectors.rating_graph`."""

    offset: Annotated[float, Field(gt=1)] = 5.0
    """c in the weight 1 / log(degree + c) of a rating of an item; more than 1, so that the logarithm is positive."""
    batch: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of the remaining nodes removed at a time, the lightest ones; at 0 those of least weight alone, as published."""


class GraphAutoencoderConfig(Options):
    """Options of `reverie.robustness.detectors.rating_graph`."""

    dim: PositiveInt = 16
    """Width of the code of a user; smaller on tiny data."""


class DegreeSadConfig(Options):
    """Options of `reverie.robustness.detectors.classifiers`."""

    depth: PositiveInt = 6
    """Questions on the way to a leaf of the tree, at most."""
    leaf: PositiveInt = 1
    """Labelled users in a leaf, at least."""


class CoDetectorConfig(Options):
    """Options of `reverie.robustness.detectors.user_vectors`."""

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


class BayesDetectorConfig(Options):
    """Options of `reverie.robustness.detectors.user_vectors`."""

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


class SemiSadConfig(Options):
    """Options of `reverie.robustness.detectors.classifiers`."""

    weight: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Weight of a user without a label against 1 of one with a label; 0 is plain naive Bayes."""
    iterations: PositiveInt = 20
    """Rounds of expectation and maximisation, at most."""
    neighbours: PositiveInt = 20
    """Similar users that the mean similarity is taken over."""


class FapConfig(Options):
    """Options of `reverie.robustness.detectors.rating_graph`."""

    iterations: PositiveInt = 10
    """Rounds of propagation, at most; without real users held at 0 many rounds make all users equally suspicious."""
    tolerance: NonNegativeFloat = 1e-4
    """Stop when no probability moves further than this."""
    hold_genuine: bool = False
    """Whether users known to be real are held at 0 in every round, which the paper does not do."""


class ProfileFeaturesConfig(Options):
    """Options of `reverie.robustness.detectors.classifiers`."""

    classifier: Literal["boosting", "logistic"] = "boosting"
    """Gradient-boosted trees, or a logistic regression."""
    trees: PositiveInt = 100
    """Boosted trees."""
    leaf: PositiveInt = 5
    """Labelled users in a leaf of a boosted tree, at least."""
    ridge: PositiveFloat = 1.0
    """Regularisation of the logistic regression, on standardised features."""
    neighbours: PositiveInt = 20
    """Similar users that the mean similarity is taken over."""
