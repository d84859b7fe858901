"""Log-likelihoods of texts after texts; what several contexts begin with is read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from reverie.llm.backbone import Backbone
from reverie.llm.generate import Prefix, cache_name, common_length, encode_prefix, model_inputs, token_losses
from reverie.llm.prompts import TokenRows, collate

Row = tuple[int, ...]
SHORTEST, SEVERAL = 8, 3
"""Tokens of a beginning that is worth keeping, and continuations of one context from which on it is read apart."""
TOKENS = 4096
"""Tokens that are read side by side."""


@torch.no_grad()
def text_log_likelihoods(backbone: Backbone, contexts: TokenRows, continuations: TokenRows) -> NDArray[np.float64]:
    """Return the sum of log-probabilities of each continuation after its context → [N]."""
    found = np.zeros(len(contexts))
    pairs = [(tuple(context), tuple(continuation)) for context, continuation in zip(contexts, continuations, strict=True)]
    places: dict[tuple[Row, Row], list[int]] = defaultdict(list)
    for at, pair in enumerate(pairs):
        if pair[1]:  # nothing is certain to follow
            places[pair].append(at)
    asked: dict[Row, list[Row]] = defaultdict(list)
    for context, continuation in places:
        asked[context].append(continuation)
    shared = shared_beginning(backbone, list(asked))
    own = [context for context, ends in asked.items() if len(ends) >= SEVERAL and backbone.window is None]
    for context in own:
        whole = extended(backbone, shared, context[_length(shared) : -1])
        rows = [(context[-1:], end) for end in asked[context]]
        for (_, end), value in _scored(backbone, rows, whole):
            found[places[context, end]] = value
    start = _length(shared)
    others = [(context[start:], end) for context, ends in asked.items() if context not in set(own) for end in ends]
    beginning = next((context[:start] for context in asked), ())
    for (rest, end), value in _scored(backbone, others, shared):
        found[places[(*beginning, *rest), end]] = value
    return found


def shared_beginning(backbone: Backbone, contexts: TokenRows) -> Prefix | None:
    """Return the keys and values of what all contexts begin with; None where there is nothing worth it."""
    if backbone.window is not None or len(contexts) < 2:
        return None
    size = common_length(contexts)
    if size < SHORTEST:
        return None
    return encode_prefix(backbone, [contexts[0][:size]], _nothing(backbone))


def extended(backbone: Backbone, prefix: Prefix | None, tokens: Sequence[int]) -> Prefix | None:
    """Return a beginning of one row with more tokens behind it."""
    if not tokens:
        return prefix
    if prefix is None:
        return encode_prefix(backbone, [tokens], _nothing(backbone))
    batch = collate(backbone, [tokens], room=int(prefix.lengths.max()))
    out = backbone.model(input_ids=batch.ids, logits_to_keep=1, **model_inputs(backbone, batch, prefix))
    layers = tuple((layer.keys, layer.values) for layer in getattr(out, cache_name(backbone)).layers)
    return Prefix(layers, torch.cat([prefix.mask, batch.mask], dim=1), prefix.lengths + len(tokens))


def batches(sizes: Sequence[int], tokens: int = TOKENS) -> Iterator[list[int]]:
    """Yield the numbers of rows that are read side by side, those of about one size together."""
    order = sorted(range(len(sizes)), key=lambda at: (sizes[at], at))
    part: list[int] = []
    for at in order:
        if part and (len(part) + 1) * sizes[at] > tokens:
            yield part
            part = []
        part.append(at)
    if part:
        yield part


def _scored(backbone: Backbone, rows: Sequence[tuple[Row, Row]], prefix: Prefix | None) -> Iterator[tuple[tuple[Row, Row], float]]:
    """Yield pairs of a context and an end with the log-probability of the end, in float64."""
    length = _length(prefix)
    for part in batches([len(context) + len(end) for context, end in rows]):
        contexts, ends = [rows[at][0] for at in part], [rows[at][1] for at in part]
        side = "right" if backbone.window is not None else "left"
        batch = collate(backbone, contexts, ends, side=side, room=length)  # type: ignore[arg-type]
        repeated = None if prefix is None else prefix.repeated(len(part))
        losses, _ = token_losses(backbone, batch, _nothing(backbone), repeated)
        for at, value in zip(part, (-losses.double().sum(1)).tolist(), strict=True):
            yield rows[at], value


def _length(prefix: Prefix | None) -> int:
    return 0 if prefix is None else int(prefix.lengths.max())


def _nothing(backbone: Backbone) -> torch.Tensor:
    """Return no soft tokens → [0, D]."""
    return torch.zeros(0, backbone.width, device=backbone.device)
