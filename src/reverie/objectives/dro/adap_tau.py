"""Adap-τ: a temperature from the data's density, adapted to each user's loss (Chen et al., WWW 2023, code junkangwu/Adap_tau)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from reverie.objectives.checks import check_scores, wide
from reverie.objectives.dro.scores import group_rows
from reverie.objectives.dro.temperature import SlotAverages, check_bounds, check_users
from reverie.objectives.dro.tilt import lambert_w
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
        if not beta > 0:
            raise ValueError(f"beta must be positive, got {beta}")
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
