"""Robust expectation: the worst mean of scores over all distributions within a φ-divergence radius."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.objectives.dro.divergences import Divergence, KullbackLeibler
from reverie.objectives.dro.scores import MaskedScores, checked_rows


@dataclass(frozen=True)
class Robust:
    """A robust expectation and where it is reached.

    Parameters
    ----------
    value : Tensor, shape [...]
        The dual's value. Its gradient by the scores is `weights` and by the radius `tau` (envelope theorem).
    tau : Tensor, shape [...]
        The radius's multiplier, in units of score, without gradient: for KL the temperature. 0 where the radius admits
        the uniform law over the highest scores.
    weights : Tensor, shape [..., N]
        The worst law, sums to one, without gradient.
    """

    value: Tensor
    tau: Tensor
    weights: Tensor


def phi_dro(f: Tensor, eta: float | Tensor, phi: Divergence, mask: Tensor | None = None) -> Robust:
    """Return ``sup_{D_φ(Q ‖ uniform) ≤ η} E_Q f = min_{a≥0, b} b + aη + a E φ*((f-b)/a)``.

    For χ² it is ``E f + sqrt(η Var f)`` while ``1 + sqrt(η / Var f) (f - E f) ≥ 0`` for all scores; beyond, the lowest scores
    lose all weight and the value lies below that.

    Parameters
    ----------
    f : Tensor, shape [..., N]
        Scores of negatives; -inf masks one.
    eta : float or Tensor, broadcasts to [...]
    phi : Divergence
        Such as `KullbackLeibler` or `ChiSquare`.
    mask : Tensor or None, bool, broadcasts to f
        True where an entry counts.

    Returns
    -------
    Robust
        Value, multiplier a and worst law.

    Raises
    ------
    ValueError
        If a shape or value does not fit, see `MaskedScores.of`.
    """
    scores = MaskedScores.of(f, mask)
    row_eta = checked_rows(eta, scores.top, "eta")
    with torch.no_grad():
        a, b, weights = phi.worst(scores, row_eta)
    capped = a == 0
    safe = a.masked_fill(capped, 1.0)
    dual = b + safe * (row_eta + scores.mean(phi.conjugate((scores.values - b[..., None]) / safe[..., None])))
    return Robust(torch.where(capped, scores.top, dual), a, weights)


def kl_dro(f: Tensor, eta: float | Tensor, mask: Tensor | None = None) -> Robust:
    """Return ``sup_{KL(Q ‖ uniform) ≤ η} E_Q f = min_{τ≥0} τ log E e^{f/τ} + τη``, reached by Q ∝ e^{f/τ} (arXiv 2310.11048).

    With a positive score p, ``-p + value = τ L + τη`` where L is InfoNCE whose denominator is the negatives' mean, without
    the positive (as Theorem 3.2, our reading).

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
    Robust
        Value, best temperature and worst law.

    Raises
    ------
    ValueError
        If a shape or value does not fit, see `MaskedScores.of`.
    """
    return phi_dro(f, eta, KullbackLeibler(), mask)
