"""Keys and values of what conversations begin with, kept, so that each system prompt and each task of a writer is read once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch.nn import functional as F

from reverie.llm.backbone import Backbone
from reverie.llm.generate import Prefix, encode_prefix
from reverie.redteam.messages import Conversation, Message
from reverie.redteam.models.chat_tokens import opening_tokens

SHORTEST = 8
"""Tokens of a beginning that is worth keeping."""


class PrefixCache:
    """The most recently used beginnings of prompts.

    A beginning is always read alone, so that its values do not depend on what is read beside it.
    """

    def __init__(self, backbone: Backbone, size: int) -> None:
        self.backbone, self.size = backbone, 0 if backbone.window is not None else size
        self._tokens: dict[Message | None, tuple[int, ...]] = {}
        self._kept: OrderedDict[tuple[int, ...], Prefix] = OrderedDict()
        self.n_read = 0

    def beginning(self, conversation: Conversation, prompt: Sequence[int]) -> tuple[int, ...]:
        """Return the beginning of a prompt that conversations with its first message share; empty where none is worth keeping."""
        if self.size == 0:
            return ()
        first = conversation[0] if len(conversation) > 1 else None
        if first not in self._tokens:
            self._tokens[first] = tuple(opening_tokens(self.backbone, first))
        shared = self._tokens[first]
        fits = SHORTEST <= len(shared) < len(prompt) and tuple(prompt[: len(shared)]) == shared
        return shared if fits else ()

    def prefix(self, beginning: tuple[int, ...]) -> Prefix:
        """Return the keys and values of a beginning, read now or before."""
        if beginning in self._kept:
            self._kept.move_to_end(beginning)
            return self._kept[beginning]
        nothing = torch.zeros(0, self.backbone.width, device=self.backbone.device)
        found = encode_prefix(self.backbone, [beginning], nothing)
        self.n_read += 1
        self._kept[beginning] = found
        while len(self._kept) > self.size:
            self._kept.popitem(last=False)
        return found


def side_by_side(prefixes: Sequence[Prefix]) -> Prefix:
    """Lay beginnings side by side, padded on the left; each of one row [1, P_b] → [B, P]."""
    if all(prefix is prefixes[0] for prefix in prefixes):
        return prefixes[0].repeated(len(prefixes))
    room = max(int(prefix.mask.shape[1]) for prefix in prefixes)
    gaps = [room - int(prefix.mask.shape[1]) for prefix in prefixes]
    layers = tuple(
        (
            torch.cat([F.pad(prefix.layers[at][0], (0, 0, gap, 0)) for prefix, gap in zip(prefixes, gaps, strict=True)]),
            torch.cat([F.pad(prefix.layers[at][1], (0, 0, gap, 0)) for prefix, gap in zip(prefixes, gaps, strict=True)]),
        )
        for at in range(len(prefixes[0].layers))
    )
    mask = torch.cat([F.pad(prefix.mask, (gap, 0)) for prefix, gap in zip(prefixes, gaps, strict=True)])
    return Prefix(layers, mask, torch.cat([prefix.lengths for prefix in prefixes]))
