"""Exponential tilting of scores, its KL radius and the temperature that reaches it, and Lambert's W."""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from reverie.objectives.pool import broadcast, wide


@dataclass(frozen=True)
class Groups:
    """Which rows belong together; index [M]."""

    index: Tensor
    size: int

    def mean(self, x: Tensor) -> Tensor:
        """Return each group's mean over its rows; x [M] → [G]."""
        return x.new_zeros(self.size).index_add(0, self.index, x) / torch.bincount(self.index, minlength=self.size)


def group_rows(codes: Tensor) -> tuple[Tensor, Groups]:
    """Group rows of equal code; codes [M] → [G]."""
    kept, index = torch.unique(codes, return_inverse=True)
    return kept, Groups(index, len(kept))


@dataclass(frozen=True)
class MaskedScores:
    """Checked scores. Made by `MaskedScores.of`; values [..., N], mask [..., N], count [...], top [...]."""

    values: Tensor
    mask: Tensor
    count: Tensor
    top: Tensor

    @classmethod
    def of(cls, f: Tensor, mask: Tensor | None = None, name: str = "f") -> Self:
        """Check scores and take the masked ones out; f [..., N]."""
        if f.dim() == 0 or f.shape[-1] == 0 or not f.is_floating_point():
            raise ValueError(f"{name} must be floating with shape [..., N] and N ≥ 1, got {f.dtype} {list(f.shape)}")
        keep = f != -torch.inf
        if mask is not None:
            if mask.dtype != torch.bool:
                raise ValueError(f"mask must be bool, got {mask.dtype} {list(mask.shape)}")
            keep = keep & broadcast(mask, f, f"mask must broadcast to {name} {list(f.shape)}")
        count = keep.sum(-1)
        if not bool(count.all()):
            raise ValueError(f"{name} {list(f.shape)} has a row without an unmasked score")
        values = wide(f).masked_fill(~keep, -torch.inf)
        top = values.amax(-1)
        if not bool(top.isfinite().all()):
            raise ValueError(f"{name} {list(f.shape)} holds NaN or +inf")
        return cls(torch.where(keep, values, top[..., None]), keep, count, top)

    def mean(self, x: Tensor) -> Tensor:
        """Return the mean over unmasked entries; x [..., N] → [...]."""
        return x.masked_fill(~self.mask, 0.0).sum(-1) / self.count

    def variance(self) -> Tensor:
        """Return the variance of the scores under the uniform law (divided by the count, not by one less) → [...]."""
        return self.mean((self.values - self.mean(self.values)[..., None]).square())

    def ties(self) -> tuple[Tensor, Tensor]:
        """Return the uniform law over each row's highest scores, what tilting tends to as τ → 0, and its radius.

        → [..., N], [...].
        """
        highest = self.mask & (self.values == self.top[..., None])
        number = highest.sum(-1)
        return highest / number[..., None].to(self.values.dtype), (self.count.to(self.values.dtype) / number).log()


def checked_rows(value: float | Tensor, rows: Tensor, name: str) -> Tensor:
    """Return a positive number per row; rows [...] → [...]."""
    number = torch.as_tensor(value, dtype=rows.dtype, device=rows.device)
    if not bool((number > 0).all() & number.isfinite().all()):
        raise ValueError(f"{name} must be positive and finite, got {value if number.dim() == 0 else f'shape {list(number.shape)}'}")
    return broadcast(number, rows, f"{name} must broadcast to {list(rows.shape)}, one per row of f")


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
