"""Cross-entropy of target tokens, and log-likelihoods of whole answers, under a language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from reverie.llm.batches import NO_LABEL, collate
from reverie.llm.prefix import encode_prefix, model_inputs
from reverie.llm.prompts import SOFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from reverie.llm.backbone import Backbone
    from reverie.llm.batches import MixedBatch
    from reverie.llm.prefix import Prefix


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
