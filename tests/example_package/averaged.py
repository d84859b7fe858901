"""A model that learns: a history is the mean of its items' vectors, which meets the items' vectors in an inner product."""

from typing import Any

import torch
from pydantic import PositiveInt
from torch.nn import functional as F

from reverie.options import Options
from reverie.registry import Entry


class AveragedConfig(Options):
    dim: PositiveInt = 32
    """Width of the vectors."""


class Averaged(torch.nn.Module):
    plan = "prefixes"  # its batches: histories, and in `targets` [B] what came next
    history = 50  # events that it reads

    def __init__(self, config: AveragedConfig, vocabulary: Any) -> None:
        super().__init__()
        self.items = torch.nn.Embedding(vocabulary.n_items + 1, config.dim, padding_idx=0)  # code 0 is padding

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        mean = self.items(batch.items).sum(dim=1) / batch.lengths.clamp(min=1)[:, None]
        whole = mean @ self.items.weight[1:].T
        return whole if items is None else whole.gather(1, (items - 1).clamp(min=0))

    def loss(self, batch: Any) -> dict[str, torch.Tensor]:
        return {"loss": F.cross_entropy(self.scores(batch), batch.targets - 1)}


ENTRY = Entry("averaged:Averaged", "averaged:AveragedConfig", summary="mean of the vectors", tags=frozenset({"learns"}))
