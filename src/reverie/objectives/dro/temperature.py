"""Temperatures: effective ones of a loss, and those learned from a KL radius, after the robust reading of InfoNCE."""

from typing import Literal, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from reverie.objectives.dro.tilt import MaskedScores, group_rows, solve_group_tau
from reverie.objectives.pool import check_at_least_one, check_positive, check_scores


def effective_inv_tau(f: Tensor, tau: float, mu: float, sigma: float) -> Tensor:
    """Return the slope ``1/τ - (f-μ)/σ²`` of ``log(N(f; μ, σ) e^{f/τ})``: the inverse temperature that acts at a score.

    The product is itself proportional to a Gaussian around ``μ + σ²/τ``, where the slope is 0. So a weight with μ above the
    scores hardens (lowers the temperature), and one below softens.

    Parameters
    ----------
    f : Tensor
        Scores of negatives, cosines.
    tau : float
        Temperature, positive.
    mu, sigma : float
        Mean and standard deviation of the weight, in units of score; sigma positive.

    Returns
    -------
    Tensor, shape of f
        Inverse temperatures.

    Raises
    ------
    ValueError
        If `tau` or `sigma` is not positive.
    """
    check_positive(tau=tau, sigma=sigma)
    return 1 / tau - (f - mu) / sigma**2


@runtime_checkable
class TemperatureRule(Protocol):
    """Gives a temperature from the scores of a batch, without gradient.

    Instances here keep what they learn in buffers and learn in training mode only, once per call.
    """

    def __call__(self, positive: Tensor, negative: Tensor, users: Tensor | None = None) -> Tensor:
        """Return temperatures, in units of score; positive [M], negative [M, K], users [M] → [M, 1] or []."""


def check_users(users: Tensor | None, rows: int, n: int, name: str = "users") -> Tensor:
    """Return users after a check; codes are looked at on the CPU only, where that costs no waiting; users [M] → [M]."""
    if users is None or users.shape != (rows,):
        raise ValueError(f"{name} must have shape [{rows}], one per row, got {None if users is None else list(users.shape)}")
    if users.device.type == "cpu" and rows > 0 and not 0 <= int(users.min()) <= int(users.max()) < n:
        raise ValueError(f"{name} must be codes 0..{n - 1}, got {int(users.min())}..{int(users.max())}")
    return users


def check_bounds(minimum: float, maximum: float) -> None:
    """Check the bounds of a temperature."""
    if not 0 < minimum <= maximum:
        raise ValueError(f"minimum and maximum must be positive and in order, got {minimum} and {maximum}")


class SlotAverages(nn.Module):
    """Moving averages in n slots, each over the values that reached it: ``Σ decay^age x / Σ decay^age``."""

    total: Tensor
    weight: Tensor

    def __init__(self, n: int, decay: float) -> None:
        super().__init__()
        check_at_least_one(n=n)
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie between 0 and 1, got {decay}")
        self.decay = decay
        self.register_buffer("total", torch.zeros(n))
        self.register_buffer("weight", torch.zeros(n))

    @torch.no_grad()
    def update(self, slots: Tensor, values: Tensor) -> None:
        """Add a value to each of some slots; slots [S], values [S]."""
        self.total[slots] = self.decay * self.total[slots] + (1 - self.decay) * values.to(self.total.dtype)
        self.weight[slots] = self.decay * self.weight[slots] + (1 - self.decay)

    def read(self, slots: Tensor, otherwise: Tensor) -> Tensor:
        """Return averages; slots [S] → [S]."""
        weight = self.weight[slots]
        seen = weight > 0
        return torch.where(seen, (self.total[slots] / weight.masked_fill(~seen, 1.0)).to(otherwise.dtype), otherwise)

    def overall(self) -> Tensor:
        """Return the mean of the averages of all slots that were reached; 0 if none was → []."""
        seen = self.weight > 0
        return (self.total / self.weight.masked_fill(~seen, 1.0)).sum() / seen.sum().clamp(min=1)


