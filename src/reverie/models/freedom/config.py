"""Options of FREEDOM."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveFloat

from reverie.models.lightgcn.config import LightGCNConfig
from reverie.models.vbpr.config import OCCURRING
from reverie.objectives.config import BPR
from reverie.options import Few


class FreedomConfig(LightGCNConfig):
    """Options of `freedom`, beside those of `lightgcn`; numbers are those of the paper unless it is said otherwise."""

    training_defaults: ClassVar[dict[str, float]] = {"learning_rate": 1e-3, "batch_size": 2048}

    layers: Few = 2
    """Layers over the graph of users and items."""
    item_layers: Few = 1
    """Layers over the graph of similar items, of which the last one counts."""
    neighbours: Few = 10
    """Most similar items of each item and modality, itself included (k)."""
    modalities: dict[str, PositiveFloat] = Field(default_factory=dict)
    """Weight in the item graph of each modality that is read. None named are all there are: 0.1 for `image` beside 0.9 for `text`
    as published, or else all alike."""
    prune: float = Field(default=0.8, ge=0, lt=1)
    """Share of the edges of users and items that an epoch leaves out (ρ, 0.8 or 0.9 as published)."""
    content_weight: float = Field(default=1e-3, ge=0)
    """Weight of the loss of each modality (λ, chosen of 0 to 1e-3 as published)."""
    objective: BPR = BPR(negatives=OCCURRING)
    """Training loss; the losses of the modalities have the same negatives."""
    decay: float = Field(default=0.0, ge=0)
    """As in `lightgcn`; there is none as published."""
    cosine: Literal[False] = False
    """Not to be had."""
    adversarial: None = None
    """Not to be had."""
