"""Exponential tilting of scores, and Lambert's W in log space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objectives.dro.scores import MaskedScores, checked_rows


@torch.no_grad()
def lambert_w(z: Tensor) -> Tensor:
    """Return the principal branch of Lambert's W: the w ≥ -1 with ``w e^w = z``.

    Halley's method, from a series around the branch point -1/e or from logarithms (Corless et al., Adv. Comput. Math. 1996,
    eq. 4.22 and 5.9). Eight steps are more than any float64 needs.

    Parameters
    ----------
    z : Tensor
        Numbers of at least -1/e; below it (where W has no real value) they count as -1/e.

    Returns
    -------
    Tensor
        The same shape and type, without gradient.

    Raises
    ------
    ValueError
        If `z` is not floating.
    """
    if not z.is_floating_point():
        raise ValueError(f"z must be floating, got {z.dtype} {list(z.shape)}")
    branch = (2 * (math.e * z + 1)).clamp(min=0.0).sqrt()
    log = z.clamp(min=math.e).log()
    w = torch.where(z < 1, -1 + branch - branch.square() / 3 + 11 / 72 * branch**3, log - log.log())
    w = torch.where((z >= 1) & (z < math.e), 0.8, w)
    at_branch = branch < 2e-2 * torch.finfo(z.dtype).eps ** 0.25
    for _ in range(8):
        excess = w - z * torch.exp(-w)
        slope = w + 1
        step = excess / (slope - (w + 2) * excess / (2 * slope))
        w = w - torch.where(at_branch, 0.0, step)
    return w


@dataclass(frozen=True)
class Tilt:
    """The tilted law of each row; weights [..., N], log_mean [...], radius [...], variance [...]."""

    weights: Tensor
    log_mean: Tensor
    radius: Tensor
    variance: Tensor


def compute_tilt(scores: MaskedScores, tau: Tensor) -> Tilt:
    """Tilt the uniform law by ``e^{f/τ}``; tau [...]."""
    z = (scores.values - scores.top[..., None]) / tau[..., None]
    log_mean = torch.log1p(scores.mean(torch.expm1(z)))
    weights = (z - log_mean[..., None]).exp().masked_fill(~scores.mask, 0.0) / scores.count[..., None]
    mean = (weights * z).sum(-1)
    return Tilt(weights, log_mean, mean - log_mean, (weights * (z - mean[..., None]).square()).sum(-1))


def radius(f: Tensor, tau: float | Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ``η(τ) = KL(softmax(f/τ) ‖ uniform) = log N - entropy``: how far a temperature leans on hard negatives.

    It falls in τ, from log(N / number of highest scores) at 0 to 0 at infinity.

    Parameters
    ----------
    f : Tensor, shape [..., N]
        Scores of negatives; -inf masks one.
    tau : float or Tensor, broadcasts to [...]
        Temperature, in units of score.
    mask : Tensor or None, bool, broadcasts to f
        True where an entry counts.

    Returns
    -------
    Tensor, shape [...]
        Radii in nats; gradients flow to `f` and `tau`.

    Raises
    ------
    ValueError
        If a shape or value does not fit, see `MaskedScores.of`.
    """
    scores = MaskedScores.of(f, mask)
    return compute_tilt(scores, checked_rows(tau, scores.top, "tau")).radius


def entropic_mean(f: Tensor, tau: float | Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ``τ log E e^{f/τ}`` over the uniform law: the mean for large τ, the highest score for small.

    Parameters
    ----------
    f : Tensor, shape [..., N]
        Scores of negatives; -inf masks one.
    tau : float or Tensor, broadcasts to [...]
    mask : Tensor or None, bool, broadcasts to f
        True where an entry counts.

    Returns
    -------
    Tensor, shape [...]
        Values in units of score.

    Raises
    ------
    ValueError
        If a shape or value does not fit, see `MaskedScores.of`.
    """
    scores = MaskedScores.of(f, mask)
    row_tau = checked_rows(tau, scores.top, "tau")
    return scores.top + row_tau * compute_tilt(scores, row_tau).log_mean


def mean_variance(f: Tensor, tau: float | Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ``E f + Var f / (2τ)``, which equals `entropic_mean` up to O(τ⁻²): the temperature weighs the variance.

    Parameters
    ----------
    f : Tensor, shape [..., N]
        Scores of negatives; -inf masks one.
    tau : float or Tensor, broadcasts to [...]
    mask : Tensor or None, bool, broadcasts to f
        True where an entry counts.

    Returns
    -------
    Tensor, shape [...]
        Values in units of score.

    Raises
    ------
    ValueError
        If a shape or value does not fit, see `MaskedScores.of`.
    """
    scores = MaskedScores.of(f, mask)
    return scores.mean(scores.values) + scores.variance() / (2 * checked_rows(tau, scores.top, "tau"))


def tau_approx(f: Tensor, eta: float | Tensor, mask: Tensor | None = None) -> Tensor:
    """Return ``sqrt(Var f / (2η))``, the temperature of a small radius (arXiv 2310.11048; as Corollary 3.4, our reading).

    It exceeds `tau_exact` more and more as η grows.

    Parameters
    ----------
    f : Tensor, shape [..., N]
        Scores of negatives; -inf masks one.
    eta : float or Tensor, broadcasts to [...]
        Radius in nats.
    mask : Tensor or None, bool, broadcasts to f
        True where an entry counts.

    Returns
    -------
    Tensor, shape [...]
        Temperatures in units of score.

    Raises
    ------
    ValueError
        If a shape or value does not fit, see `MaskedScores.of`.
    """
    scores = MaskedScores.of(f, mask)
    return (scores.variance() / (2 * checked_rows(eta, scores.top, "eta"))).sqrt()
