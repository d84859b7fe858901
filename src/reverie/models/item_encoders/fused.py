"""Several encoders fused into one vector, with learned tokens for what is missing, and modality dropout."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from reverie.data.sequences import Sequences
from reverie.data.vocabulary import Vocabulary
from reverie.models.item_encoders.base import ContentEncoder
from reverie.models.item_encoders.config import FusedOptions
from reverie.models.item_encoders.create import create_item_encoder
from reverie.nn.heads import IdTable


class Sum(nn.Module):
    """The sum of the parts' vectors."""

    def forward(self, parts: Tensor) -> Tensor:
        """Return one vector for each item; parts [U, P, D] → [U, D]."""
        return parts.sum(1)


class Concat(nn.Module):
    """One linear layer on the parts' vectors side by side; at first it gives their sum."""

    def __init__(self, n_parts: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_parts * dim, dim)
        nn.init.zeros_(self.linear.bias)
        with torch.no_grad():
            self.linear.weight.copy_(torch.eye(dim).repeat(1, n_parts))

    def forward(self, parts: Tensor) -> Tensor:
        """Return one vector for each item; parts [U, P, D] → [U, D]."""
        out: Tensor = self.linear(parts.flatten(1))
        return out


class Gate(nn.Module):
    """``Σ_p g_p e_p`` with ``g = softmax(W [e_1 … e_P] + b)``; at first the mean."""

    def __init__(self, n_parts: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(n_parts * dim, n_parts)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, parts: Tensor) -> Tensor:
        """Return one vector for each item; parts [U, P, D] → [U, D]."""
        shares = self.linear(parts.flatten(1)).softmax(-1)
        return torch.einsum("up,upd->ud", shares, parts)


class CrossAttention(nn.Module):
    """The first part's vector, and what it reads by one head of attention from all parts, each marked by a vector of its own."""

    def __init__(self, n_parts: int, dim: int) -> None:
        super().__init__()
        self.marks = nn.Parameter(torch.randn(n_parts, dim) * dim**-0.5)
        self.attention = nn.MultiheadAttention(dim, 1, batch_first=True)

    def forward(self, parts: Tensor) -> Tensor:
        """Return one vector for each item; parts [U, P, D] → [U, D]."""
        marked = parts + self.marks
        read: Tensor = self.attention(marked[:, :1], marked, parts, need_weights=False)[0]
        return parts[:, 0] + read[:, 0]


class FusedEncoder(ContentEncoder):
    """Vectors of several encoders, fused; a part that an item lacks, or that modality dropout leaves out, is a learned token.

    The tokens are zero at first and learned where modality dropout asks for them: with ``drop=0`` only of parts that training items
    lack. The part `id` counts as missing for items without training events.
    """

    seen: Tensor
    masks: nn.Parameter

    def __init__(self, options: FusedOptions, vocabulary: Vocabulary, dim: int) -> None:
        parts = [create_item_encoder(part, vocabulary, dim) for part in options.parts]
        contents = [part for part in parts if isinstance(part, ContentEncoder)]
        keep = any([part.hand_over() for part in contents])  # all of them hand over
        at_once = min((part.at_once for part in contents if part.at_once is not None), default=None)
        super().__init__(vocabulary.n_items, dim, keep=keep, at_once=at_once)
        self.parts, self.drop = nn.ModuleList(parts), options.drop
        self.left_out = [part.name in options.without for part in options.parts]
        self.masks = nn.Parameter(torch.zeros(len(parts), dim))
        self.register_buffer("seen", torch.zeros(vocabulary.n_items, dtype=torch.bool))
        kinds = {"concat": Concat, "gate": Gate, "cross-attention": CrossAttention}
        self.fusion = Sum() if options.fusion == "sum" else kinds[options.fusion](len(parts), dim)

    def observe(self, train: Sequences) -> None:
        """See which items have training events."""
        self.seen.copy_(torch.from_numpy(train.item_counts()[1:] > 0))

    def present(self, items: Tensor) -> Tensor:
        """Return which items have any part; items [U] → [U]."""
        return self._there(items).any(1)

    def vectors(self, items: Tensor) -> Tensor:
        """Return the fused vectors of distinct items; items [U] → [U, D]."""
        there = self._there(items)
        if self.training and self.drop:
            drawn = torch.rand(there.shape, device=items.device)
            stays = drawn.masked_fill(~there, -1.0).argmax(1, keepdim=True)
            there = there & ((drawn >= self.drop) | torch.zeros_like(there).scatter_(1, stays, True))
        found = []
        for number, part in enumerate(self.parts):
            own = there[:, number].nonzero()[:, 0]
            read: Callable[[Tensor], Tensor] = part.encode if isinstance(part, IdTable) else part.vectors  # type: ignore[assignment]
            vectors = read(items[own])
            token = self.masks[number].expand(len(items), -1)
            found.append(vectors if len(own) == len(items) else token.to(vectors.dtype).index_put((own,), vectors))
        out: Tensor = self.fusion(torch.stack(found, 1))
        return out

    def _there(self, items: Tensor) -> Tensor:
        """Return which parts items have; items [U] → [U, P]."""
        columns = []
        for part, left_out in zip(self.parts, self.left_out, strict=True):
            own = self.seen[items - 1] if isinstance(part, IdTable) else part.present(items)  # type: ignore[operator]  # it is one
            columns.append(own & (not left_out))
        return torch.stack(columns, 1)
