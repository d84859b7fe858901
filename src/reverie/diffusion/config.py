"""Options of noise schedules, denoisers and samplers, readable without torch."""

from typing import Annotated, Literal

from pydantic import Field

from reverie.options import Few, Many, Options

ScheduleName = Literal["linear", "exp", "cosine", "sqrt"]
DenoiserName = Literal["mlp1", "mlp2"]


class Exact(Options):
    """The whole chain in closed form: one affine map of the history's vector and one Gaussian. Needs an affine denoiser."""

    kind: Literal["exact"] = "exact"
    chain: Literal["ddpm", "ddim"] = "ddpm"
    """The chain whose result is wanted."""
    steps: Many | None = None
    """Steps of that chain; None for all T. The cost of sampling does not depend on it."""
    eta: float = Field(default=0.0, ge=0, le=1)
    """Share of fresh noise in a `ddim` chain."""
    use: Literal["mean", "sample"] = "mean"
    """Rank by the mean of the law (deterministic, needs no noise) or by samples."""
    draws: Few = 1
    """Samples that are averaged, where `use` is ``sample``."""


class DDPM(Options):
    """Ancestral sampling (arXiv 2006.11239), without clipping and without noise in the last step."""

    kind: Literal["ddpm"] = "ddpm"
    steps: Many | None = None
    """Denoising steps; None for all T, as published."""
    draws: Few = 1
    """Samples that are averaged to rank by."""


class DDIM(Options):
    """Implicit sampling (arXiv 2010.02502)."""

    kind: Literal["ddim"] = "ddim"
    steps: Many | None = 20
    """Denoising steps; None for all T."""
    eta: float = Field(default=0.0, ge=0, le=1)
    """Share of fresh noise: 0 none, 1 as `ddpm` on the same steps."""
    draws: Few = 1
    """Samples that are averaged to rank by."""


class DPMSolver(Options):
    """DPM-Solver++ for predicted clean vectors, multistep (arXiv 2211.01095)."""

    kind: Literal["dpm-solver"] = "dpm-solver"
    steps: Many | None = 20
    """Denoising steps; None for all T."""
    order: Literal[1, 2] = 2
    """1 is `ddim` without noise; 2 is the solver called 2M."""
    draws: Few = 1
    """Samples that are averaged to rank by."""


SamplerConfig = Annotated[Exact | DDPM | DDIM | DPMSolver, Field(discriminator="kind")]
