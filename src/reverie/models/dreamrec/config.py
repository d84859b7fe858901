"""Options of DreamRec."""

from typing import Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from reverie.diffusion.config import DDPM, DenoiserName, Exact, SamplerConfig, ScheduleName
from reverie.models.item_encoders.config import ItemEncoderConfig, default_encoder
from reverie.options import Options


class DreamRecConfig(Options):
    """Options of `dreamrec`; the defaults are the published ones for Zhihu, but for the sampler, which is exact.

    The published training is AdamW with learning rate 0.01 (Zhihu), no weight decay and batches of 256; see the recipe
    `dreamrec-zhihu`.
    """

    dim: int = Field(default=64, ge=4, multiple_of=2)
    """Width of item vectors, guidance and denoiser."""
    history: PositiveInt = 10
    """How many of the most recent events are read."""
    dropout: float = Field(default=0.1, ge=0, le=0.999)
    """Dropout of inputs, attention weights and the feed-forward part; off outside training."""
    denoiser: DenoiserName = "mlp1"
    """One linear layer (all published results), or two with a GELU between them."""
    schedule: ScheduleName = "linear"
    """How noise grows along the chain."""
    zero_terminal: bool = False
    """Rescale the schedule so that its end is pure noise, from which sampling starts anyway (arXiv 2305.08891)."""
    steps: int = Field(default=500, ge=2, le=10_000)
    """Length T of the chain."""
    guidance: float = Field(default=4.0, ge=0)
    """Strength w of classifier-free guidance."""
    p_uncond: float = Field(default=0.1, ge=0, lt=1)
    """Share of training rows whose guidance is replaced by the null vector."""
    detach_target: bool = False
    """Stop the gradient at the target's vector (as published it flows, and pulls targets towards predictions)."""
    train_empty: bool = True
    """Whether the first event of a sequence is trained on too, from an empty history."""
    sampler: SamplerConfig | None = None
    """How clean vectors are made; None for `exact` with `mlp1` and `ddpm` over all steps with `mlp2`."""
    noise_seed: NonNegativeInt = 0
    """Seed of the noise that samplers use."""
    item_encoder: ItemEncoderConfig = default_encoder()
    """Where item vectors come from: `id`, a trained one for each item, or content of items."""

    @property
    def chosen_sampler(self) -> SamplerConfig:
        """The sampler's options with the default filled in."""
        if self.sampler is not None:
            return self.sampler
        return Exact() if self.denoiser == "mlp1" else DDPM()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.item_encoder.kind != "id" and not self.detach_target:
            raise ValueError(
                f"item_encoder '{self.item_encoder.kind}' needs detach_target=true: weights that items share would be pulled "
                f"until all items have one vector"
            )
        sampler = self.chosen_sampler
        if sampler.kind == "exact" and self.denoiser != "mlp1":
            raise ValueError(
                f"sampler 'exact' needs the affine denoiser 'mlp1', not '{self.denoiser}'; choose 'ddpm', 'ddim' or 'dpm-solver'"
            )
        if sampler.steps is not None and sampler.steps > self.steps:
            raise ValueError(f"sampler.steps={sampler.steps} is more than the steps={self.steps} of the chain; choose fewer")
        return self