def learn_temperature(
    radius: float,
    form: Literal["global", "sample", "user"] = "global",
    n_users: int | None = None,
    decay: float = 0.9,
    minimum: float = 0.01,
    maximum: float = 10.0,
) -> "LearnedTemperature":
    """Return a temperature that solves ``KL(softmax(f/τ) ‖ uniform) = radius`` for the scores f of negatives.

    τ is the multiplier of the robust problem ``min_τ τ log E e^{f/τ} + τ radius``, so it is used without gradient: at its
    optimum the derivative by τ is 0, and by the envelope theorem the gradient of ``τ (L + radius)``, with L the softmax loss
    at that τ, is right with τ held fixed. L alone has the same gradient divided by τ: per sample or user, multiply the loss by
    τ if rows should keep the weight that the robust problem gives them. With bounds or a moving average τ is near the optimum
    only, and so is the gradient.

    Parameters
    ----------
    radius : float
        η in nats, positive. K negatives allow at most log K.
    form : {"global", "sample", "user"}
        One τ for the batch (the mean radius over rows is η), one per row, or one per user (the mean over the user's rows).
    n_users : int or None
        Number U of users of form `user`.
    decay : float
        Of the moving average of log τ, over batches (`global`) or over the batches in which a user occurs (`user`); `sample`
        has none.
    minimum, maximum : float
        Bounds of τ, in units of score. Scores that cannot reach the radius get the minimum.

    Returns
    -------
    LearnedTemperature
        A `TemperatureRule`; averages are buffers.

    Raises
    ------
    ValueError
        If a number lies outside its range, or `n_users` is missing or not wanted.
    """
    if form not in ("global", "sample", "user"):
        raise ValueError(f"form must be global, sample or user, got {form!r}")
    if (form == "user") != (n_users is not None):
        raise ValueError(f"n_users is needed for form 'user' and for no other, got form {form!r} and n_users {n_users}")
    slots = {"global": 1, "sample": None, "user": n_users}[form]
    return LearnedTemperature(radius, None if slots is None else SlotAverages(slots, decay), minimum, maximum)


class LearnedTemperature(nn.Module):
    """A `TemperatureRule` by radius; made by `learn_temperature`.

    Parameters
    ----------
    radius : float
        η in nats.
    averages : SlotAverages or None
        Where log τ is averaged: one slot for all rows, or one per user; None for a τ per row.
    minimum, maximum : float
        Bounds of τ.

    Raises
    ------
    ValueError
        If a number lies outside its range.
    """

    def __init__(self, radius: float, averages: SlotAverages | None, minimum: float, maximum: float) -> None:
        super().__init__()
        check_positive(radius=radius)
        check_bounds(minimum, maximum)
        self.radius, self.averages, self.minimum, self.maximum = radius, averages, minimum, maximum

    @torch.no_grad()
    def forward(self, positive: Tensor, negative: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the temperatures of a batch, and in training mode move the averages.

        Parameters
        ----------
        positive : Tensor, shape [M]
            Scores of the targets; only their number is read.
        negative : Tensor, shape [M, K]
            Scores of the negatives; -inf masks one. A row with all masked gets the minimum and moves nothing.
        users : Tensor or None, shape [M], int64
            Users 0..U-1, for the form `user`. In evaluation mode, one that was never seen gets a τ from this batch.

        Returns
        -------
        Tensor, shape [M, 1]
            Temperatures, float32 or wider, without gradient.

        Raises
        ------
        ValueError
            If a shape or value does not fit.
        """
        check_scores(positive, negative)
        slots = self._slots(users, len(negative), negative.device)
        usable = (negative != -torch.inf).any(1)
        kept, groups = group_rows(slots[usable])
        scores = MaskedScores.of(negative[usable], name="negative")
        fresh = solve_group_tau(scores, scores.top.new_full(kept.shape, self.radius), groups)
        tau = fresh.clamp(self.minimum, self.maximum)
        if self.averages is not None:
            if self.training:
                self.averages.update(kept, tau.log())
            tau = self.averages.read(kept, tau.log()).exp().clamp(self.minimum, self.maximum)
        every = tau.new_full((len(negative), 1), self.minimum)
        every[usable] = tau[groups.index][:, None]
        return every

    def _slots(self, users: Tensor | None, rows: int, device: torch.device) -> Tensor:
        """Return which rows share a temperature, [M]: equal numbers do."""
        if self.averages is None:
            return torch.arange(rows, device=device)
        n = len(self.averages.total)
        return torch.zeros(rows, dtype=torch.int64, device=device) if n == 1 else check_users(users, rows, n)
