"""Prompts that begin alike are read once: the beginning into a cache of keys and values, the ends after it, many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from reverie.errors import ConfigError
from reverie.llm.batches import collate
from reverie.llm.generate import cache_name
from reverie.llm.prompts import SOFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.backbone import Backbone
    from reverie.llm.batches import MixedBatch


@dataclass(frozen=True)
class Read:
    """Beginnings that a language model has read; mask [B, P], lengths [B]."""

    layers: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor
    lengths: Tensor

    def repeated(self, times: int) -> Read:
        """Return one beginning for several ends, without copying it."""
        layers = tuple((k.expand(times, -1, -1, -1), v.expand(times, -1, -1, -1)) for k, v in self.layers)
        return Read(layers, self.mask.expand(times, -1), self.lengths.expand(times))


def common_length(prompts: Sequence[Sequence[int]], stop_at_soft: bool = False) -> int:
    """Return how many tokens all prompts begin with; at least one token of each stays behind."""
    lists = [list(prompt) for prompt in prompts]
    first, last = min(lists), max(lists)  # whatever lies between them in order shares their beginning
    longest = min(len(prompt) for prompt in prompts) - 1
    shared = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    if stop_at_soft:
        longest = min(longest, next((at for at, token in enumerate(first) if token == SOFT), longest))
    return max(0, min(shared, longest))


def read(backbone: Backbone, beginnings: Sequence[Sequence[int]], vectors: Tensor) -> Read:
    """Read beginnings; vectors [S, D]."""
    batch = collate(backbone, beginnings, side="left")
    out = backbone.model(
        inputs_embeds=batch.embeds(backbone, vectors),
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=True,
        logits_to_keep=1,
    )
    layers = tuple((layer.keys, layer.values) for layer in getattr(out, cache_name(backbone)).layers)
    kept, asked = min(keys.shape[2] for keys, _ in layers), batch.mask.shape[1]
    if kept < asked:
        raise ConfigError(
            f"{backbone.name} keeps {kept} of the {asked} tokens of a prompt (a sliding window), so none can be shared; "
            "name fewer titles, or choose another language model"
        )
    return Read(layers, batch.mask, batch.mask.sum(1))


def answers(
    backbone: Backbone, ends: Sequence[Sequence[int]], vectors: Tensor, words: Tensor, before: Read | None = None
) -> Tensor:
    """Return the logits of some words after prompts; vectors [S, D], words [W] → [B, W]."""
    batch = collate(backbone, ends, side="left", room=0 if before is None else int(before.lengths.max()))
    out = backbone.model(inputs_embeds=batch.embeds(backbone, vectors), logits_to_keep=1, **following(backbone, batch, before))
    logits: Tensor = out.logits[:, -1].float()
    return logits.index_select(1, words)


def following(backbone: Backbone, batch: MixedBatch, before: Read | None) -> dict[str, Any]:
    """Return what a language model needs to be told about a batch that follows what it has read."""
    from transformers import DynamicCache

    if before is None:
        return {"attention_mask": batch.mask, "position_ids": batch.positions, "use_cache": False}
    return {
        "attention_mask": torch.cat([before.mask, batch.mask], dim=1),
        "position_ids": batch.positions + before.lengths[:, None] * batch.mask,
        cache_name(backbone): DynamicCache(before.layers),
        "use_cache": True,
    }
