"""Exponential tilting q_j ∝ e^{f_j/τ} of the uniform distribution over negatives: KL radius, entropic mean, approximations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objectives.dro.scores import MaskedScores, checked_rows


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
