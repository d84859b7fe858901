"""Options shared by sequential models with item embeddings, a network and an objective."""

from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator

from reverie.models.item_encoders.config import ItemEncoderConfig, default_encoder
from reverie.objectives.config import NegativesConfig, ObjectiveConfig, SampledSoftmax
from reverie.options import Options


class SequenceOptions(Options):
    """Options of a `reverie.models.learned.SequenceRecommender`, so that two models differ in their networks only."""

    dim: PositiveInt = 64
    """Width of item vectors and states."""
    history: PositiveInt = 50
    """How many of the most recent events are read."""
    dropout: float = Field(default=0.2, ge=0, le=0.999)
    """Dropout, where the network has it."""
    objective: ObjectiveConfig = SampledSoftmax(negatives=NegativesConfig(source="uniform", n=256, shared=False))
    """Training loss."""
    table: Literal["dense", "rowwise"] = "dense"
    """Update all item vectors each step, or only the rows that the batch touches (lazy Adam; for very large catalogues)."""
    item_encoder: ItemEncoderConfig = default_encoder()
    """Where item vectors come from: `id`, a trained one for each item, or content of items."""

    @model_validator(mode="after")
    def _rows_are_few(self) -> Self:
        inner = getattr(self.objective, "objective", self.objective)
        if self.table == "rowwise" and inner.kind == "full_softmax":
            raise ValueError("table='rowwise' needs an objective with sampled negatives: a full softmax touches every row")
        if self.table == "rowwise" and self.item_encoder.kind != "id":
            raise ValueError(f"table='rowwise' is of item_encoder id; '{self.item_encoder.kind}' has no row for each item")
        return self


class PositionOptions(SequenceOptions):
    """Options of a model that is trained at every position of a row."""

    ahead: float = Field(default=0.0, ge=0, le=1)
    """Share of positions that are taught a later event of their row instead of the next one, see `reverie.nn.states`."""
