"""Sampled answers to a batch of prompts, token by token, behind beginnings that were read before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from reverie.llm.backbone import Backbone
from reverie.llm.generate import Prefix, cache_name, model_inputs
from reverie.llm.prompts import TokenRows, collate
from reverie.redteam.models.config import Sampling
from reverie.redteam.models.draw import draw_tokens
from reverie.seeds import numpy_generator

CROWDED = 7 / 8
"""Share of rows that go on at which those that ended are taken out of the cache, which copies it."""


def end_tokens(backbone: Backbone) -> frozenset[int]:
    """Return the tokens that end an answer: the tokenizer's, and those that the model's own settings name."""
    own = getattr(getattr(backbone.base_model, "generation_config", None), "eos_token_id", None)
    return frozenset([backbone.end, *(own if isinstance(own, list | tuple) else [own] if own is not None else [])])


@torch.no_grad()
def sample_answers(
    backbone: Backbone, ends: TokenRows, prefix: Prefix | None, sampling: Sampling, seeds: Sequence[int], until: str = ""
) -> list[list[int]]:
    """Return the answer to each prompt, without the token that ends it.

    Parameters
    ----------
    backbone : Backbone
    ends : sequence of sequences of int
        Prompts, or what comes behind their beginnings.
    prefix : Prefix or None
        Beginnings of the prompts, one a row.
    sampling : Sampling
    seeds : sequence of int
        One a row; a row draws from its own seed alone.
    until : str
        An answer ends with the token after which this pattern is found in it; empty for none.

    Returns
    -------
    list of list of int
    """
    from reverie.redteam.models.room import make_room

    stop, name, pattern = end_tokens(backbone), cache_name(backbone), re.compile(until)
    generators = [numpy_generator(seed, "tokens of an answer") for seed in seeds]
    answers: list[list[int]] = [[] for _ in ends]
    batch = collate(backbone, ends, side="left", room=sampling.max_tokens + (int(prefix.lengths.max()) if prefix else 0))
    inputs = model_inputs(backbone, batch, prefix) | {"use_cache": True}
    mask, positions = inputs["attention_mask"], inputs["position_ids"][:, -1:]
    out = backbone.model(input_ids=batch.ids, logits_to_keep=1, **inputs)
    make_room(getattr(out, name), sampling.max_tokens)
    rows = list(range(len(ends)))  # in the order in which they lie in the cache
    open_ = set(rows)
    for at in range(sampling.max_tokens):
        cache, logits = getattr(out, name), out.logits[:, -1].float()
        chosen = draw_tokens(logits, sampling, [generators[row] for row in rows])
        for row, token in zip(rows, chosen.tolist(), strict=True):
            if row in open_ and token in stop:
                open_.remove(row)
            elif row in open_:
                answers[row].append(token)
                if until and pattern.search(backbone.text(answers[row])):
                    open_.remove(row)
        if at + 1 == sampling.max_tokens or not open_:
            break
        if len(open_) <= CROWDED * len(rows):
            kept = torch.tensor([row in open_ for row in rows]).nonzero()[:, 0]
            rows, chosen = [rows[place] for place in kept.tolist()], chosen[kept]
            kept = kept.to(mask.device)
            mask, positions = mask[kept], positions[kept]
            _keep_rows(cache, kept)
        mask, positions = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1), positions + 1
        out = backbone.model(
            input_ids=chosen[:, None].to(mask.device), attention_mask=mask, position_ids=positions, use_cache=True, **{name: cache}
        )
    return answers


def _keep_rows(cache: Any, rows: Tensor) -> None:
    """Leave the finished rows out of a cache; rows [B']."""
    cache.batch_select_indices(rows)
