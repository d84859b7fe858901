"""Greedy generation, free or along a prefix tree of titles."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.llm.batches import collate

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone
    from reverie.llm.titles import Titles


class TitleTree:
    """Lists of distinct titles, one a line, with an end token behind the last."""

    def __init__(self, backbone: Backbone, titles: Titles, max_titles: int) -> None:
        self.max_titles = max_titles
        self.separator = tuple(backbone.tokens("\n"))
        self.end = backbone.end
        self.paths = {code: (*backbone.tokens(titles.text(code)), *self.separator) for code in titles.first.values()}
        self.longest = max_titles * max(map(len, self.paths.values())) + 1
        self._children: list[dict[int, int]] = [{}]
        self._counts: list[int] = [0]
        self._code: dict[int, int] = {}
        for code, path in self.paths.items():
            node = 0
            self._counts[0] += 1
            for token in path:
                node = self._child(node, token)
                self._counts[node] += 1
            self._code[node] = code

    def _child(self, node: int, token: int) -> int:
        if token not in self._children[node]:
            self._children[node][token] = len(self._children)
            self._children.append({})
            self._counts.append(0)
        return self._children[node][token]

    def allowed(self, _row: int, tokens: Sequence[int]) -> list[int]:
        """Return the tokens that may follow; an `Allowed` of `reverie.llm.generate`."""
        node, used, taken = 0, [], [0]
        for token in tokens:
            node = self._children[node][token]
            taken.append(node)
            if node in self._code:
                used.append(taken)
                node, taken = 0, [0]
        if node == 0 and len(used) >= self.max_titles:
            return [self.end]
        spent: dict[int, int] = {}
        for path in used:
            for visited in path:
                spent[visited] = spent.get(visited, 0) + 1
        open_tokens = [token for token, child in self._children[node].items() if self._counts[child] > spent.get(child, 0)]
        return [*open_tokens, self.end] if node == 0 and used else open_tokens or [self.end]


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
