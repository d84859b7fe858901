"""Greedy decoding from prompts of text and soft tokens, in batches, with the cache of keys and values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.llm.batches import collate

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone

Allowed = Callable[[int, Sequence[int]], Sequence[int]]
"""``allowed(row, tokens so far)`` gives the tokens that may follow; at least one."""


@torch.no_grad()
def greedy_decode(
    backbone: Backbone,
    prompts: Sequence[Sequence[int]],
    vectors: Tensor,
    longest: int,
    allowed: Allowed | None = None,
) -> list[list[int]]:
    """Return the most likely continuation of each prompt, token by token; vectors [S, D]."""
    end = backbone.end
    batch = collate(backbone, prompts, side="left", room=longest)
    answers: list[list[int]] = [[] for _ in prompts]
    unfinished = torch.ones(batch.size, dtype=torch.bool)
    mask, positions = batch.mask, batch.positions[:, -1:]
    inputs = {"inputs_embeds": batch.embeds(backbone, vectors), "position_ids": batch.positions}
    name, cache = cache_name(backbone), None
    for _ in range(longest):
        out = backbone.model(**inputs, **{name: cache}, attention_mask=mask, use_cache=True, logits_to_keep=1)
        cache, logits = getattr(out, name), out.logits[:, -1].float()
        if allowed is not None:
            logits = logits + _penalties(logits, answers, unfinished, allowed, end)
        chosen = logits.argmax(-1).cpu()
        chosen = torch.where(unfinished, chosen, torch.full_like(chosen, end))
        unfinished = unfinished & (chosen != end)
        for row in unfinished.nonzero()[:, 0].tolist():
            answers[row].append(int(chosen[row]))
        if not unfinished.any():
            break
        mask = torch.cat([mask, mask.new_ones(batch.size, 1)], dim=1)
        positions = positions + 1
        inputs = {"inputs_embeds": backbone.embed(chosen[:, None]), "position_ids": positions}
    return answers


def cache_name(backbone: Backbone) -> str:
    """Return what the installed version of transformers calls the cache of keys and values."""
    return "cache" if "cache" in inspect.signature(backbone.base_model.forward).parameters else "past_key_values"


def _penalties(logits: Tensor, answers: list[list[int]], unfinished: Tensor, allowed: Allowed, end: int) -> Tensor:
    """Return 0 where a token may follow and minus infinity elsewhere."""
    penalties = torch.full(logits.shape, float("-inf"))
    for row, answer in enumerate(answers):
        penalties[row, list(allowed(row, answer)) if unfinished[row] else [end]] = 0.0
    return penalties.to(logits.device)
