"""Objectives over the full catalogue or sampled negatives, and the factory `create_objective`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from reverie.nn.heads import DotHead
from reverie.objectives.checks import check_targets
from reverie.objectives.config import BCE, BPR, GBCE, Contrast, FullSoftmax, ObjectiveConfig, Reweighted, SampledSoftmax, Truncated
from reverie.objectives.contrastive.score_loss import ScoreLoss, create_loss
from reverie.objectives.contrastive_objective import ContrastiveObjective
from reverie.objectives.denoising import DenoisedObjective
from reverie.objectives.dro.rules import create_rule
from reverie.objectives.full import full_softmax
from reverie.objectives.negatives import Negatives, Sampler, apply_weight, create_sampler, require_sampler, score_draws
from reverie.objectives.pointwise import bce, bpr, gbce, gbce_beta
from reverie.objectives.softmax import sampled_softmax, shared_softmax
from reverie.objectives.tempered_softmax import TemperedSoftmaxObjective

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.data.sequences import Sequences
    from reverie.objectives.config import NegativesConfig
    from reverie.objectives.protocol import Objective
    from reverie.protocols import Head


@dataclass(frozen=True)
class FullSoftmaxObjective:
    """Cross-entropy over the whole catalogue."""

    temperature: float = 1.0

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Return the loss of each row; states [M, D], targets [M], weight [M], users [M] → [M]."""
        return apply_weight(full_softmax(states, targets, head, self.temperature), weight)

    def with_counts(self, counts: NDArray[Any]) -> FullSoftmaxObjective:
        """Return itself: it draws nothing; counts [N + 1]."""
        return self


@dataclass(frozen=True)
class SampledObjective:
    """A loss over the target's score and those of sampled negatives."""

    function: Callable[[Tensor, Tensor, Negatives], Tensor]
    negatives: NegativesConfig
    n_items: int
    sampler: Sampler | None
    shared: Callable[[Tensor, Tensor, Tensor, DotHead], Tensor] | None = None

    def loss(
        self, states: Tensor, targets: Tensor, head: Head, weight: Tensor | None = None, users: Tensor | None = None
    ) -> Tensor:
        """Draw negatives and return the loss of each row; states [M, D], targets [M], weight [M], users [M] → [M]."""
        sampler = require_sampler(self.sampler, self.negatives)
        check_targets(states, targets, head.n_items)
        if len(targets) == 0:
            return apply_weight(head.scores(states, targets[:, None])[:, 0], weight)
        drawn = sampler.draw(targets)
        if self.shared is not None and drawn.items.dim() == 1 and isinstance(head, DotHead):
            return apply_weight(self.shared(states, targets, drawn.items, head), weight)
        positive, negative = score_draws(states, targets, head, drawn)
        return apply_weight(self.function(positive, negative, drawn), weight)

    def with_counts(self, counts: NDArray[Any]) -> SampledObjective:
        """Return the same objective, drawing by these counts where its negatives depend on them; counts [N + 1]."""
        return replace(self, sampler=create_sampler(self.negatives, self.n_items, counts))


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
    return objective.with_rows(train) if isinstance(objective, ContrastiveObjective) else objective


def create_objective(config: ObjectiveConfig, n_items: int, counts: NDArray[Any] | None = None, n_users: int = 0) -> Objective:
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
    if isinstance(config, FullSoftmax):
        if isinstance(config.temperature, int | float):
            return FullSoftmaxObjective(config.temperature)
        return TemperedSoftmaxObjective(create_rule(config.temperature, n_users, n_items), n_items)
    if isinstance(config, SampledSoftmax) and not isinstance(config.temperature, int | float):
        tempered = ScoreLoss(sampled_softmax, create_rule(config.temperature, n_users, n_items))
        ruled = ContrastiveObjective(tempered, config.negatives, n_items, logq=config.logq)
        return ruled if counts is None else ruled.with_counts(counts)
    if isinstance(config, Truncated | Reweighted):
        return DenoisedObjective(config, create_objective(config.objective, n_items, counts, n_users))
    if isinstance(config, Contrast):
        objective = ContrastiveObjective(
            create_loss(config.loss, n_users, n_items), config.negatives, n_items, config.false_negatives
        )
        return objective if counts is None else objective.with_counts(counts)
    waits = counts is None and config.negatives.source == "popularity"
    sampler = None if waits else create_sampler(config.negatives, n_items, counts)
    shared = None
    if isinstance(config, SampledSoftmax) and not config.logq:
        shared = partial(shared_softmax, temperature=_number(config))
    return SampledObjective(_function(config, n_items), config.negatives, n_items, sampler, shared)


def _function(config: SampledSoftmax | BCE | GBCE | BPR, n_items: int) -> Callable[[Tensor, Tensor, Negatives], Tensor]:
    if isinstance(config, SampledSoftmax):
        return partial(_softmax, logq=config.logq, temperature=_number(config))
    if isinstance(config, GBCE):
        return partial(_gbce, n_items=n_items, t=config.t)
    loss = bce if isinstance(config, BCE) else bpr
    return lambda positive, negative, drawn: loss(positive, negative)


def _number(config: SampledSoftmax) -> float:
    if not isinstance(config.temperature, int | float):
        raise TypeError("a temperature that follows from the scores needs `ContrastiveObjective`")
    return config.temperature


def _softmax(positive: Tensor, negative: Tensor, drawn: Negatives, logq: bool, temperature: float) -> Tensor:
    return sampled_softmax(positive, negative, -drawn.log_expected() if logq else None, temperature)


def _gbce(positive: Tensor, negative: Tensor, drawn: Negatives, n_items: int, t: float) -> Tensor:
    return gbce(positive, negative, gbce_beta(drawn.n, n_items, t))
