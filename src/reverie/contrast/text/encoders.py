"""Encoders of sentences by name, and what they make of sentences and pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from reverie.contrast.text.mean_of_words import MeanOfWords
from reverie.contrast.text.transformer import MeanOfStates
from reverie.contrast.text.weights import weights_folder
from reverie.seeds import seed_torch

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.contrast.text.config import TextTask
    from reverie.contrast.text.tokens import Tokens

Encoder = MeanOfWords | MeanOfStates
"""Module with ``tokens(sentences)``, and a call with padded ids [B, L] and their mask that gives vectors [B, D]."""
DROPOUT = 0.5
"""Of the small encoder, where the options leave it open."""
ROWS = 512
"""Sentences encoded at a time, where nothing is learned; bounds the memory."""


def new_encoder(config: TextTask, sentences: Sequence[str], seed: int, pretrained: bool) -> Encoder:
    """Return an encoder before it is taught."""
    seed_torch(seed, "text encoder")
    if config.encoder == "minilm":
        return MeanOfStates(weights_folder(config.weights), pretrained, config.dropout)
    dropout = DROPOUT if config.dropout is None else config.dropout
    return MeanOfWords(config.buckets, config.dim, config.part_weight, dropout, sentences if config.rarity else None)


@torch.no_grad()
def encoded(encoder: Encoder, tokens: Tokens) -> Tensor:
    """Return vectors of sentences without dropout, those of similar length computed together → [N, D]."""
    was_training = encoder.training
    encoder.eval()
    order = np.argsort(tokens.lengths, kind="stable")
    vectors = torch.cat([encoder(*tokens.padded(order[at : at + ROWS])).float().cpu() for at in range(0, len(order), ROWS)])
    encoder.train(was_training)
    return F.normalize(vectors, dim=-1)[torch.from_numpy(np.argsort(order))]


def pair_cosines(encoder: Encoder, first: Tokens, second: Tokens) -> NDArray[np.float64]:
    """Return the cosine of each pair's vectors → [P]."""
    cosines = (encoded(encoder, first).double() * encoded(encoder, second).double()).sum(1)
    return np.asarray(cosines.clamp(-1, 1).numpy())
