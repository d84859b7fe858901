"""Options of LightGCN."""

from typing import ClassVar

from pydantic import Field, NonNegativeInt, PositiveInt

from reverie.objectives.config import BPR, AdversarialConfig, ObjectiveConfig, Perturbable
from reverie.options import Few


class LightGCNConfig(Perturbable):
    """Options of `lightgcn`; weight decay is its option `decay`, not one of training.

    A step costs one propagation whatever the batch, so batches are large and the learning rate with them: on validation of
    Gowalla (NDCG@20) 12 epochs of 8,192 pairs at 0.01 gave .076 in 83 s, 4 epochs of 2,048 at the published 0.001 gave .047 in
    104 s, and on Last.fm 120 epochs gave .141 and .118.
    """

    training_defaults: ClassVar[dict[str, float]] = {"learning_rate": 1e-2, "batch_size": 8192}

    dim: PositiveInt = 64
    """Width of user and item vectors."""
    layers: Few = 3
    """How often vectors are passed along edges; layers 0 to this one are averaged."""
    cosine: bool = False
    """Whether scores are cosines of user and item vectors, as contrastive objectives expect."""
    objective: ObjectiveConfig = BPR()
    """Training loss."""
    adversarial: AdversarialConfig | None = None
    """Training under perturbation of the vectors that the graph gives; needs inner products and drawn negatives."""
    decay: float = Field(default=1e-4, ge=0)
    """Weight of half the squared length of the trained vectors of a pair and a drawn item (1e-4 as published)."""
    edges: NonNegativeInt = 0
    """Edges of the graph, written down by training so that a stored model knows how much to read; what is given is not used."""
