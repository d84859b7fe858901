"""Prompts that begin alike are read once: the beginning into a cache of keys and values, the ends after it, many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from reverie.errors import ConfigError
from reverie.llm.batches import collate
from reverie.llm.generate import cache_name
from reverie.llm.prompts import SOFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.backbone import Backbone
    from reverie.llm.batches import MixedBatch


@dataclass(frozen=True)
class Read:
    """Beginnings that a language model has read.

    Parameters
    ----------
    layers : tuple of (Tensor, Tensor)
        Keys and values ``[B, heads, P, width]`` of each layer.
    mask : Tensor, shape [B, P], int64
        0 for padding, which is on the left.
    lengths : Tensor, shape [B], int64
        Tokens of each beginning.
    """

    layers: tuple[tuple[Tensor, Tensor], ...]
    mask: Tensor
    lengths: Tensor

    def repeated(self, times: int) -> Read:
        """Return one beginning for several ends, without copying it.

        Parameters
        ----------
        times : int
            How many ends; there must be one beginning.

        Returns
        -------
        Read
            Of `times` rows.
        """
        layers = tuple((k.expand(times, -1, -1, -1), v.expand(times, -1, -1, -1)) for k, v in self.layers)
        return Read(layers, self.mask.expand(times, -1), self.lengths.expand(times))


def common_length(prompts: Sequence[Sequence[int]], stop_at_soft: bool = False) -> int:
    """Return how many tokens all prompts begin with; at least one token of each stays behind.

    Parameters
    ----------
    prompts : sequence of sequences of int
        Of one user; a soft token is equal to a soft token.
    stop_at_soft : bool
        Whether the beginning ends before the first soft token (where soft tokens differ, or have a gradient).

    Returns
    -------
    int
        From 0.
    """
    lists = [list(prompt) for prompt in prompts]
    first, last = min(lists), max(lists)  # whatever lies between them in order shares their beginning
    longest = min(len(prompt) for prompt in prompts) - 1
    shared = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    if stop_at_soft:
        longest = min(longest, next((at for at, token in enumerate(first) if token == SOFT), longest))
    return max(0, min(shared, longest))


def read(backbone: Backbone, beginnings: Sequence[Sequence[int]], vectors: Tensor) -> Read:
    """Read beginnings.

    Parameters
    ----------
    backbone : Backbone
        The language model.
    beginnings : sequence of sequences of int
        None empty.
    vectors : Tensor, shape [S, D]
        Their soft tokens, row after row.

    Returns
    -------
    Read
        For `answers`.

    Raises
    ------
    ConfigError
        If the language model forgets the first tokens of a beginning.
    """
    batch = collate(backbone, beginnings, side="left")
    out = backbone.model(
        inputs_embeds=batch.embeds(backbone, vectors),
        attention_mask=batch.mask,
        position_ids=batch.positions,
        use_cache=True,
        logits_to_keep=1,
    )
    layers = tuple((layer.keys, layer.values) for layer in getattr(out, cache_name(backbone)).layers)
    kept, asked = min(keys.shape[2] for keys, _ in layers), batch.mask.shape[1]
    if kept < asked:
        raise ConfigError(
            f"{backbone.name} keeps {kept} of the {asked} tokens of a prompt (a sliding window), so none can be shared; "
            "name fewer titles, or choose another language model"
        )
    return Read(layers, batch.mask, batch.mask.sum(1))


def answers(
    backbone: Backbone, ends: Sequence[Sequence[int]], vectors: Tensor, words: Tensor, before: Read | None = None
) -> Tensor:
    """Return the logits of some words after prompts.

    Parameters
    ----------
    backbone : Backbone
        The language model; gradients flow into `vectors` and into a LoRA.
    ends : sequence of sequences of int
        What follows each beginning; whole prompts where there is none.
    vectors : Tensor, shape [S, D]
        Soft tokens of the ends, row after row.
    words : Tensor, shape [W], int64
        Token numbers.
    before : Read, optional
        Beginnings, one for each end.

    Returns
    -------
    Tensor, shape [B, W], float32
        At the last token of each end.
    """
    batch = collate(backbone, ends, side="left", room=0 if before is None else int(before.lengths.max()))
    out = backbone.model(inputs_embeds=batch.embeds(backbone, vectors), logits_to_keep=1, **following(backbone, batch, before))
    logits: Tensor = out.logits[:, -1].float()
    return logits.index_select(1, words)


def following(backbone: Backbone, batch: MixedBatch, before: Read | None) -> dict[str, Any]:
    """Return what a language model needs to be told about a batch that follows what it has read.

    Parameters
    ----------
    backbone : Backbone
        The language model.
    batch : MixedBatch
        Of B rows.
    before : Read or None
        Beginnings, one for each row; None where there are none.

    Returns
    -------
    dict
        Mask, positions and cache, by the name of the argument.
    """
    from transformers import DynamicCache

    if before is None:
        return {"attention_mask": batch.mask, "position_ids": batch.positions, "use_cache": False}
    return {
        "attention_mask": torch.cat([before.mask, batch.mask], dim=1),
        "position_ids": batch.positions + before.lengths[:, None] * batch.mask,
        cache_name(backbone): DynamicCache(before.layers),
        "use_cache": True,
    }
