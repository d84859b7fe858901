"""Greedy generation, free or along a prefix tree of titles, and log-likelihoods of given answers."""

from __future__ import annotations

import inspect
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.errors import ConfigError
from reverie.llm.backbone import Backbone
from reverie.llm.prompts import NO_LABEL, SOFT, MixedBatch, TokenRows, collate
from reverie.llm.titles import Titles


class TitleTree:
    """Lists of distinct titles, one a line, with an end token behind the last."""

    def __init__(self, backbone: Backbone, titles: Titles, max_titles: int) -> None:
        self.max_titles = max_titles
        self.separator = tuple(backbone.tokens("\n"))
        self.end = backbone.end
        self.paths = {code: (*backbone.tokens(titles.text(code)), *self.separator) for code in titles.first.values()}
        self.longest = max_titles * max(map(len, self.paths.values())) + 1
        self._ends = set(self.paths.values())
        self._next: dict[tuple[int, ...], Counter[int]] = defaultdict(Counter)  # how many titles go on with a token
        for path in self.paths.values():
            for at, token in enumerate(path):
                self._next[path[:at]][token] += 1

    def allowed(self, _row: int, tokens: Sequence[int]) -> list[int]:
        """Return the tokens that may follow; an `Allowed` of `reverie.llm.generate`."""
        used: list[tuple[int, ...]] = []
        begun: tuple[int, ...] = ()
        for token in tokens:
            begun = (*begun, token)
            if begun in self._ends:
                used.append(begun)
                begun = ()
        if not begun and len(used) >= self.max_titles:
            return [self.end]
        spent = Counter(path[len(begun)] for path in used if path[: len(begun)] == begun)
        open_tokens = [token for token, count in self._next[begun].items() if count > spent[token]]
        return [*open_tokens, self.end] if not begun and used else open_tokens or [self.end]


Allowed = Callable[[int, Sequence[int]], Sequence[int]]
"""``allowed(row, tokens so far)`` gives the tokens that may follow; at least one."""


@torch.no_grad()
def greedy_decode(
    backbone: Backbone, prompts: TokenRows, vectors: Tensor, longest: int, allowed: Allowed | None = None
) -> list[list[int]]:
    """Return the most likely continuation of each prompt, token by token; vectors [S, D]."""
    end = backbone.end
    batch = collate(backbone, prompts, side="left", room=longest)
    answers: list[list[int]] = [[] for _ in prompts]
    unfinished = torch.ones(len(prompts), dtype=torch.bool)
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
        mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
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


def common_length(prompts: TokenRows, stop_at_soft: bool = False) -> int:
    """Return how many tokens all prompts begin with; at least one token of each stays behind."""
    lists = [list(prompt) for prompt in prompts]
    first, last = min(lists), max(lists)  # whatever lies between them in order shares their beginning
    longest = min(len(prompt) for prompt in prompts) - 1
    shared = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    if stop_at_soft:
        longest = min(longest, next((at for at, token in enumerate(first) if token == SOFT), longest))
    return max(0, min(shared, longest))


def encode_prefix(backbone: Backbone, beginnings: TokenRows, vectors: Tensor) -> Prefix:
    """Run a language model over beginnings of prompts; vectors [S, D]."""
    batch = collate(backbone, beginnings, side="left")
    out = backbone.model(
        inputs_embeds=batch.embeds(backbone, vectors), attention_mask=batch.mask, position_ids=batch.positions, use_cache=True,
        logits_to_keep=1,
    )  # fmt: skip
    cached = getattr(out, cache_name(backbone)).layers
    if any(getattr(layer, "keys", None) is None for layer in cached):
        raise ConfigError(
            f"{backbone.name} keeps no keys and values of tokens in some layers, so no beginning of a prompt can be shared; "
            "choose another language model"
        )
    layers = tuple((layer.keys, layer.values) for layer in cached)
    kept, length = min(keys.shape[2] for keys, _ in layers), batch.mask.shape[1]
    if kept < length:
        raise ConfigError(
            f"{backbone.name} keeps {kept} of the {length} tokens of a prompt (a sliding window), so none can be shared; "
            "name fewer titles, or choose another language model"
        )
    return Prefix(layers, batch.mask, batch.mask.sum(1))


def answer_logits(backbone: Backbone, ends: TokenRows, vectors: Tensor, words: Tensor, prefix: Prefix | None = None) -> Tensor:
    """Return the logits of some words after prompts; vectors [S, D], words [W] → [B, W].

    Sliding windows count padding, so for a model that has them none may stand between a beginning and its end.
    """
    windowed = prefix is not None and backbone.window is not None
    batch = collate(backbone, ends, side="right" if windowed else "left", room=0 if prefix is None else int(prefix.lengths.max()))
    behind = batch.mask.shape[1] - batch.mask.sum(1) if windowed else batch.mask.new_zeros(len(ends))
    keep = int(behind.max()) + 1
    out = backbone.model(
        inputs_embeds=batch.embeds(backbone, vectors), logits_to_keep=keep, **model_inputs(backbone, batch, prefix)
    )
    logits: Tensor = out.logits[torch.arange(len(ends), device=behind.device), -1 - behind].float()
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
    flat = F.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=NO_LABEL, reduction="none")
    return flat.view(labels.shape), labels != NO_LABEL


def target_loss(backbone: Backbone, batch: MixedBatch, vectors: Tensor) -> Tensor:
    """Return the cross-entropy of target tokens, their mean."""
    losses, is_target = token_losses(backbone, batch, vectors)
    return losses.sum() / is_target.sum()


@torch.no_grad()
def continuation_log_likelihoods(
    backbone: Backbone, prompt: Sequence[int], vectors: Tensor, continuations: TokenRows, rows: int = 50
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
