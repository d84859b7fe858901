"""Divergences (Kullback-Leibler, χ²), and the worst mean of scores over all distributions within a radius."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from reverie.objectives.dro.tilt import MaskedScores, checked_rows, compute_tilt, tau_exact


class Divergence(Protocol):
    """A convex φ with φ(1) = 0, its conjugate ``φ*(s) = sup_{t≥0} ts - φ(t)``, and where two dual problems have their optimum."""

    def phi(self, t: Tensor) -> Tensor:
        """Return φ of density ratios t ≥ 0, elementwise."""

    def conjugate(self, s: Tensor) -> Tensor:
        """Return φ* elementwise."""

    def worst(self, scores: MaskedScores, eta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the minimisers a [...] and b [...] of ``b + aη + a E φ*((f-b)/a)`` and the worst law's weights [..., N].

        Where η is so large that the law is uniform over the highest scores, a is 0.
        """

    def level(self, f: Tensor, weight: Tensor) -> Tensor:
        """Return the minimiser l [...] of ``l + E φ*(f-l)``, the mean over the last axis of f by weights that sum to one."""


@dataclass(frozen=True)
class KullbackLeibler:
    """φ(t) = t log t - t + 1, φ*(s) = e^s - 1: the divergence of InfoNCE (arXiv 2310.11048)."""

    def phi(self, t: Tensor) -> Tensor:
        """Return ``t log t - t + 1``.

        Parameters
        ----------
        t : Tensor
            Density ratios, not negative.

        Returns
        -------
        Tensor
            The same shape.
        """
        return torch.xlogy(t, t) - t + 1

    def conjugate(self, s: Tensor) -> Tensor:
        """Return ``e^s - 1``.

        Parameters
        ----------
        s : Tensor

        Returns
        -------
        Tensor
            The same shape.
        """
        return torch.expm1(s)

    def worst(self, scores: MaskedScores, eta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return τ with radius η, ``τ log E e^{f/τ}``, and the law tilted by it.

        Parameters
        ----------
        scores : MaskedScores
            Of shape [..., N].
        eta : Tensor, shape [...]

        Returns
        -------
        tuple of Tensor, shapes [...], [...], [..., N]
            See `Divergence.worst`.
        """
        tau = tau_exact(scores.values, eta, scores.mask)
        capped = tau == 0
        tilt = compute_tilt(scores, tau.masked_fill(capped, 1.0))
        weights = torch.where(capped[..., None], scores.ties()[0], tilt.weights)
        return tau, scores.top + tau * tilt.log_mean, weights

    def level(self, f: Tensor, weight: Tensor) -> Tensor:
        """Return ``log E e^f``: with it the bound is Donsker and Varadhan's.

        Parameters
        ----------
        f : Tensor, shape [..., N]
        weight : Tensor, shape [N]
            Positive, sums to one.

        Returns
        -------
        Tensor, shape [...]
            Levels.
        """
        return (f + weight.log()).logsumexp(-1)


@dataclass(frozen=True)
class ChiSquare:
    """φ(t) = (t - 1)², φ*(s) = s + s²/4 from s = -2 on and -1 below: then the worst law weighs scores linearly."""

    def phi(self, t: Tensor) -> Tensor:
        """Return ``(t - 1)²``.

        Parameters
        ----------
        t : Tensor
            Density ratios, not negative.

        Returns
        -------
        Tensor
            The same shape.
        """
        return (t - 1).square()

    def conjugate(self, s: Tensor) -> Tensor:
        """Return ``s + s²/4`` for s ≥ -2, else -1.

        Parameters
        ----------
        s : Tensor

        Returns
        -------
        Tensor
            The same shape.
        """
        held = s.clamp(min=-2.0)
        return held + held.square() / 4

    def worst(self, scores: MaskedScores, eta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the optimum in closed form, by the number k of highest scores that the worst law keeps.

        On the k highest, with mean m and standard deviation s, ratios ``t = n/k + (f-m) r/s`` with ``r² = n/k (1 + η - n/k)``
        use up η and reach ``m + s sqrt(k/n (1 + η - n/k))``; of the k for which no t is negative, the best is the optimum.
        For k = n it is the mean plus ``sqrt(η Var f)``.

        Parameters
        ----------
        scores : MaskedScores
            Of shape [..., N].
        eta : Tensor, shape [...]

        Returns
        -------
        tuple of Tensor, shapes [...], [...], [..., N]
            See `Divergence.worst`.
        """
        values = scores.values
        below = (scores.top[..., None] - values).masked_fill(~scores.mask, torch.inf).sort(-1).values
        k = torch.arange(1, values.shape[-1] + 1, dtype=values.dtype, device=values.device)
        known = k <= scores.count[..., None]
        below = below.masked_fill(~known, 0.0)
        mean = below.cumsum(-1) / k
        spread = (below.square().cumsum(-1) / k - mean.square()).clamp(min=0.0).sqrt()
        ratio = scores.count[..., None] / k
        room = 1 + eta[..., None] - ratio
        tilt = (ratio * room.clamp(min=0.0)).sqrt()
        slack = 16 * torch.finfo(values.dtype).eps
        fits = known & (room >= 0) & (tilt * (below - mean) <= ratio * spread * (1 + slack))
        reached = (tilt / ratio * spread - mean).masked_fill(~fits, -torch.inf)
        best = reached.argmax(-1, keepdim=True)
        mean, spread, ratio, tilt = (part.gather(-1, best)[..., 0] for part in (mean, spread, ratio, tilt))
        capped = spread == 0
        a = (spread / (2 * tilt)).masked_fill(capped, 0.0)
        b = scores.top - mean + 2 * a * (1 - ratio)
        safe = a.masked_fill(capped, 1.0)[..., None]
        share = (1 + (values - b[..., None]) / (2 * safe)).clamp(min=0.0).masked_fill(~scores.mask, 0.0)
        return a, b, torch.where(capped[..., None], scores.ties()[0], share / scores.count[..., None])

    def level(self, f: Tensor, weight: Tensor) -> Tensor:
        """Return l with ``E max(0, 1 + (f-l)/2) = 1``: the mean of f, unless that made a ratio negative.

        Over the highest values of total weight W and mean m it is ``m + 2 - 2/W``; the set grows while its lowest value
        exceeds l - 2.

        Parameters
        ----------
        f : Tensor, shape [..., N]
        weight : Tensor, shape [N]
            Positive, sums to one.

        Returns
        -------
        Tensor, shape [...]
            Levels.
        """
        ordered, order = f.sort(-1, descending=True)
        part = weight.expand_as(f).gather(-1, order)
        total = part.cumsum(-1)
        levels = (part * ordered).cumsum(-1) / total + 2 - 2 / total
        last = (ordered > levels - 2).sum(-1, keepdim=True) - 1
        return levels.gather(-1, last)[..., 0]


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
