"""Log-likelihoods of answers, and prompts whose beginning is read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import ConfigError
from reverie.llm.batches import NO_LABEL, collate
from reverie.llm.generate import cache_name
from reverie.llm.prompts import SOFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.backbone import Backbone
    from reverie.llm.batches import MixedBatch


@dataclass(frozen=True)
class Prefix:
    """Beginnings of prompts as cached keys and values; mask [B, P], lengths [B]."""

    layers: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor
    lengths: Tensor

    def repeated(self, times: int) -> Prefix:
        """Return one beginning for several ends, without copying it."""
        layers = tuple((k.expand(times, -1, -1, -1), v.expand(times, -1, -1, -1)) for k, v in self.layers)
        return Prefix(layers, self.mask.expand(times, -1), self.lengths.expand(times))


def common_length(prompts: Sequence[Sequence[int]], stop_at_soft: bool = False) -> int:
    """Return how many tokens all prompts begin with; at least one token of each stays behind."""
    lists = [list(prompt) for prompt in prompts]
    first, last = min(lists), max(lists)  # whatever lies between them in order shares their beginning
    longest = min(len(prompt) for prompt in prompts) - 1
    shared = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    if stop_at_soft:
        longest = min(longest, next((at for at, token in enumerate(first) if token == SOFT), longest))
    return max(0, min(shared, longest))


def encode_prefix(backbone: Backbone, beginnings: Sequence[Sequence[int]], vectors: Tensor) -> Prefix:
    """Run a language model over beginnings of prompts; vectors [S, D]."""
    batch = collate(backbone, beginnings, side="left")
    out = backbone.model(
        inputs_embeds=batch.embeds(backbone, vectors),
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=True,
        logits_to_keep=1,
    )
    layers = tuple((layer.keys, layer.values) for layer in getattr(out, cache_name(backbone)).layers)
    kept, length = min(keys.shape[2] for keys, _ in layers), batch.mask.shape[1]
    if kept < length:
        raise ConfigError(
            f"{backbone.name} keeps {kept} of the {length} tokens of a prompt (a sliding window), so none can be shared; "
            "name fewer titles, or choose another language model"
        )
    return Prefix(layers, batch.mask, batch.mask.sum(1))


def answer_logits(
    backbone: Backbone, ends: Sequence[Sequence[int]], vectors: Tensor, words: Tensor, prefix: Prefix | None = None
) -> Tensor:
    """Return the logits of some words after prompts; vectors [S, D], words [W] → [B, W]."""
    batch = collate(backbone, ends, side="left", room=0 if prefix is None else int(prefix.lengths.max()))
    out = backbone.model(inputs_embeds=batch.embeds(backbone, vectors), logits_to_keep=1, **model_inputs(backbone, batch, prefix))
    logits: Tensor = out.logits[:, -1].float()
    return logits.index_select(1, words)


def model_inputs(backbone: Backbone, batch: MixedBatch, prefix: Prefix | None) -> dict[str, Any]:
    """Return mask, positions and cache of a batch that continues a prefix."""
    from transformers import DynamicCache

    if prefix is None:
        return {"attention_mask": batch.mask, "position_ids": batch.positions, "use_cache": False}
    return {
        "attention_mask": torch.cat([prefix.mask, batch.mask], dim=1),
        "position_ids": batch.positions + prefix.lengths[:, None] * batch.mask,
        cache_name(backbone): DynamicCache(prefix.layers),
        "use_cache": True,
    }


def token_losses(backbone: Backbone, batch: MixedBatch, vectors: Tensor, prefix: Prefix | None = None) -> tuple[Tensor, Tensor]:
    """Return minus the log-probability of each target token; vectors [S, D] → [B, K], [B, K]."""
    wanted = batch.labels != NO_LABEL
    first = int(wanted.any(0).int().argmax())
    if first == 0:
        raise ValueError("batch: a target needs a prompt before it")
    keep = batch.ids.shape[1] - first + 1
    logits = backbone.model(
        inputs_embeds=batch.embeds(backbone, vectors), logits_to_keep=keep, **model_inputs(backbone, batch, prefix)
    ).logits[:, :-1]
    labels = batch.labels[:, first:]
    flat = F.cross_entropy(
        logits.float().reshape(-1, logits.shape[-1]), labels.reshape(-1), ignore_index=NO_LABEL, reduction="none"
    )
    return flat.view(labels.shape), labels != NO_LABEL


def target_loss(backbone: Backbone, batch: MixedBatch, vectors: Tensor) -> Tensor:
    """Return the cross-entropy of target tokens, their mean."""
    losses, is_target = token_losses(backbone, batch, vectors)
    return losses.sum() / is_target.sum()


@torch.no_grad()
def continuation_log_likelihoods(
    backbone: Backbone, prompt: Sequence[int], vectors: Tensor, continuations: Sequence[Sequence[int]], rows: int = 50
) -> Tensor:
    """Return the log-probability of each of several answers to one prompt, which is read once; vectors [S, D] → [C]."""
    if len(prompt) < 2 or prompt[-1] == SOFT:
        raise ValueError("prompt: two tokens or more are needed, and the last one must be text")
    prefix, parts = encode_prefix(backbone, [prompt[:-1]], vectors), []
    for at in range(0, len(continuations), rows):
        part = continuations[at : at + rows]
        batch = collate(backbone, [prompt[-1:]] * len(part), part, side="right", room=len(prompt) - 1)
        losses, _ = token_losses(backbone, batch, vectors[:0], prefix.repeated(len(part)))
        parts.append(-losses.sum(1))
    return torch.cat(parts)
