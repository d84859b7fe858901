"""Classifier-free guidance (Ho and Salimans 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from reverie.diffusion.denoisers import Denoiser


@dataclass(frozen=True)
class Guided:
    """A denoiser bound to guidance: x̂_0 = (1 + w) f(x, h, s) - w f(x, n, s).

    Parameters
    ----------
    denoiser : Denoiser
        f.
    h : Tensor, shape [B, D]
        One guidance vector per row.
    null : Tensor, shape [D]
        The null vector n.
    strength : float
        w; 0 is plain conditional sampling and costs one call instead of two.

    References
    ----------
    .. [1] Ho and Salimans, Classifier-free diffusion guidance, arXiv 2207.12598.
    """

    denoiser: Denoiser
    h: Tensor
    null: Tensor
    strength: float

    def __call__(self, x: Tensor, step: int) -> Tensor:
        """Predict clean vectors; x [B, D] → [B, D]."""
        steps = torch.full((1,), step, device=x.device)
        guided = self.denoiser(x, self.h, steps)
        if self.strength == 0:
            return guided
        return torch.lerp(self.denoiser(x, self.null.expand_as(x), steps), guided, 1 + self.strength)


def extrapolate(h: Tensor, null: Tensor, strength: float) -> Tensor:
    """Return h' = n + (1 + w)(h - n): where an affine denoiser takes the place of both calls by one.

    h [..., D], null [D] → [..., D].
    """
    return torch.lerp(null, h, 1 + strength)
