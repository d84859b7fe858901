"""Options of SASRec."""

from typing import Literal, Self

from pydantic import PositiveInt, model_validator

from reverie.models.sequence_options import PositionOptions
from reverie.options import Few


class SASRecConfig(PositionOptions):
    """Options of `sasrec`; the defaults follow the sampled-softmax settings of eSASRec (RecSys'25) for the Amazon sets."""

    blocks: Few = 1
    """Number of transformer blocks."""
    heads: Few = 1
    """Number of attention heads; divides `dim`."""
    block: Literal["standard", "ligr"] = "standard"
    """Pre-norm GELU block, or gated LiGR block with SwiGLU (arXiv 2502.03417)."""
    multiple: PositiveInt = 1
    """Hidden width of the feed-forward part, as a multiple of `dim`: 1 as published (arXiv 1808.09781); 4 took half as long again
    and ranked no better on MovieLens-100K and Beauty."""
    cosine: bool = False
    """Whether scores are cosines, as contrastive objectives expect; then the objective's temperature should be about 0.1."""
    positions: Literal["learned", "rope"] = "learned"
    """Absolute learned positions, or rotary positions (arXiv 2104.09864)."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim} is not a multiple of heads={self.heads}")
        if self.positions == "rope" and (self.dim // self.heads) % 2:
            raise ValueError(f"rope needs an even width per head, not {self.dim // self.heads}")
        return self
