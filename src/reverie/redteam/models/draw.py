"""Draws of tokens: each row has its own generator, so that what it draws does not depend on the rows beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from reverie.redteam.models.config import Sampling

HEAD = 256
"""Most likely tokens that are looked at first for the nucleus."""


def draw_tokens(logits: Tensor, sampling: Sampling, generators: Sequence[np.random.Generator]) -> Tensor:
    """Draw the next token of each row; logits [B, V] → [B].

    With temperature 0 the most likely token. Else one uniform number u for each row, and the first token, in the order of their
    numbers (of their probabilities where `top_p` is below 1), at which the cumulative probability exceeds u times the whole.
    """
    if sampling.temperature == 0:
        return logits.argmax(-1).cpu()
    uniform = torch.tensor([generator.random() for generator in generators], dtype=torch.float64)
    probabilities = (logits.double() / sampling.temperature).softmax(-1).cpu()
    if sampling.top_p == 1:
        return _inverse(probabilities, uniform)
    head = min(HEAD, probabilities.shape[1])
    values, tokens = probabilities.topk(head, dim=-1)
    if head < probabilities.shape[1] and bool((values.sum(-1) < sampling.top_p).any()):
        values, tokens = probabilities.sort(-1, descending=True)
    kept = values.masked_fill(values.cumsum(-1) - values >= sampling.top_p, 0.0)
    return tokens.gather(1, _inverse(kept, uniform)[:, None])[:, 0]


def _inverse(weights: Tensor, uniform: Tensor) -> Tensor:
    """Return where the cumulative weights first exceed a share of their sum; weights [B, V], uniform [B] → [B]."""
    cumulative = weights.cumsum(-1)
    found = torch.searchsorted(cumulative, (uniform * cumulative[:, -1])[:, None], right=True)[:, 0]
    last = weights.shape[1] - 1 - (weights > 0).flip(-1).int().argmax(-1)  # rounding never leads behind it
    return torch.minimum(found, last)
