"""Continuations of texts, greedy or drawn; each row draws from its own seed, and a blank line ends it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from reverie.imagery.likelihood import shared_beginning
from reverie.llm.backbone import Backbone
from reverie.llm.generate import cache_name, model_inputs
from reverie.llm.prompts import TokenRows, collate

BLANK = "\n\n"
ROOM = 2048
"""Tokens of prompts and answers that are continued side by side."""


@torch.no_grad()
def continuations(
    backbone: Backbone, prompts: TokenRows, n_tokens: int, temperature: float, generators: Sequence[np.random.Generator]
) -> list[str]:
    """Return what follows each prompt, up to a blank line, the end token or the number of tokens."""
    found = [""] * len(prompts)
    distinct = list(dict.fromkeys(tuple(prompt) for prompt in prompts))
    prefix = shared_beginning(backbone, distinct)
    start = 0 if prefix is None else int(prefix.lengths.max())
    for part in batches([len(prompt) - start + n_tokens for prompt in prompts], ROOM):
        ends = [prompts[at][start:] for at in part]
        batch = collate(backbone, ends, side="left", room=start + n_tokens)
        inputs = model_inputs(backbone, batch, None if prefix is None else prefix.repeated(len(part))) | {"use_cache": True}
        texts = _decoded(backbone, batch.ids, inputs, n_tokens, temperature, [generators[at] for at in part])
        for at, text in zip(part, texts, strict=True):
            found[at] = text
    return found


def batches(sizes: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Yield the numbers of rows that are read side by side, those of about one size together."""
    part: list[int] = []
    for at in sorted(range(len(sizes)), key=lambda at: (sizes[at], at)):
        if part and (len(part) + 1) * sizes[at] > tokens:
            yield part
            part = []
        part.append(at)
    if part:
        yield part


def _decoded(
    backbone: Backbone, ids: Tensor, inputs: dict[str, Tensor], n_tokens: int, temperature: float,
    generators: Sequence[np.random.Generator],
) -> list[str]:  # fmt: skip
    """Continue rows that are padded on the left, token by token; ids [B, T]."""
    answers: list[list[int]] = [[] for _ in generators]
    texts, open_rows = [""] * len(answers), set(range(len(answers)))
    stop, name = {backbone.end, *backbone.tokenizer.all_special_ids}, cache_name(backbone)
    mask, positions = inputs["attention_mask"], inputs["position_ids"][:, -1:]
    out = backbone.model(input_ids=ids, logits_to_keep=1, **inputs)
    for _ in range(n_tokens):
        cache, chosen = getattr(out, name), drawn(out.logits[:, -1], temperature, generators)
        for row in sorted(open_rows):
            token = int(chosen[row])
            if token not in stop:
                answers[row].append(token)
                texts[row] = backbone.text(answers[row])
            if token in stop or BLANK in texts[row]:
                open_rows.discard(row)
        if not open_rows:
            break
        mask, positions = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1), positions + 1
        inputs = {"attention_mask": mask, "position_ids": positions, name: cache}
        out = backbone.model(input_ids=chosen[:, None].to(mask.device), use_cache=True, **inputs)
    return [text.partition(BLANK)[0] for text in texts]


def drawn(logits: Tensor, temperature: float, generators: Sequence[np.random.Generator]) -> Tensor:
    """Return the most likely token of each row at temperature 0, else one drawn by the row's generator; logits [B, V] → [B]."""
    if temperature == 0:
        return logits.argmax(-1).cpu()
    weights = (logits.double() / temperature).softmax(-1).cpu().cumsum(-1)
    uniform = torch.tensor([[generator.random()] for generator in generators], dtype=torch.float64)
    return torch.searchsorted(weights, uniform * weights[:, -1:], right=True)[:, 0].clamp(max=weights.shape[1] - 1)
