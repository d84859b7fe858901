"""`ValueModel`: a sequence backbone with a cross-entropy head and a Q head, a target network, and a choice of who acts."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Generic, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.data.transitions import TransitionBatch
from reverie.data.vocabulary import Vocabulary
from reverie.models.shown import ShownModel
from reverie.nn.states import last_states, score_items
from reverie.objectives.negatives import Sampler, create_sampler
from reverie.protocols import Card
from reverie.rl.config import ValueOptions
from reverie.rl.losses import bootstrapped, temporal_difference
from reverie.rl.network import ValueNetwork, greedy_items
from reverie.rl.steps import Transitions, score_each
from reverie.rl.watch import Watch
from reverie.seeds import numpy_generator

Config = TypeVar("Config", bound=ValueOptions)
Terms: TypeAlias = dict[str, tuple[float, Callable[[Transitions], Tensor]]]
"""Losses by name: the weight, and the function that gives a scalar."""
MANY = 2048
"""Items up to which ``maximum: auto`` and ``conservative: auto`` look at all of them."""


class ActsByHeads(ShownModel, nn.Module, Generic[Config]):
    """What all value models share: networks, steps of their training, Q values, and scores by a policy."""

    plan = "transitions"
    card: Card
    steps: Tensor
    coin: Tensor
    mixed: Tensor

    def __init__(self, config: Config, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config: Config = config
        self.history: int | None = config.history
        self.n_items = vocabulary.n_items
        self.online = ValueNetwork(config, vocabulary, self.further_heads())
        if config.target == "coin":
            self.target = ValueNetwork(config, vocabulary, self.further_heads())
        else:
            self.target = deepcopy(self.online).requires_grad_(False)
        self.full_maximum, self.full_conservative = (
            one == "full" or (one == "auto" and self.n_items <= MANY) for one in (config.maximum, config.conservative)
        )
        self._sampler: Sampler | None = None
        if config.candidates.source != "popularity":
            self._sampler = create_sampler(config.candidates, self.n_items)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("coin", torch.randint(2**31, ()))
        self.register_buffer("mixed", torch.tensor(1.0 if config.mix is None else config.mix))
        self.watch = Watch(len(self.terms()))

    def further_heads(self) -> Callable[[], nn.Module] | None:
        """Return what makes the heads of each network beside logits and Q; None for no others."""
        return None

    def terms(self) -> Terms:
        """Return the losses of the model by name, with their weights; those of weight 0 are never computed."""
        return {"ce": (self.config.ce_weight, self.cross_entropy)}

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step."""
        for network in (self.online, self.target):
            network.backbone.observe(train)
        self._sampler = create_sampler(self.config.candidates, self.n_items, train.item_counts())
        self.watch.observe(train, self.config.history)

    def loss(self, batch: TransitionBatch) -> dict[str, Tensor]:
        """Return the weighted losses by name, each a mean over the transitions of the batch."""
        step = self.transitions(batch)
        named = self.terms()
        found = {name: weight * term(step) for name, (weight, term) in named.items() if weight}
        if self.training:
            self.watch.add([found[name].detach() if name in found else None for name in named])
        return found

    def transitions(self, batch: TransitionBatch) -> Transitions:
        """Return what a step looks at: the states of a batch by the network that is trained in it."""
        main, target = self.online, self.target
        if self.config.target == "coin" and self.training:
            heads = numpy_generator(int(self.coin), "coin", int(self.steps)).random() < 0.5
            main, target = (main, target) if heads else (target, main)
        main.train(self.training)
        if self._sampler is None:
            raise ValueError("candidates drawn by popularity need counts: call observe(train) first")
        drops = self.config.dropout > 0 or "item_encoder" in self.config.backbone_options
        return Transitions(batch, main, target, self._sampler, drops)

    def cross_entropy_of_each(self, step: Transitions) -> Tensor:
        """Return the training loss of the logits for each transition → [M]."""
        return step.main.backbone.objective.loss(step.states, step.actions, step.ce_head, users=step.users)

    def cross_entropy(self, step: Transitions) -> Tensor:
        """Return the mean training loss of the logits."""
        return self.cross_entropy_of_each(step).mean()

    @torch.no_grad()
    def greedy_next(self, step: Transitions) -> Tensor:
        """Return ``argmax_a Q_main(s', a)`` over all items, or over drawn ones and the logged next item → [M]."""
        if self.full_maximum:
            return greedy_items(step.frozen_q_head, step.next_states)
        return step.next_candidates.best(step.next_candidates.scores(step.frozen_q_head, step.next_states))

    def td_targets(self, step: Transitions) -> Tensor:
        """Return ``r + γ (1 - done) Q_target(s', argmax_a Q_main(s', a))`` (double Q) → [M]."""
        with torch.no_grad():
            values = score_each(step.target_q_head, step.target_next_states, self.greedy_next(step))
            return bootstrapped(step.rewards, step.done, self.config.gamma, values)

    def td_loss(self, step: Transitions) -> Tensor:
        """Return the mean double-Q temporal-difference loss."""
        return temporal_difference(step.q_taken, self.td_targets(step)).mean()

    @torch.no_grad()
    def after_step(self) -> None:
        """Move the target network, and count the step."""
        self.steps += 1
        moved: list[Tensor] = list(self.target.parameters())
        trained: list[Tensor] = list(self.online.parameters())
        if self.config.target == "ema":
            torch._foreach_lerp_(moved, trained, self.config.target_rate)
        elif self.config.target == "periodic" and int(self.steps) % self.config.target_steps == 0:
            torch._foreach_copy_(moved, trained)

    def after_epoch(self, row: dict[str, Any]) -> list[str]:
        """Add the mean of each loss and what the watch measured to the row of the log; return warnings to print."""
        return self.watch.report(self, list(self.terms()), row)

    def choose(self, measure: Callable[[], float]) -> dict[str, Any]:
        """Try the factors of Q on validation where the policy mixes and none is given; keep the best and return it."""
        if self.config.policy != "ce+q" or self.config.mix is not None:
            return {}
        found = []
        for value in self.config.grid:
            self.mixed.fill_(value)
            found.append((measure(), -value))
        known = [pair for pair in found if pair[0] == pair[0]]
        if not known:
            self.mixed.fill_(1.0)
            return {}
        chosen = -max(known)[1]
        self.mixed.fill_(chosen)
        return {"mix": chosen}

    @property
    def gamma(self) -> float:
        """Discount γ of the values."""
        return self.config.gamma

    @property
    def mix(self) -> float | Tensor:
        """Factor of Q in ``ce+q``: that of the options, or the one chosen on validation."""
        return self.mixed if self.config.mix is None else self.config.mix

    def last_state(self, batch: SequenceBatch) -> Tensor:
        """Return the backbone's state after the last event → [B, D]."""
        return self.online.backbone.last_state(batch)

    def q_values(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Return Q(s, a) of all items, or of candidates ``items [B, C]``, in units of discounted reward → [B, N] or [B, C]."""
        return self.scores_by("q", batch, items)

    def scores_by(self, policy: str, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Return the scores of a policy; items [B, C] → [B, N] or [B, C]."""
        vectors = self.online.vectors(self.last_state(batch), policy, self.mix)
        return score_items(vectors, self.online.table(policy), items)


class ValueModel(ActsByHeads[Config]):
    """A value model whose scores are inner products under every policy."""

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates by the policy; items [B, C] → [B, N] or [B, C]."""
        return self.scores_by(self.config.policy, batch, items)

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return after each event the vector that meets `item_table` → [B, L, W]."""
        return self.online.vectors(self.online.backbone.states(batch), self.config.policy, self.mix)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the vector after the last event → [B, W]."""
        return last_states(self.states(batch), batch.lengths)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, W]."""
        return self.online.table(self.config.policy)
