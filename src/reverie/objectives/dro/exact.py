"""Temperature that solves a KL radius exactly, for rows or groups of rows."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reverie.objectives.dro.scores import Groups, MaskedScores, checked_rows
from reverie.objectives.dro.tilt import compute_tilt

_STEPS = 100
"""More than bisection alone needs to exhaust float64; Newton's steps end it after 4 to 12."""


@torch.no_grad()
def solve_group_tau(scores: MaskedScores, eta: Tensor, groups: Groups) -> Tensor:
    """Return each group's τ with ``mean over its rows of KL(softmax(f/τ) ‖ uniform) = η``; eta [G] → [G].

    That τ is the multiplier of one robust problem over all rows of the group whose mean radius is bounded:
    ``min_τ mean_rows τ log E e^{f/τ} + τ η``. The radius falls in τ; Newton's method on its logarithm in log τ starts at the
    small-radius value and is kept inside a shrinking bracket. With R = max - min of a row, a variance is at most R²/4, hence
    ``η(τ) ≤ R²/(8τ²)``, which gives the upper end.
    """
    variance = groups.mean(scores.variance())
    capped = (eta >= groups.mean(scores.ties()[1])) | (variance == 0)
    lowest = torch.where(scores.mask, scores.values, torch.inf).amin(-1)
    high = (groups.mean((scores.top - lowest).square()) / (8 * eta)).sqrt().log().masked_fill(capped, 0.0)
    low = high + math.log(torch.finfo(high.dtype).eps / 64)  # below it, scores that differ at all are as far apart as any
    at = torch.minimum((variance / (2 * eta)).sqrt().log(), high).masked_fill(capped, 0.0)
    enough = torch.finfo(high.dtype).eps ** 0.75  # Newton squares the error, so the step after this one would be rounding
    for _ in range(_STEPS):
        tilt = compute_tilt(scores, at.exp()[groups.index])
        reached = groups.mean(tilt.radius)
        low, high = torch.where(reached > eta, at, low), torch.where(reached > eta, high, at)
        newton = at + reached * (reached / eta).log() / groups.mean(tilt.variance)
        near = ((newton - at).abs() <= enough) | (high - low <= enough)
        good = near | ((newton > low) & (newton < high))
        at = torch.where(good, newton, (low + high) / 2).clamp(low, high).masked_fill(capped, 0.0)
        if bool((near | capped).all()):
            break
    return at.exp().masked_fill(capped, 0.0)


def tau_exact(f: Tensor, eta: float | Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the root τ of ``KL(softmax(f/τ) ‖ uniform) = η`` for each row: the best temperature of `kl_dro`.

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
        Temperatures in units of score, falling in η; 0 from the cap η = log(N / number of highest scores) on. First
        derivatives by `f` and `eta` follow from the implicit function theorem; they are 0 where τ is.

    Raises
    ------
    ValueError
        If a shape or value does not fit, see `MaskedScores.of`.
    """
    scores = MaskedScores.of(f, mask)
    row_eta = checked_rows(eta, scores.top, "eta")
    n = scores.values.shape[-1]
    flat = MaskedScores(scores.values.reshape(-1, n), scores.mask.reshape(-1, n), scores.count.reshape(-1), scores.top.reshape(-1))
    groups = Groups(torch.arange(len(flat.top), device=f.device), len(flat.top))
    tau = solve_group_tau(flat, row_eta.detach().reshape(-1), groups).view_as(scores.top)
    capped = tau == 0
    tilt = compute_tilt(scores, tau.masked_fill(capped, 1.0))
    slope = tilt.variance.detach()
    flat_there = capped | (slope <= torch.finfo(tau.dtype).eps)
    return tau * (1 + (tilt.radius - row_eta) / slope.masked_fill(flat_there, torch.inf))
