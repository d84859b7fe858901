"""A temperature per anchor, descended on by its own robust dual: after iSogCLR (Qiu et al., ICML 2023, arXiv 2305.11965)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from reverie.objectives.checks import check_scores, wide
from reverie.objectives.dro.scores import group_rows
from reverie.objectives.dro.temperature import check_bounds, check_users


class AnchorTau(nn.Module):
    """A `TemperatureRule` that is a parameter of each anchor, moved by stochastic gradients with momentum.

    The dual of anchor i is ``F_i(τ) = τ log E_j e^{h_ij/τ} + τ ρ`` with ``h_ij = n_ij - p_i``; its derivative is
    ``log g + ρ - E_j[e^{h/τ} h/τ] / g`` with ``g = E_j e^{h/τ}``. At the optimum the radius is ρ, as in `learn_temperature`.

    Our reading of iSogCLR (as in LibAUC): per anchor, g is a moving average u ← (1-γ) u + γ g over the batches in which the
    anchor occurs, the derivative with u in place of g goes through momentum v ← m v + (1-m) ∂F, and τ ← τ - lr v, kept within
    bounds. A batch is scored with the τ that stood before its own step. Here u is kept as its logarithm and the added ε is
    left out; the authors also weigh the model's gradient by u, which a temperature cannot do.

    Parameters
    ----------
    n_anchors : int
        Number A of anchors: users, or training rows.
    radius : float
        ρ in nats.
    initial : float
        τ at first.
    rate : float
        lr of τ.
    momentum : float
        m, from 0 to below 1.
    gamma : float
        γ, above 0 to 1.
    minimum, maximum : float
        Bounds of τ.

    Raises
    ------
    ValueError
        If a number lies outside its range.
    """

    tau: Tensor
    speed: Tensor
    log_u: Tensor

    def __init__(
        self,
        n_anchors: int,
        radius: float,
        initial: float = 0.1,
        rate: float = 0.01,
        momentum: float = 0.9,
        gamma: float = 0.9,
        minimum: float = 0.01,
        maximum: float = 10.0,
    ) -> None:
        super().__init__()
        for name, value in (("n_anchors", n_anchors), ("radius", radius), ("rate", rate)):
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value}")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie from 0 to below 1, got {momentum}")
        if not 0 < gamma <= 1:
            raise ValueError(f"gamma must lie above 0 to 1, got {gamma}")
        check_bounds(minimum, maximum)
        if not minimum <= initial <= maximum:
            raise ValueError(f"initial must lie between {minimum} and {maximum}, got {initial}")
        self.radius, self.rate, self.momentum, self.gamma = radius, rate, momentum, gamma
        self.minimum, self.maximum = minimum, maximum
        self.register_buffer("tau", torch.full((n_anchors,), float(initial)))
        self.register_buffer("speed", torch.zeros(n_anchors))
        self.register_buffer("log_u", torch.full((n_anchors,), math.nan))

    @torch.no_grad()
    def forward(self, positive: Tensor, negative: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the temperatures of a batch, and in training mode take a step.

        Parameters
        ----------
        positive : Tensor, shape [M]
            Scores of the targets.
        negative : Tensor, shape [M, K]
            Scores of the negatives; -inf masks one. A row with all masked moves nothing.
        users : Tensor, shape [M], int64
            Anchors 0..A-1. One that occurs more than once moves by the mean of its rows.

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
        anchors = check_users(users, len(positive), len(self.tau))
        tau = self.tau[anchors].to(wide(negative).dtype)
        if self.training:
            usable = (negative != -torch.inf).any(1)
            self._step(anchors[usable], wide(negative)[usable] - wide(positive)[usable, None], tau[usable, None])
        return tau[:, None]

    def _step(self, anchors: Tensor, margins: Tensor, tau: Tensor) -> None:
        """Move u, v and τ of anchors [M] by margins h [M, K] at temperatures [M, 1]."""
        kept, groups = group_rows(anchors)
        logits = margins / tau
        # g, and E[e^{h/τ} h/τ], of each row and then of each anchor, both divided by e^top to stay finite
        top = logits.new_full(kept.shape, -torch.inf).scatter_reduce(0, groups.index, logits.amax(1), "amax")
        share = (logits - top[groups.index, None]).exp() / (logits != -torch.inf).sum(1, keepdim=True)
        log_g = top + groups.mean(share.sum(1)).log()
        lean = groups.mean(torch.where(share > 0, share * logits, 0.0).sum(1))
        before = self.log_u[kept].to(log_g.dtype)
        high = torch.maximum(before, log_g)
        mixed = high + ((1 - self.gamma) * (before - high).exp() + self.gamma * (log_g - high).exp()).log()
        log_u = torch.where(before.isnan(), log_g, mixed)
        slope = log_u + self.radius - lean * (top - log_u).exp()
        speed = self.momentum * self.speed[kept] + (1 - self.momentum) * slope.to(self.speed.dtype)
        self.log_u[kept] = log_u.to(self.log_u.dtype)
        self.speed[kept] = speed
        self.tau[kept] = (self.tau[kept] - self.rate * speed).clamp(self.minimum, self.maximum)
