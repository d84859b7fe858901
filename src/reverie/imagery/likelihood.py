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
SHORTEST, SAVED = 8, 32
"""Tokens of a beginning that is worth keeping, and tokens that must be saved before a context is read apart."""
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
    start, rows = _length(shared), list[tuple[Row, Row]]()
    beginning = next((context[:start] for context in asked), ())
    single = [context for context, ends in asked.items() if backbone.window is None and all(len(end) == 1 for end in ends)]
    for context, token, value in _next_tokens(backbone, {context: [end[0] for end in asked.pop(context)] for context in single}, shared):
        found[places[context, (token,)]] = value
    for context, ends in asked.items():
        if backbone.window is not None or (len(ends) - 1) * (len(context) - start) <= SAVED:
            rows += [(context[start:], end) for end in ends]
            continue
        whole = extended(backbone, shared, context[start:-1])
        for (_, end), value in _scored(backbone, [(context[-1:], end) for end in ends], whole):
            found[places[context, end]] = value
    for (rest, end), value in _scored(backbone, rows, shared):
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


def _next_tokens(backbone: Backbone, asked: dict[Row, list[int]], prefix: Prefix | None) -> Iterator[tuple[Row, int, float]]:
    """Yield contexts and tokens with the log-probability of the token, in float64; a context is read once for all its tokens."""
    contexts, length = list(asked), _length(prefix)
    for part in batches([len(context) - length for context in contexts]):
        batch = collate(backbone, [contexts[at][length:] for at in part], side="left", room=length)
        inputs = model_inputs(backbone, batch, None if prefix is None else prefix.repeated(len(part)))
        logits = backbone.model(input_ids=batch.ids, logits_to_keep=1, **inputs).logits[:, -1]
        for at, row in zip(part, logits.double().log_softmax(-1), strict=True):
            for token in asked[contexts[at]]:
                yield contexts[at], token, float(row[token])


def _length(prefix: Prefix | None) -> int:
    return 0 if prefix is None else int(prefix.lengths.max())


def _nothing(backbone: Backbone) -> torch.Tensor:
    """Return no soft tokens → [0, D]."""
    return torch.zeros(0, backbone.width, device=backbone.device)
