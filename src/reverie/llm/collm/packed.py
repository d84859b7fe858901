"""Many continuations of one prefix packed into one row, without padding or copies of the prefix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.llm.batches import collate
from reverie.llm.generate import cache_name
from reverie.llm.prefix import answer_logits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reverie.llm.backbone import Backbone
    from reverie.llm.prefix import Prefix

TOKENS = 256
"""Tokens of a packed row: enough for the matrix products, and few beside the square that attention costs."""
MASKED = ("sdpa", "eager")
"""Attention that takes a mask of its own for each pair of places."""


def packed_answer_logits(
    backbone: Backbone, ends: Sequence[Sequence[int]], vectors: Tensor, words: Tensor, prefix: Prefix, rows: int
) -> Tensor:
    """Return the logits of some words after many continuations of one prefix; what `answer_logits` gives, up to rounding.

    vectors [M, s, D], words [W] → [M, W].
    """
    parts = []
    if getattr(backbone.base_model.config, "_attn_implementation", "") not in MASKED:
        for at in range(0, len(ends), rows):
            some, soft = ends[at : at + rows], vectors[at : at + rows].flatten(0, 1)
            parts.append(answer_logits(backbone, some, soft, words, prefix.repeated(len(some))))
        return torch.cat(parts)
    length = int(prefix.lengths[0])
    for first, stop in _cuts(ends, min(TOKENS, backbone.context - length)):
        parts.append(_row(backbone, ends[first:stop], vectors[first:stop].flatten(0, 1), words, prefix, length))
    return torch.cat(parts)


def _row(backbone: Backbone, ends: Sequence[Sequence[int]], vectors: Tensor, words: Tensor, prefix: Prefix, length: int) -> Tensor:
    from transformers import DynamicCache

    sizes = torch.tensor([len(end) for end in ends])
    batch = collate(backbone, [[token for end in ends for token in end]])
    which = torch.repeat_interleave(torch.arange(len(ends)), sizes)
    place = torch.arange(len(which)) - (sizes.cumsum(0) - sizes)[which]
    own = (which[:, None] == which) & (place[:, None] >= place)
    seen = torch.cat([torch.ones(len(which), length, dtype=torch.bool), own], dim=1)
    embeds = batch.embeds(backbone, vectors)
    mask = torch.zeros(seen.shape, dtype=embeds.dtype).masked_fill(~seen, torch.finfo(embeds.dtype).min)
    out = backbone.model(
        inputs_embeds=embeds,
        attention_mask=mask[None, None].to(embeds.device),
        position_ids=(place + length)[None].to(embeds.device),
        use_cache=True,
        logits_to_keep=(sizes.cumsum(0) - 1).to(embeds.device),
        **{cache_name(backbone): DynamicCache(prefix.layers)},
    )
    logits: Tensor = out.logits[0].float()
    return logits.index_select(1, words)


def _cuts(ends: Sequence[Sequence[int]], room: int) -> Iterator[tuple[int, int]]:
    """Yield consecutive pieces of at most `room` tokens, one end at least."""
    first = held = 0
    for at, end in enumerate(ends):
        if at > first and held + len(end) > room:
            yield first, at
            first, held = at, 0
        held += len(end)
    if ends:
        yield first, len(ends)
