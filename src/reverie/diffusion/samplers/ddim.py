"""DDIM: denoising diffusion implicit models (Song et al. 2021)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from reverie.diffusion.samplers.chain import Rule


def ddim_rule(eta: float) -> Rule:
    """Return the rule of DDIM.

    .. [1] Song, Meng and Ermon, Denoising diffusion implicit models, arXiv 2010.02502, equations 12 and 16.
    """
    return partial(_rule, eta=eta)


def _rule(left: Tensor, after: Tensor, eta: float) -> tuple[Tensor, Tensor, Tensor]:
    variance = eta**2 * (1 - after) / (1 - left) * (1 - left / after)
    noisy = ((1 - after - variance) / (1 - left)).clamp(min=0).sqrt()
    return after.sqrt() - noisy * left.sqrt(), noisy, variance.sqrt()
