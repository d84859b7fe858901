"""Objectives of models, a loss over states, targets and a head: full or sampled, contrastive, denoised."""

from collections.abc import Callable
from typing import Any, Protocol, Self, runtime_checkable

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reverie.data.sequences import Sequences
from reverie.nn.heads import HasTable
from reverie.objectives import config as options
from reverie.objectives.contrastive.module import ScoreLoss, create_loss
from reverie.objectives.dro.rules import create_rule, tell_counts
from reverie.objectives.dro.temperature import TemperatureRule
from reverie.objectives.full import full_softmax
from reverie.objectives.in_batch import InBatchDebiasedObjective
from reverie.objectives.negatives import FalseNegatives, Sampler, apply_weight, create_sampler, score_draws
from reverie.objectives.pool import Temperature, check_targets
from reverie.objectives.softmax import bce, bpr, gbce, gbce_beta, sampled_softmax, shared_softmax
from reverie.protocols import Head

Pointwise = Callable[[Tensor, Tensor, int], Tensor]
"""From the scores of targets [M], of negatives [M, K] and the number of draws to losses [M]."""
SampledConfig = options.SampledSoftmax | options.BCE | options.GBCE | options.BPR | options.Contrast


@runtime_checkable
class Objective(Protocol):
    """What a model is taught by."""

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return one loss per row, shape [M], times `weight` [M] if given; the model averages.

        ``states [M, D]`` are float, ``targets [M]`` item codes 1..N (padding removed before), ``users [M]`` whose row it is,
        read by temperatures and losses that differ by user.
        """

    def with_counts(self, counts: NDArray[Any]) -> Self:
        """Return the same objective with training counts [N + 1] by item code, for negatives drawn by popularity."""


class FullSoftmaxObjective(nn.Module):
    """An `Objective`: cross-entropy over the whole catalogue; a rule finds its temperature on items drawn uniformly per batch."""

    def __init__(self, temperature: float | TemperatureRule, n_items: int) -> None:
        super().__init__()
        self.temperature = temperature
        self.sampler = create_sampler(options.SEEN_BY_RULE, n_items)

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return the loss of each row; states [M, D], targets [M], weight [M], users [M] → [M]."""
        check_targets(states, targets, head.n_items)
        tau: Temperature = 1.0  # of no rows
        if isinstance(self.temperature, int | float):
            tau = self.temperature
        elif len(targets) > 0:
            with torch.no_grad():
                tau = self.temperature(*score_draws(states, targets, head, self.sampler.draw(targets)), users)
        return apply_weight(full_softmax(states, targets, head, tau), weight)

    def with_counts(self, counts: NDArray[Any]) -> Self:
        """Set the training counts, for Adap-τ; counts [N + 1]."""
        tell_counts(self.temperature, counts)
        return self


class SampledObjective(nn.Module):
    """An `Objective`: a loss over the target's score and those of sampled negatives, all of them a `ScoreLoss` or pointwise."""

    def __init__(self, function: ScoreLoss | Pointwise, config: SampledConfig, n_items: int) -> None:
        super().__init__()
        self.function, self.negatives, self.n_items = function, config.negatives, n_items
        self.logq = isinstance(config, options.SampledSoftmax) and config.logq
        temperature = config.temperature if isinstance(config, options.SampledSoftmax) and not config.logq else None
        self.shared = temperature if isinstance(temperature, int | float) else None
        self.false_negatives = config.false_negatives if isinstance(config, options.Contrast) else 0.0
        self.injection: FalseNegatives | None = None
        self.sampler: Sampler | None = None
        if config.negatives.source != "popularity":
            self.sampler = create_sampler(config.negatives, n_items)

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Draw negatives and return the loss of each row; states [M, D], targets [M], weight [M], users [M] → [M]."""
        if self.sampler is None:
            raise ValueError(f"negatives drawn by {self.negatives.source} need counts: call with_counts(counts) first")
        check_targets(states, targets, head.n_items)
        if len(targets) == 0:
            return apply_weight(head.scores(states, targets[:, None])[:, 0], weight)
        drawn = self.sampler.draw(targets)
        if self.false_negatives:
            if self.injection is None:
                raise ValueError("false negatives come from the training events: call with_rows(train) first")
            drawn = self.injection.inject(drawn, users)
        if self.shared is not None and drawn.items.dim() == 1 and isinstance(head, HasTable):
            near, codes = head.over(torch.cat([targets, drawn.items]))
            targets, items = codes.tensor_split([len(targets)])
            return apply_weight(shared_softmax(states, targets, items, near, self.shared), weight)
        positive, negative = score_draws(states, targets, head, drawn)
        if isinstance(self.function, ScoreLoss):
            losses: Tensor = self.function(positive, negative, users, -drawn.log_expected() if self.logq else None)
        else:
            losses = self.function(positive, negative, drawn.n)
        return apply_weight(losses, weight)

    def with_counts(self, counts: NDArray[Any]) -> Self:
        """Set the training counts, for negatives drawn by popularity and for Adap-τ; counts [N + 1]."""
        self.sampler = create_sampler(self.negatives, self.n_items, counts)
        if isinstance(self.function, ScoreLoss):
            tell_counts(self.function.temperature, counts)
        return self

    def with_rows(self, train: Sequences) -> Self:
        """Set the training events, for false negatives."""
        self.injection = FalseNegatives(train, self.false_negatives) if self.false_negatives else None
        return self


def truncation_factors(losses: Tensor, drop: float) -> Tensor:
    """Return factors that take the rows of highest loss out of a mean; losses [M] → [M]."""
    dropped = int(drop * len(losses))
    factors = torch.full_like(losses, len(losses) / max(1, len(losses) - dropped), requires_grad=False)
    factors[losses.detach().topk(dropped).indices] = 0.0
    return factors


def reweighting_factors(losses: Tensor, beta: float) -> Tensor:
    """Return ``e^(-beta loss)``; losses [M] → [M]."""
    return (-beta * losses.detach()).exp()


class DenoisedObjective(nn.Module):
    """An `Objective` that truncates or reweights the rows of another one by their losses."""

    steps: Tensor

    def __init__(self, config: options.Truncated | options.Reweighted, objective: Objective) -> None:
        super().__init__()
        self.config, self.objective = config, objective
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return the loss of each row times its factor → [M]."""
        losses = self.objective.loss(states, targets, head, None, users)
        factors = self._factors(losses)
        if self.training:
            self.steps += 1
        return apply_weight(losses * factors, weight)

    def with_counts(self, counts: NDArray[Any]) -> Self:
        """Set the training counts of the inner objective and reset the steps; counts [N + 1]."""
        self.objective = self.objective.with_counts(counts)
        self.steps.zero_()
        return self

    def _factors(self, losses: Tensor) -> Tensor:
        if not isinstance(self.config, options.Truncated):
            return reweighting_factors(losses, self.config.beta)
        grown = min(1.0, int(self.steps) / self.config.steps) if self.config.steps else 1.0
        return truncation_factors(losses, self.config.drop * grown)


