"""Options of VBPR."""

from typing import Literal

from pydantic import Field, PositiveFloat, PositiveInt

from reverie.models.mf.config import MFConfig
from reverie.objectives.config import BPR, NegativesConfig, ObjectiveConfig

OCCURRING = NegativesConfig(n=1, source="popularity", power=0.0)
"""One negative, every item alike that occurs in training: others are not known to be disliked."""


class VBPRConfig(MFConfig):
    """Options of `vbpr`, beside those of `mf`; weight decay is its option `decay`, not one of training."""

    content_dim: PositiveInt = 64
    """Width D of projected content, and of what a user has to meet it."""
    modalities: tuple[str, ...] = ()
    """Which features are read, by the name of the modality; none named are all there are."""
    fusion: Literal["sum", "concat"] = "sum"
    """Several modalities: one user vector meets the sum of their projections, which is one projection of the features laid side by
    side, or the vector has a part of width D for each."""
    standardise: bool = True
    """Whether features are centred and scaled first. Raw ones, as published, give the same family of models, found more slowly."""
    content_rate: PositiveFloat = 1.0
    """Factor of the learning rate for the projection and the visual bias (0.1 in the benchmark of MicroLens; on
    validation of mm-tiktok recall@20 was .055 at 0.1 and .047 at 1)."""
    decay: float = Field(default=10.0, ge=0)
    """Weight λ of half the squared length of the vectors of a pair and of a drawn item; biases, E and β' are free. On validation of
    mm-tiktok recall@20 was .025 at 0.1, .034 at 2, .047 at 10 and .057 at 40."""
    objective: ObjectiveConfig = BPR(negatives=OCCURRING)
    """Training loss."""
    adversarial: None = Field(default=None)
    """Not to be had."""
