"""Options of SASRec."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from reverie.objectives.config import NegativesConfig, ObjectiveConfig, SampledSoftmax
from reverie.options import Options


class SASRecConfig(Options):
    """Options of `sasrec`; the defaults follow the sampled-softmax settings of eSASRec (RecSys'25) for the Amazon sets."""

    dim: PositiveInt = 64
    """Width of item vectors and states."""
    blocks: PositiveInt = 1
    """Number of transformer blocks."""
    heads: PositiveInt = 1
    """Number of attention heads; divides `dim`."""
    history: PositiveInt = 50
    """How many of the most recent events are read."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    """Dropout of inputs, attention weights and branches."""
    block: Literal["standard", "ligr"] = "standard"
    """Pre-norm GELU block, or gated LiGR block with SwiGLU (arXiv 2502.03417)."""
    multiple: PositiveInt = 4
    """Hidden width of the feed-forward part, as a multiple of `dim`."""
    positions: Literal["learned", "rope"] = "learned"
    """Absolute learned positions, or rotary positions (arXiv 2104.09864)."""
    table: Literal["dense", "rowwise"] = "dense"
    """Update all item vectors each step, or only the rows that the batch touches (lazy Adam; for very large catalogues)."""
    objective: ObjectiveConfig = SampledSoftmax(negatives=NegativesConfig(source="uniform", n=256, shared=False))
    """Training loss."""

    @model_validator(mode="after")
    def _fits(self) -> SASRecConfig:
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim} is not a multiple of heads={self.heads}")
        if self.positions == "rope" and (self.dim // self.heads) % 2:
            raise ValueError(f"rope needs an even width per head, not {self.dim // self.heads}")
        if self.table == "rowwise" and self.objective.kind == "full_softmax":
            raise ValueError("table='rowwise' needs an objective with sampled negatives: a full softmax touches every row")
        return self