def reads_catalogue(objective: Objective) -> bool:
    """Return whether an objective asks for the scores of the whole catalogue."""
    if isinstance(objective, DenoisedObjective):
        return reads_catalogue(objective.objective)
    return not isinstance(objective, InBatchDebiasedObjective | SampledObjective)


def observed(objective: Objective, train: Sequences) -> Objective:
    """Let an objective see the training data once, before the first step.

    Parameters
    ----------
    objective : Objective
        What a model is taught by.
    train : Sequences
        What will be trained on.

    Returns
    -------
    Objective
        The same with the counts, and with the events where it asks for them.
    """
    objective = objective.with_counts(train.item_counts())
    return objective.with_rows(train) if isinstance(objective, SampledObjective) else objective


def create_objective(
    config: options.ObjectiveConfig, n_items: int, counts: NDArray[Any] | None = None, n_users: int = 0
) -> Objective:
    """Return the objective that a configuration asks for, with its sampler.

    Parameters
    ----------
    config : ObjectiveConfig
    n_items : int
        Size N of the catalogue.
    counts : ndarray or None, shape [N + 1]
        Training counts by item code, entry 0 not read (as `Sequences.item_counts` returns): what negatives by popularity
        are drawn from, and the q of in-batch negatives under a logQ correction. May come later, by ``with_counts``.
    n_users : int
        Number of users, for temperatures that differ by user.

    Returns
    -------
    Objective
        Ready to use. One that learns something itself is a module, so that a model which holds it saves it.

    Raises
    ------
    ValueError
        If `counts` has another shape or no positive entry, or a temperature differs by user and there are no users.
    """
    if isinstance(config, options.Truncated | options.Reweighted):
        return DenoisedObjective(config, create_objective(config.objective, n_items, counts, n_users))
    if isinstance(config, options.InBatchDebiased):
        debiased = InBatchDebiasedObjective(config, n_items)
        return debiased if counts is None else debiased.with_counts(counts)
    if isinstance(config, options.FullSoftmax):
        return FullSoftmaxObjective(create_rule(config.temperature, n_users, n_items), n_items)
    if isinstance(config, options.Contrast):
        function: ScoreLoss | Pointwise = create_loss(config.loss, n_users, n_items)
    elif isinstance(config, options.SampledSoftmax):
        function = ScoreLoss(sampled_softmax, create_rule(config.temperature, n_users, n_items))
    else:
        function = _pointwise(config, n_items)
    objective = SampledObjective(function, config, n_items)
    return objective if counts is None else objective.with_counts(counts)


def _pointwise(config: options.BCE | options.GBCE | options.BPR, n_items: int) -> Pointwise:
    if isinstance(config, options.GBCE):
        return lambda positive, negative, n: gbce(positive, negative, gbce_beta(n, n_items, config.t))
    loss = bce if isinstance(config, options.BCE) else bpr
    return lambda positive, negative, n: loss(positive, negative)
