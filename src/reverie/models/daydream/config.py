"""Options of Daydream."""

from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from reverie.diffusion.config import DDIM, SamplerConfig, ScheduleName
from reverie.models.sequence_options import PositionOptions
from reverie.objectives.config import NegativesConfig, ObjectiveConfig, SampledSoftmax
from reverie.options import Few


class DaydreamConfig(PositionOptions):
    """Options of `daydream`. Every ingredient has a switch, so that each can be measured."""

    objective: ObjectiveConfig = SampledSoftmax(negatives=NegativesConfig(source="uniform", n=2048, shared=True))
    """The softmax of the anchor; by default many negatives that the whole batch shares."""
    blocks: Few = 1
    """Transformer blocks that read the history."""
    heads: Few = 1
    """Attention heads; divides `dim`."""
    multiple: PositiveInt = 1
    """Hidden width of the transformer's feed-forward part, as a multiple of `dim`."""
    every_position: bool = True
    """Whether each event is a target in one pass over its row; else each prefix is a row of its own, as in DreamRec."""
    temperature: PositiveFloat = 0.07
    """Divides cosines before the softmax; also the unit of scores."""
    noise: bool = True
    """Whether the denoiser sees noisy targets. Off is the control: the same network, the same losses, no diffusion."""
    denoiser: Literal["modulated", "mlp1", "mlp2"] = "modulated"
    """Blocks modulated by guidance and step (adaLN), or one of DreamRec's layers on their concatenation."""
    denoiser_blocks: Few = 1
    """Blocks of `modulated`."""
    schedule: ScheduleName = "cosine"
    """How noise grows along the chain; it always ends in pure noise (arXiv 2305.08891)."""
    steps: int = Field(default=32, ge=2, le=10_000)
    """Length T of the chain."""
    pure: float = Field(default=0.9, ge=0, le=1)
    """Share of positions trained from pure noise, where generation starts; the others get a step drawn evenly. With .5 training
    on Beauty took half as many epochs again and ended lower on validation."""
    anchor: float = Field(default=1.0, ge=0)
    """Weight of the softmax over items around the prediction (`objective`), the term that holds item vectors apart."""
    consistency: float = Field(default=0.5, ge=0)
    """Weight of the consistency term: a prediction should agree with the one from a step nearer to the clean vector."""
    cosine: float = Field(default=0.0, ge=0)
    """Weight of 1 - cosine between prediction and target, without negatives."""
    p_uncond: float = Field(default=0.1, ge=0, lt=1)
    """Share of positions whose guidance is replaced by the null vector."""
    guidance: float = Field(default=0.0, ge=0)
    """Strength w of classifier-free guidance when generating."""
    average: float = Field(default=0.998, ge=0, lt=1)
    """Decay of the moving average of weights that is used outside training; 0 uses the weights themselves."""
    sampler: SamplerConfig = DDIM(steps=1, draws=8)
    """How vectors are generated to rank by; `draws` of them are averaged."""
    noise_seed: NonNegativeInt = 0
    """Seed of the noise that samplers use."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.anchor and not self.cosine:
            raise ValueError("anchor=0 leaves nothing that knows the target; give cosine a weight")
        if self.ahead and not self.every_position:
            raise ValueError(f"ahead={self.ahead:g} moves targets of positions; it needs every_position=True")
        if self.dim % self.heads:
            raise ValueError(f"dim={self.dim} is not a multiple of heads={self.heads}")
        if self.dim % 2 or self.dim < 4:
            raise ValueError(f"dim={self.dim} must be even and at least 4")
        if self.table == "rowwise":
            raise ValueError("daydream scores by cosine, which touches every row: table must be 'dense'")
        if self.sampler.kind == "exact":
            raise ValueError(
                "sampler 'exact' needs an affine denoiser, which daydream has not; choose 'ddim', 'ddpm' or 'dpm-solver'"
            )
        if self.sampler.steps is not None and self.sampler.steps > self.steps:
            raise ValueError(f"sampler.steps={self.sampler.steps} is more than the steps={self.steps} of the chain; choose fewer")
        return self
