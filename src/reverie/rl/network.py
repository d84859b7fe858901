"""A sequence backbone with two heads on its states: logits of the next item, and Q values."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch
from reverie.data.vocabulary import Vocabulary
from reverie.models.learned import SequenceRecommender
from reverie.models.shelf import MODELS
from reverie.nn.heads import DotHead, IdTable
from reverie.rl.config import ValueOptions

CHUNK = 4096
"""Items whose Q values are computed at once."""


class ValueNetwork(nn.Module):
    """A registered sequence model whose states also meet a second item table with biases: ``Q(s, a) = <s, w_a> + b_a``."""

    def __init__(self, config: ValueOptions, vocabulary: Vocabulary, further: Callable[[], nn.Module] | None = None) -> None:
        super().__init__()
        self.backbone: SequenceRecommender = MODELS.build(config.backbone)(config.backbone_config(), vocabulary)
        self.values = IdTable(vocabulary.n_items, config.dim, config.table == "rowwise")
        self.bias = nn.Parameter(torch.zeros(vocabulary.n_items))
        self.further = None if further is None else further()
        """Further heads of a model."""
        nn.init.normal_(self.values.weight, std=0.01)

    def flat_states(self, batch: SequenceBatch) -> tuple[Tensor, Tensor]:
        """Return the states after all real events, and where each event stands in the flattened items → [E, D], [E].

        Rows are laid end to end, so the state after the next event of a row is the next one.
        """
        places = torch.arange(1, batch.items.numel() + 1, device=batch.items.device).view_as(batch.items)
        real = torch.arange(batch.items.shape[1], device=places.device) < batch.lengths[:, None]
        events = SequenceBatch(batch.items, batch.lengths, batch.users, targets=places.masked_fill(~real, 0))
        states, found, _ = self.backbone.states_with_targets(events)
        return states, found - 1

    def ce_head(self) -> DotHead:
        """Return the head of the logits; made anew from the live item table."""
        backbone = self.backbone
        return DotHead(backbone.item_table(), rowwise=backbone.encoder.rowwise, unit_states=backbone.cosine, chunk=CHUNK)

    def q_head(self) -> DotHead:
        """Return the head of the Q values; made anew from the live item table."""
        return DotHead(self.values.table(), self.bias, rowwise=self.values.rowwise, chunk=CHUNK)

    def vectors(self, states: Tensor, policy: str, mix: float | Tensor) -> Tensor:
        """Return what the states are in the inner products of a policy; states [..., D] → [..., W]."""
        unit = F.normalize(states, dim=-1) if self.backbone.cosine else states
        ones = states.new_ones((*states.shape[:-1], 1))
        if policy == "ce":
            return unit
        if policy == "q":
            return torch.cat([states, ones], -1)
        return torch.cat([unit, mix * states, mix * ones], -1)

    def table(self, policy: str) -> Tensor:
        """Return what the items are in the inner products of a policy → [N, W]."""
        values = torch.cat([self.values.table(), self.bias[:, None]], 1)
        parts = {"ce": [self.backbone.item_table()], "q": [values], "ce+q": [self.backbone.item_table(), values]}
        return torch.cat(parts[policy], 1)


@torch.no_grad()
def top_scores(head: DotHead, states: Tensor) -> Tensor:
    """Return the highest score of any item for each state, the catalogue in chunks; states [M, D] → [M]."""
    return torch.stack([chunk.scores(states).amax(1) for chunk in head.chunks(states)]).amax(0)


@torch.no_grad()
def greedy_items(head: DotHead, states: Tensor, allowed: tuple[DotHead, float] | None = None) -> Tensor:
    """Return the item of highest score for each state, the catalogue in chunks; states [M, D] → [M].

    `allowed` is another head and a margin: only items are taken whose score by that head is at most so far below its best.
    """
    best = torch.full((len(states),), float("-inf"), device=states.device)
    items = torch.ones(len(states), dtype=torch.int64, device=states.device)
    floor = None
    if allowed is not None:
        floor = top_scores(allowed[0], states)[:, None] - allowed[1]
    likely = allowed[0].chunks(states) if allowed is not None else None
    for chunk in head.chunks(states):
        scores = chunk.scores(states)
        if likely is not None and floor is not None:
            scores = scores.masked_fill(next(likely).scores(states) < floor, float("-inf"))
        top, at = scores.max(1)
        better = top > best
        best, items = torch.where(better, top, best), torch.where(better, at + chunk.first, items)
    return items
