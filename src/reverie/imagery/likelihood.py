"""Log-likelihoods of texts after texts, as a tree: what several of them begin with is read once, at every level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.llm.backbone import Backbone
from reverie.llm.generate import Prefix, cache_name, common_length, encode_prefix, token_losses
from reverie.llm.prompts import TokenRows, collate

Row = tuple[int, ...]
Pair = tuple[Row, Row]
"""A context and what follows it."""
SHORTEST = 8
"""Tokens of a beginning that is worth being read apart."""
TOKENS, ROWS = 512, 64
"""Tokens of a tree that are read at a time, and places whose probabilities are computed at a time."""


@dataclass
class TokenTree:
    """Texts that share their beginnings; each node is a token behind the nodes above it."""

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    _known: dict[tuple[int, int], int] = field(default_factory=dict)

    def path(self, row: Sequence[int]) -> list[int]:
        """Return the nodes of a text, new ones added."""
        found, parent = list[int](), -1
        for depth, token in enumerate(row):
            node = self._known.get((parent, token))
            if node is None:
                node = self._known[parent, token] = len(self.tokens)
                self.tokens.append(token)
                self.parents.append(parent)
                self.depths.append(depth)
            found.append(node)
            parent = node
        return found

    def sees(self) -> NDArray[np.bool_]:
        """Return which nodes each node sees: itself and those above it → [T, T]."""
        seen = np.eye(len(self.tokens), dtype=np.bool_)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node] |= seen[parent]
        return seen


@torch.no_grad()
def text_log_likelihoods(backbone: Backbone, contexts: TokenRows, continuations: TokenRows) -> NDArray[np.float64]:
    """Return the sum of log-probabilities of each continuation after its context → [N]."""
    pairs = [(tuple(context), tuple(continuation)) for context, continuation in zip(contexts, continuations, strict=True)]
    values: dict[Pair, float] = {pair: 0.0 for pair in pairs}  # nothing is certain to follow
    asked = sorted((pair for pair in values if pair[1]), key=lambda pair: pair[0] + pair[1])
    if backbone.window is not None:  # sliding windows count places, not nodes above
        for pair in asked:
            losses, _ = token_losses(backbone, collate(backbone, [pair[0]], [pair[1]]), nothing(backbone))
            values[pair] = -float(losses.double().sum())
        return np.array([values[pair] for pair in pairs])
    shared = shared_beginning(backbone, [context for context, _ in asked])
    for part in _parts(asked, 0 if shared is None else int(shared.lengths)):
        values |= _scored(backbone, part, shared)
    return np.array([values[pair] for pair in pairs])


def shared_beginning(backbone: Backbone, contexts: TokenRows) -> Prefix | None:
    """Return the keys and values of what all contexts begin with; None where there is nothing worth it."""
    if backbone.window is not None or len(contexts) < 2:
        return None
    size = common_length(contexts)
    return None if size < SHORTEST else encode_prefix(backbone, [contexts[0][:size]], nothing(backbone))


def nothing(backbone: Backbone) -> torch.Tensor:
    """Return no soft tokens → [0, D]."""
    return torch.zeros(0, backbone.width, device=backbone.device)


def _parts(asked: Sequence[Pair], start: int) -> Iterator[list[Pair]]:
    """Yield sorted pairs in parts whose trees have about so many tokens, at least one pair each."""
    part, size, before = list[Pair](), 0, Row()
    for pair in asked:
        row = (*pair[0], *pair[1])[start:]
        common = next((at for at, (a, b) in enumerate(zip(row, before, strict=False)) if a != b), min(len(row), len(before)))
        if part and size + len(row) - common > TOKENS:
            yield part
            part, size, common = [], 0, 0
        part.append(pair)
        size, before = size + len(row) - common, row
    if part:
        yield part


def _scored(backbone: Backbone, pairs: Sequence[Pair], prefix: Prefix | None) -> dict[Pair, float]:
    """Return the log-probability of what follows in each pair, in float64."""
    from transformers import DynamicCache

    tree, length = TokenTree(), 0 if prefix is None else int(prefix.lengths)
    paths = [tree.path((*context, *end[:-1])[length:]) for context, end in pairs]
    collate(backbone, [[0]], room=length + max(tree.depths))  # refuses what is longer than the context
    mask = torch.from_numpy(np.concatenate([np.ones((len(tree.tokens), length), dtype=np.bool_), tree.sees()], axis=1))
    dtype = backbone.model.get_input_embeddings().weight.dtype
    added = torch.zeros(mask.shape, dtype=dtype).masked_fill(~mask, torch.finfo(dtype).min)[None, None].to(backbone.device)
    inputs = {"input_ids": [tree.tokens], "position_ids": [[length + depth for depth in tree.depths]]}
    cache = {} if prefix is None else {cache_name(backbone): DynamicCache(prefix.layers)}
    asking = sorted({node for path, (_, end) in zip(paths, pairs, strict=True) for node in path[-len(end) :]})
    logits = backbone.model(
        **{name: torch.tensor(value, device=backbone.device) for name, value in inputs.items()}, attention_mask=added, **cache,
        use_cache=prefix is not None, logits_to_keep=torch.tensor(asking, device=backbone.device),
    ).logits[0]  # fmt: skip
    rows = {node: at for at, node in enumerate(asking)}
    wholes = torch.cat([part.double().logsumexp(-1) for part in logits.split(ROWS)])
    at = [[rows[node] for node in path[-len(end) :]] for path, (_, end) in zip(paths, pairs, strict=True)]
    return {
        pair: float((logits[places, list(pair[1])].double() - wholes[places]).sum()) for pair, places in zip(pairs, at, strict=True)
    }
