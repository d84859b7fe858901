"""Forward noising, the loss of predicted clean vectors, and classifier-free guidance (Ho and Salimans 2022)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from reverie.diffusion.denoisers import Denoiser


_ODD = 6364136223846793005


def hash_histories(items: Tensor) -> Tensor:
    """Return a hash of the history up to each position; items [B, L] → [B, L]."""
    factors = torch.cumprod(torch.full((items.shape[1],), _ODD, device=items.device), 0)
    mixed = torch.cumsum(items * factors, 1) * _ODD  # products wrap around at 2^64
    return (mixed >> 33) & 0x7FFFFFFF


def q_sample(signal: Tensor, spread: Tensor, x0: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
    """Return √ᾱ_s x_0 + √(1 - ᾱ_s) ε.

    Parameters
    ----------
    signal, spread : Tensor, shape [T]
        √ᾱ and √(1 - ᾱ).
    x0, noise : Tensor, shape [B, D]
        Clean vectors and standard normal noise.
    steps : Tensor, shape [B], int64
        Step of each row.

    Returns
    -------
    Tensor, shape [B, D]
        Noisy vectors.
    """
    return signal[steps][:, None] * x0 + spread[steps][:, None] * noise


def x0_loss(denoiser: Denoiser, signal: Tensor, spread: Tensor, x0: Tensor, h: Tensor, null: Tensor, p_uncond: float) -> Tensor:
    """Return the squared error of the predicted clean vectors, averaged over all elements.

    Per row one step is drawn uniformly, and with probability `p_uncond` the guidance is replaced by the null vector. The draws
    come from torch's global generator in this order: steps, noise, replacements.

    Parameters
    ----------
    denoiser : Denoiser
        Predicts clean vectors.
    signal, spread : Tensor, shape [T]
        √ᾱ and √(1 - ᾱ).
    x0, h : Tensor, shape [B, D]
        Vectors of the target items and guidance; gradients reach both.
    null : Tensor, shape [D]
        The null vector.
    p_uncond : float
        Share of rows trained without guidance.

    Returns
    -------
    Tensor, scalar
        The loss, every step with the same weight.
    """
    steps = torch.randint(len(signal), (len(x0),), device=x0.device)
    noise = torch.randn_like(x0)
    unguided = torch.rand(len(x0), 1, device=x0.device) < p_uncond
    predicted = denoiser(q_sample(signal, spread, x0, noise, steps), torch.where(unguided, null, h), steps)
    return F.mse_loss(predicted, x0)


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
