"""Options of two towers."""

from typing import ClassVar, Literal

from pydantic import Field, PositiveInt

from reverie.models.item_encoders.config import ItemEncoderConfig, default_encoder
from reverie.objectives.config import NegativesConfig, ObjectiveConfig, SampledSoftmax
from reverie.options import Options


class DSSMConfig(Options):
    """Options of `dssm`; weight decay is an option of training (`training.weight_decay`)."""

    training_defaults: ClassVar[dict[str, float]] = {"learning_rate": 1e-3, "batch_size": 1024}

    dim: PositiveInt = 64
    """Width of what the towers take and give."""
    hidden: tuple[PositiveInt, ...] = (64,)
    """Widths of the hidden layers of each tower; none is one linear map."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Share of the hidden units left out in training."""
    user: Literal["id", "history", "both"] = "id"
    """What the tower of users takes: a trained vector, the mean of what the items of the history are encoded by, or both added."""
    history: PositiveInt = 50
    """How many of the most recent events are read."""
    item_encoder: ItemEncoderConfig = default_encoder()
    """What the tower of items takes: a trained vector, or content."""
    cosine: bool = False
    """Whether scores are cosines of what the towers give; the objective needs a temperature then."""
    objective: ObjectiveConfig = SampledSoftmax(negatives=NegativesConfig(source="in_batch"), logq=True)
    """Training loss."""
