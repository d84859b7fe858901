"""Options of the decision transformer; readable without torch."""

from typing import Literal, Self

from pydantic import Field, FiniteFloat, PositiveInt, model_validator

from reverie.models.sequence_options import SequenceOptions
from reverie.options import Few


class DecisionTransformerConfig(SequenceOptions):
    """Options of `decision-transformer` (arXiv 2106.01345)."""

    blocks: Few = 2
    """Number of transformer blocks."""
    heads: Few = 1
    """Number of attention heads; divides `dim`."""
    multiple: PositiveInt = 4
    """Hidden width of the feed-forward part, as a multiple of `dim` (4 as published)."""
    gamma: float = Field(default=1.0, gt=0, le=1)
    """Discount γ of the return-to-go; 1, undiscounted, as published."""
    enters: Literal["token", "added"] = "token"
    """How the return-to-go enters: as a token of its own between the state and its action, as published, or added to the item's
    vector, which makes rows half as long."""
    quantile: float = Field(default=0.9, ge=0, le=1)
    """Quantile of the returns-to-go of the training states that is asked for when recommending."""
    target_return: FiniteFloat | None = None
    """Return that is asked for instead, in units of reward."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim} is not a multiple of heads={self.heads}")
        return self
