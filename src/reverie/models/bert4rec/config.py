"""Options of BERT4Rec."""

from typing import ClassVar, Self

from pydantic import Field, PositiveInt, model_validator

from reverie.models.sequence_options import SequenceOptions
from reverie.objectives.config import FullSoftmax, ObjectiveConfig
from reverie.options import Few


class BERT4RecConfig(SequenceOptions):
    """Options of `bert4rec`. It learns slowly: trained as long as usual it falls behind what was published (arXiv 2207.07483)."""

    training_defaults: ClassVar[dict[str, float]] = {"epochs": 500, "patience": 50}

    blocks: Few = 2
    """Number of transformer blocks; 2 as published."""
    heads: Few = 2
    """Number of attention heads; divides `dim`; 2 as published."""
    multiple: PositiveInt = 4
    """Hidden width of the feed-forward part, as a multiple of `dim`; 4 as published."""
    masked: float = Field(default=0.2, gt=0, lt=1)
    """Share of the events of a row that are hidden and asked for, each drawn anew, at least one; 0.2 as published for MovieLens
    and in arXiv 2207.07483, 0.6 for Beauty, 0.4 for Steam."""
    last: float = Field(default=0.1, ge=0, le=1)
    """Share of the rows of a batch of which only the last event is hidden, as it is when the model is asked; published are one
    such copy of each row beside ten others."""
    objective: ObjectiveConfig = FullSoftmax()
    """Training loss, over the hidden events."""

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim} is not a multiple of heads={self.heads}")
        return self
