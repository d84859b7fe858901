"""The adversary of a model in training: when it begins, how far it moves vectors, and what the loss is then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from reverie import processes
from reverie.objectives.adversarial import perturbation, perturbed_loss, vulnerability
from reverie.objectives.adversarial_config import APR
from reverie.objectives.draws import weighted

if TYPE_CHECKING:
    from reverie.objectives.adversarial_config import AdversarialConfig
    from reverie.objectives.objective import Objective
    from reverie.protocols import Head


class Adversary(nn.Module):
    """Adds λ times the loss under perturbation, after some plain epochs.

    A module, because the number of examples seen is part of a training's state.

    Parameters
    ----------
    config : APR or VAT
        Options.

    Notes
    -----
    Perturbations are of one example, as in both papers' algorithms: an item that occurs in two rows of a batch is moved for each
    in its own way, and each vector is moved by its own length. Deviation from the authors' code of APR, which sums gradients of
    a batch by row of the tables first: none where each user and item occurs once in a batch. As in the code of both, the plain
    model is trained first, but here within the same training.
    """

    examples: Tensor

    def __init__(self, config: AdversarialConfig) -> None:
        super().__init__()
        self.config, self.epoch_size = config, 0
        self.register_buffer("examples", torch.zeros((), dtype=torch.int64))

    def observe(self, n_examples: int) -> None:
        """Be told the number of examples of an epoch, before the first step.

        Parameters
        ----------
        n_examples : int
            Training events.
        """
        self.epoch_size = n_examples
        self.examples.zero_()

    @property
    def unsettled(self) -> bool:
        """Whether no step under perturbation was made yet, so that weights are not to be chosen."""
        return not self.off and int(self.examples) <= self.config.plain_epochs * self.epoch_size

    @property
    def off(self) -> bool:
        """Whether the options ask for plain training."""
        return not (self.config.epsilon and self.config.weight)

    @property
    def waiting(self) -> bool:
        """Whether the plain epochs are not over yet."""
        return not self.off and int(self.examples) < self.config.plain_epochs * self.epoch_size

    def losses(
        self, objective: Objective, states: Tensor, targets: Tensor, head: Head, width: int, weight: Tensor | None, users: Tensor
    ) -> Tensor:
        """Return the training losses of some rows.

        Negatives are drawn once: the perturbed loss is that of the same draws.

        Parameters
        ----------
        objective : Objective
            With drawn negatives.
        states : Tensor, shape [M, D]
            States.
        targets : Tensor, shape [M], int64
            Item codes 1..N.
        head : Head
            Scores items by inner products.
        width : int
            Number of leading columns of a state that are its vector.
        weight : Tensor or None, shape [M]
            Factor of each row.
        users : Tensor, shape [M], int64
            Whose row it is.

        Returns
        -------
        Tensor, shape [M]
            ``weight · (L(p, q) + λ L(p + Δp, q + Δq))``, or the plain losses.
        """
        plainly = self.off or self.waiting
        if self.training:
            self.examples += len(targets) * processes.world()
        if plainly:
            return objective.loss(states, targets, head, weight, users)

        def loss(moved: Tensor, scorer: Head) -> Tensor:
            return objective.loss(moved, targets, scorer, None, users)

        with torch.random.fork_rng([states.device] if states.device.type == "cuda" else []):
            plain, found = perturbation(loss, states, head, lambda losses: self._length(losses, users), width)
        return weighted(plain + self.config.weight * perturbed_loss(loss, states, head, found), weight)

    def _length(self, losses: Tensor, users: Tensor) -> Tensor:
        if isinstance(self.config, APR):
            return torch.full_like(losses, self.config.epsilon)
        return self.config.epsilon * vulnerability(losses, users, self.config.user_weight)
