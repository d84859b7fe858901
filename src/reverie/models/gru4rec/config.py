"""Options of GRU4Rec."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from reverie.objectives.config import NegativesConfig, ObjectiveConfig, SampledSoftmax
from reverie.options import Options


class GRU4RecConfig(Options):
    """Options of `gru4rec`; the objective is that of `sasrec`, so that the two differ in the encoder only."""

    dim: PositiveInt = 64
    """Width of item vectors and states."""
    hidden: PositiveInt = 128
    """Width of the recurrent state."""
    layers: PositiveInt = 1
    """Number of recurrent layers."""
    history: PositiveInt = 50
    """How many of the most recent events are read."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout of inputs, between layers and of the recurrent output."""
    objective: ObjectiveConfig = SampledSoftmax(negatives=NegativesConfig(source="uniform", n=256, shared=False))
    """Training loss."""
