"""Batches of prompts that mix text and soft tokens, with attention mask, positions and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from reverie.errors import ConfigError
from reverie.llm.prompts import SOFT

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone

NO_LABEL = -100
"""Label of a place that is not learned."""


@dataclass(frozen=True)
class MixedBatch:
    """Rows of text and soft tokens; ids [B, T], soft [B, T], mask [B, T], positions [B, T], labels [B, T]."""

    ids: Tensor
    soft: Tensor
    mask: Tensor
    positions: Tensor
    labels: Tensor

    @property
    def size(self) -> int:
        """Number of rows B."""
        return len(self.ids)

    def embeds(self, backbone: Backbone, vectors: Tensor) -> Tensor:
        """Return the vectors that the language model reads; vectors [S, D] → [B, T, D]."""
        if vectors.dim() != 2 or vectors.shape[1] != backbone.width:
            raise ConfigError(
                f"the adapter makes vectors of width {vectors.shape[-1]} and the language model {backbone.name} reads "
                f"{backbone.width}; train an adapter for this model"
            )
        wanted = int(self.soft.sum())
        if len(vectors) != wanted:
            raise ConfigError(f"{len(vectors)} soft tokens were given for {wanted} places; the template and the adapter disagree")
        text = backbone.embed(self.ids)
        return text.masked_scatter(self.soft[..., None].to(text.device), vectors.to(text))


def collate(
    backbone: Backbone,
    prompts: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]] | None = None,
    side: Literal["left", "right"] = "left",
    room: int = 0,
) -> MixedBatch:
    """Lay rows side by side; nothing is cut."""
    ends = targets if targets is not None else [()] * len(prompts)
    rows = [np.fromiter([*prompt, *end], dtype=np.int64) for prompt, end in zip(prompts, ends, strict=True)]
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    longest = int(lengths.max(initial=0))
    if longest + room > backbone.context:
        parts = f"{len(prompts[int(lengths.argmax())])} tokens of prompt and {len(ends[int(lengths.argmax())]) + room} of answer"
        raise ConfigError(
            f"a prompt is too long for the language model {backbone.name}: {parts}, and its context is {backbone.context}; "
            f"use shorter histories"
        )
    prompt_lengths = np.array([len(prompt) for prompt in prompts], dtype=np.int64)
    shift = longest - lengths if side == "left" else np.zeros_like(lengths)
    column = np.arange(longest) - shift[:, None]
    inside = (column >= 0) & (column < lengths[:, None])
    ids = np.full((len(rows), longest), int(backbone.tokenizer.pad_token_id), dtype=np.int64)
    ids[inside] = np.concatenate(rows) if rows else []
    soft = inside & (ids == SOFT)
    ids[soft] = int(backbone.tokenizer.pad_token_id)
    labels = np.where(inside & (column >= prompt_lengths[:, None]), ids, NO_LABEL)
    positions = np.where(inside, column, 0)
    arrays = (ids, soft, inside.astype(np.int64), positions, labels)
    return MixedBatch(*(torch.from_numpy(array).to(backbone.device) for array in arrays))
