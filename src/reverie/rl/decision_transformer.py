"""Decision transformer: the next item given the history and the return that is to follow (Chen et al. 2021)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.data.transitions import TransitionBatch
from reverie.data.vocabulary import Vocabulary
from reverie.models.item_encoders.create import create_item_encoder
from reverie.models.learned import InnerProductScores, ObjectiveModel
from reverie.models.sasrec.model import CausalTransformer
from reverie.nn.blocks import BLOCKS
from reverie.nn.heads import DotHead
from reverie.nn.states import last_states, real_positions
from reverie.objectives.objective import create_objective
from reverie.rl.decision_transformer_config import DecisionTransformerConfig
from reverie.rl.returns import returns_to_go


class ReturnConditioned(nn.Module):
    """Causal transformer over items and the return-to-go after each of them."""

    def __init__(self, config: DecisionTransformerConfig) -> None:
        super().__init__()
        self.as_token = config.enters == "token"
        self.read_return = nn.Linear(1, config.dim)
        self.positions = nn.Parameter(torch.empty(config.history, config.dim))
        nn.init.xavier_normal_(self.positions)
        make, sizes = BLOCKS["standard"], (config.dim, config.heads, config.multiple, config.dropout)
        blocks = [make(*sizes, rope=False) for _ in range(config.blocks)]
        self.transformer = CausalTransformer(blocks, config.dim, config.history, config.dropout, learned_positions=False)

    def forward(self, x: Tensor, returns: Tensor, users: Tensor) -> Tensor:
        """Return the state after each event; x [B, L, D], returns [B, L], users [B] → [B, L, D]."""
        place, wanted = self.positions[: x.shape[1]], self.read_return(returns[..., None])
        if not self.as_token:
            added: Tensor = self.transformer(x + wanted + place, users)
            return added
        both = torch.stack([x + place, wanted + place], 2).flatten(1, 2)
        after_returns: Tensor = self.transformer(both, users)[:, 1::2]
        return after_returns


class DecisionTransformer(InnerProductScores, ObjectiveModel):
    """Imitates the log given the return that followed; recommends by asking for a high one.

    In training the state after event t is given ``Σ_{k ≥ t} γ^{k - t} r_k`` over the rest of the row, also beyond the piece that is
    read. Histories carry no rewards when recommending, so the target cannot be lowered by what was already earned: the same target,
    a quantile of the training states' returns-to-go, stands at every event, as if it were still to come (our reading).

    .. [1] Chen et al., Decision transformer: reinforcement learning via sequence modeling, NeurIPS 2021, arXiv 2106.01345.
       Deviations: an action is the next item, so state and last action are one token; returns are standardised by the training
       states' mean and deviation instead of divided by a constant of the task; pre-norm blocks; item vectors are shared by input
       and output; sampled softmax by default (``objective={kind: full_softmax}`` is the published cross-entropy); no warm-up.
    """

    plan = "transitions"
    centre: Tensor
    spread: Tensor
    asked: Tensor

    def __init__(self, config: DecisionTransformerConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.config, self.history = config, config.history
        self.encoder = create_item_encoder(config.item_encoder, vocabulary, config.dim, config.table)
        self.network = ReturnConditioned(config)
        self.objective = create_objective(config.objective, vocabulary.n_items, n_users=vocabulary.n_users)
        self._returns = torch.zeros(0)
        for name, value in (("centre", 0.0), ("spread", 1.0), ("asked", config.target_return or 0.0)):
            self.register_buffer(name, torch.tensor(value))

    def observe(self, train: Sequences) -> None:
        """See the training data once, before the first step: the return-to-go after each event, and which one to ask for."""
        super().observe(train)
        returns = returns_to_go(train.columns["reward"][train.positions()].astype(np.float64), train.lengths, self.config.gamma)
        first = np.cumsum(train.lengths) - train.lengths
        of_actions = np.delete(returns, first[train.lengths > 0])  # the first event of a row follows no state
        self._returns = torch.from_numpy(returns.astype(np.float32)).to(self.centre.device)
        self.centre.fill_(float(of_actions.mean()))
        self.spread.fill_(float(of_actions.std()) or 1.0)
        self.ask_for(float(np.quantile(of_actions, self.config.quantile)) if self.config.target_return is None else None)

    def ask_for(self, target: float | None) -> None:
        """Ask for another return when recommending, in units of reward; None asks for that of the options."""
        wanted = self.config.target_return if target is None else target
        if wanted is None:
            raise ValueError("give a return; the options name none")
        self.asked.fill_(wanted)

    def states(self, batch: SequenceBatch) -> Tensor:
        """Return the state after each event, given the return that is asked for → [B, L, D]."""
        return self._states(batch, self.asked.expand(batch.items.shape))

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the state after the last event → [B, D]."""
        return last_states(self.states(batch), batch.lengths)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N → [N, D]."""
        return self.encoder.table()

    def returns_of(self, batch: TransitionBatch) -> Tensor:
        """Return the return-to-go after each state of training pieces, over the rest of their rows → [B, L]."""
        if batch.first is None or batch.targets is None or not len(self._returns):
            raise ValueError("decision-transformer.loss needs a batch of the plan 'transitions', after observe(train)")
        at = batch.first[:, None] + 1 + torch.arange(batch.targets.shape[1], device=batch.first.device)
        return self._returns[at.clamp(max=len(self._returns) - 1)].masked_fill(batch.targets == 0, 0.0)

    def loss(self, batch: TransitionBatch) -> dict[str, Tensor]:
        """Return the training loss, averaged over all actions of the batch."""
        targets = batch.actions
        items, returns = (F.pad(one.flatten(), (1, 0)) for one in (batch.items[:, : targets.shape[1]], self.returns_of(batch)))
        places = torch.arange(1, targets.numel() + 1, device=targets.device).view_as(targets).masked_fill(targets == 0, 0)
        acted = SequenceBatch(places, batch.lengths - 1, batch.users, targets=targets)

        states, actions, users = real_positions(lambda at: self._inputs(items[at], returns[at]), self._read, acted)
        head = DotHead(self.item_table(), rowwise=self.encoder.rowwise)
        return {"loss": self.objective.loss(states, actions, head, users=users).mean()}

    def _states(self, batch: SequenceBatch, returns: Tensor) -> Tensor:
        return self._read(self._inputs(batch.items, returns), batch)

    def _inputs(self, items: Tensor, returns: Tensor) -> Tensor:
        """Return item vectors with the standardised return behind each; items, returns [...] → [..., D + 1]."""
        x = self.encoder.encode(items)
        standard = ((returns - self.centre) / self.spread).to(x.dtype)
        return torch.cat([x * math.sqrt(x.shape[-1]), standard[..., None]], -1)

    def _read(self, inputs: Tensor, batch: SequenceBatch) -> Tensor:
        out: Tensor = self.network(inputs[..., :-1], inputs[..., -1], batch.users)
        return out
