"""Temperatures by user: Adap-τ (Chen et al., WWW 2023), after iSogCLR (Qiu et al., ICML 2023), and creation from options."""

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reverie.errors import ConfigError
from reverie.objectives.config import ByDensity, ByRadius, TemperatureConfig
from reverie.objectives.dro.temperature import LearnedTemperature, SlotAverages, check_bounds, check_users, learn_temperature
from reverie.objectives.dro.tilt import group_rows, lambert_w
from reverie.objectives.pool import check_positive, check_scores, wide
from reverie.objectives.softmax import sampled_softmax


class AdapTau(nn.Module):
    """A `TemperatureRule` per user: ``1/τ_u = 1/τ_0 · exp(-W(max((loss_u - mean loss)/β, -1/e)))``, W Lambert's.

    ``1/τ_0 = [log(U I / D) + log ½] / (mean positive cosine - mean cosine of any user with any item)``. Users of high loss get
    a higher τ; the lowest one is τ_0/e.

    Our reading: the authors take all means once per epoch over the data; here they are moving averages over batches, kept in
    buffers. The mean over any pair is that over the negatives, which must be drawn uniformly. A user's loss is the sampled
    softmax at the temperature that this module gave.

    Parameters
    ----------
    n_users, n_items : int
        U and I of the training data.
    n_events : int or None
        D; less than half of the pairs may be events. None: told later, by `count_events`.
    beta : float
        β, in units of loss: the smaller, the more users differ.
    decay : float
        Of the moving averages, over batches and over the batches in which a user occurs.
    minimum, maximum : float
        Bounds of all τ. Until positive scores exceed the others, τ_0 is the maximum.

    Raises
    ------
    ValueError
        If a number lies outside its range.
    """

    def __init__(
        self,
        n_users: int,
        n_items: int,
        n_events: int | None,
        beta: float = 1.0,
        decay: float = 0.9,
        minimum: float = 0.01,
        maximum: float = 10.0,
    ) -> None:
        super().__init__()
        check_positive(beta=beta)
        check_bounds(minimum, maximum)
        self.shape, self.sparsity = (n_users, n_items), math.nan
        self.beta, self.minimum, self.maximum = beta, minimum, maximum
        self.cosines = SlotAverages(2, decay)
        self.losses = SlotAverages(n_users, decay)
        if n_events is not None:
            self.count_events(n_events)

    def count_events(self, n_events: int) -> None:
        """Tell how many events the training data have.

        Parameters
        ----------
        n_events : int
            D, positive and less than half of U x I.

        Raises
        ------
        ValueError
            If it lies outside its range.
        """
        users, items = self.shape
        if not 0 < 2 * n_events < users * items:
            raise ValueError(f"n_events must be positive and less than half of {users} x {items}, got {n_events}")
        self.sparsity = math.log(users * items / n_events) + math.log(0.5)

    @torch.no_grad()
    def forward(self, positive: Tensor, negative: Tensor, users: Tensor | None = None) -> Tensor:
        """Return the temperatures of a batch, and in training mode move the averages.

        Parameters
        ----------
        positive : Tensor, shape [M]
            Cosines of users with their items.
        negative : Tensor, shape [M, K]
            Cosines with items drawn uniformly; -inf masks one. A row with all masked moves no average.
        users : Tensor, shape [M], int64
            Users 0..U-1.

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
        if math.isnan(self.sparsity):
            raise ValueError("n_events is not known yet: call count_events(n_events) first")
        owners = check_users(users, len(positive), len(self.losses.total))
        positive, negative = wide(positive), wide(negative)
        known = negative != -torch.inf
        usable = known.any(1)
        if not bool(usable.any()):
            return positive.new_full((len(positive), 1), self.maximum)
        now = torch.stack([positive.mean(), negative.masked_fill(~known, 0.0).sum() / known.sum()])
        both = torch.arange(2, device=negative.device)
        if self.training:
            self.cosines.update(both, now)
        mean_positive, mean_any = self.cosines.read(both, now)
        tau_0 = ((mean_positive - mean_any) / self.sparsity).clamp(0.0, self.maximum)
        tau_0 = torch.where(tau_0 > 0, tau_0, self.maximum)
        mean = self.losses.overall().to(positive.dtype)
        above = (self.losses.read(owners, mean) - mean) / self.beta
        tau = (tau_0 * lambert_w(above).exp()).clamp(self.minimum, self.maximum)
        if self.training:
            loss = sampled_softmax(positive, negative, temperature=tau)
            kept, groups = group_rows(owners[usable])
            self.losses.update(kept, groups.mean(loss[usable]))
        return tau[:, None]


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
        check_positive(n_anchors=n_anchors, radius=radius, rate=rate)
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


def create_rule(config: TemperatureConfig, n_users: int, n_items: int) -> float | LearnedTemperature | AdapTau | AnchorTau:
    """Return the number or the rule that options ask for."""
    if isinstance(config, int | float):
        return config
    bounds = {"minimum": config.minimum, "maximum": config.maximum}
    by_user = not isinstance(config, ByRadius) or config.form == "user"
    if by_user and n_users == 0:
        raise ConfigError(f"a temperature of kind '{config.kind}' differs by user, and there are no users here; give a number")
    if isinstance(config, ByRadius):
        return learn_temperature(config.radius, config.form, n_users if by_user else None, config.decay, **bounds)
    if isinstance(config, ByDensity):
        return AdapTau(n_users, n_items, None, config.beta, config.decay, **bounds)
    return AnchorTau(n_users, config.radius, config.initial, config.rate, config.momentum, config.gamma, **bounds)


def tell_counts(temperature: object, counts: NDArray[Any]) -> None:
    """Set the training counts of a temperature that needs them, as `AdapTau` does; counts [N + 1]."""
    if isinstance(temperature, AdapTau):
        temperature.count_events(int(counts[1:].sum()))
