"""Noise schedules, forward noising, the loss of predicted clean vectors, and classifier-free guidance (Ho and Salimans 2022)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.diffusion.denoisers import Denoiser
from reverie.errors import unknown


@dataclass(frozen=True)
class Schedule:
    """A chain x_s = √ᾱ_s x_0 + √(1 - ᾱ_s) ε for s = 0..T-1.

    Parameters
    ----------
    name : str
    betas : Tensor, shape [T], float64, on the CPU
        Share of variance replaced by noise in each step.
    alphas_cumprod : Tensor, shape [T], float64, on the CPU
        ᾱ_s, the product of 1 - β up to and including s.
    """

    name: str
    betas: Tensor
    alphas_cumprod: Tensor

    @property
    def steps(self) -> int:
        """Length T of the chain."""
        return len(self.betas)

    @property
    def signal(self) -> Tensor:
        """√ᾱ_s, shape [T], float64."""
        return self.alphas_cumprod.sqrt()

    @property
    def spread(self) -> Tensor:
        """√(1 - ᾱ_s), shape [T], float64."""
        return (1 - self.alphas_cumprod).sqrt()


def create_schedule(name: str, steps: int, zero_terminal: bool = False) -> Schedule:
    """Return the schedule of a name, as DreamRec uses it.

    Parameters
    ----------
    name : {"linear", "exp", "cosine", "sqrt"}
        ``linear``: β evenly from 1e-4 to 0.02. ``exp``: the variance-preserving SDE with β_min 0.1 and β_max 10, discretised.
        ``cosine``: ᾱ as a squared cosine with offset 0.008, β clipped to [1e-4, 0.9999]. ``sqrt``: ᾱ_s = 1 - √(s/T + 1e-4).
    steps : int
        Length T, at least 2.
    zero_terminal : bool
        Shift and scale √ᾱ so that nothing is left of the clean vector at the end (arXiv 2305.08891, algorithm 1).

    Returns
    -------
    Schedule
        In float64.

    Raises
    ------
    ConfigError
        If the name is unknown.
    ValueError
        If `steps` is below 2.

    Notes
    -----
    Our reading: DreamRec writes ``sqrt`` as a function of a time t without saying what t is; here t = s/T is the fraction of the
    chain that lies behind step s, so that ᾱ stays positive up to the last step (β is clipped at 0.9999 for T > 10,000).
    """
    if name not in _BETAS:
        raise unknown("noise schedule", name, _BETAS)
    if steps < 2:
        raise ValueError(f"steps must be at least 2, got {steps}")
    betas = _BETAS[name](steps)
    kept = torch.cumprod(1 - betas, 0)
    if zero_terminal:
        root = kept.sqrt()
        kept = ((root - root[-1]) * root[0] / (root[0] - root[-1])) ** 2
        betas = 1 - kept / _after_start(kept)
    return Schedule(name, betas, kept)


def _after_start(kept: Tensor) -> Tensor:
    """Return what is kept before each step, 1 at the start; kept [T] → [T]."""
    return torch.cat([torch.ones(1, dtype=torch.float64), kept[:-1]])


def _linear(steps: int) -> Tensor:
    return torch.linspace(1e-4, 0.02, steps, dtype=torch.float64)


def _exp(steps: int) -> Tensor:
    lowest, highest = 0.1, 10.0
    x = torch.linspace(1, 2 * steps + 1, steps, dtype=torch.float64)
    return 1 - torch.exp(-lowest / steps - x * 0.5 * (highest - lowest) / steps**2)


def _cosine(steps: int) -> Tensor:
    i = torch.arange(steps + 1, dtype=torch.float64)
    left = torch.cos((i / steps + 0.008) / 1.008 * torch.pi / 2) ** 2
    return (1 - left[1:] / left[:-1]).clamp(1e-4, 0.9999)


def _sqrt(steps: int) -> Tensor:
    left = 1 - (torch.arange(steps, dtype=torch.float64) / steps + 1e-4).sqrt()
    return (1 - left / _after_start(left)).clamp(max=0.9999)


_BETAS: dict[str, Callable[[int], Tensor]] = {"linear": _linear, "exp": _exp, "cosine": _cosine, "sqrt": _sqrt}


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
    x0, h : Tensor, shape [B, D] and [B, H]
        Vectors of the target items and guidance, mostly of one width; gradients reach both.
    null : Tensor, shape [H]
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
    h : Tensor, shape [B, H]
        One guidance vector per row.
    null : Tensor, shape [H]
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
        return torch.lerp(self.denoiser(x, self.null.expand_as(self.h), steps), guided, 1 + self.strength)


def extrapolate(h: Tensor, null: Tensor, strength: float) -> Tensor:
    """Return h' = n + (1 + w)(h - n): where an affine denoiser takes the place of both calls by one.

    h [..., D], null [D] → [..., D].
    """
    return torch.lerp(null, h, 1 + strength)
