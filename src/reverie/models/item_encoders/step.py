"""Vectors of the items of one training step: the whole table once, or each item that is asked for once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from reverie.data.batch import SequenceBatch
from reverie.models.item_encoders.base import ContentEncoder
from reverie.nn.heads import DotChunk, DotHead, IdTable

Prepare = Callable[[Tensor], Tensor]
"""What vectors go through before they are scored, such as a projection to a sphere; [K, D] → [K, D]."""


def _as_it_is(rows: Tensor) -> Tensor:
    return rows


@dataclass
class DistinctItems:
    """Vectors of the items that a step has asked for so far; those not asked for before are encoded, as a batch of their own.

    Attributes
    ----------
    rows : Tensor, shape [K, D]
        Zeros for padding in front, then items in the order in which they came.
    """

    encoder: ContentEncoder
    rows: Tensor = field(init=False)

    def __post_init__(self) -> None:
        missing = self.encoder.missing
        self._places = torch.zeros(self.encoder.n_items + 1, dtype=torch.int64, device=missing.device)
        self.rows = missing.new_zeros(1, self.encoder.dim)

    def places(self, items: Tensor) -> Tensor:
        """Return in which rows the vectors of item codes are → the shape of items."""
        asked = torch.zeros_like(self._places, dtype=torch.bool)
        asked[items.reshape(-1)] = True
        new = (asked & (self._places == 0)).nonzero()[:, 0]
        new = new[new > 0]
        if len(new):
            self._places[new] = torch.arange(len(self.rows), len(self.rows) + len(new), device=new.device)
            self.rows = torch.cat([self.rows, self.encoder.live(new)])
        return self._places[items]

    def encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes; code 0 gives zeros → [*items.shape, D]."""
        places = self.places(items)
        return F.embedding(places, self.rows)

    def head(self, prepare: Prepare = _as_it_is, **options: Any) -> DistinctHead:
        """Return a head over these items and those it will be asked for; `options` are those of a `DotHead`."""
        return DistinctHead(self, prepare, options)


@dataclass(frozen=True)
class DistinctHead:
    """A `Head` that encodes the items it is asked for, unless the step has done so already."""

    items: DistinctItems
    prepare: Prepare
    options: Mapping[str, Any]

    @property
    def n_items(self) -> int:
        """Number of items N."""
        return self.items.encoder.n_items

    def over(self, items: Tensor) -> tuple[DotHead, Tensor]:
        """Return a head over a table that has some items, and their codes in it, the shape of items."""
        places = self.items.places(items)
        return DotHead(self.prepare(self.items.rows[1:]), **self.options), places

    def scores(self, states: Tensor, items: Tensor) -> Tensor:
        """Return the scores of item codes; states [M, D], items [M, K] or [K] → [M, K]."""
        head, codes = self.over(items)
        return head.scores(states, codes)

    def chunks(self, states: Tensor) -> Iterator[DotChunk]:
        """Yield the catalogue in consecutive chunks; states [M, D]."""
        return DotHead(self.prepare(self.items.encoder.table()), **self.options).chunks(states)


@dataclass
class WholeTable:
    """Vectors of the whole catalogue, computed once for a step."""

    encoder: IdTable | ContentEncoder

    def __post_init__(self) -> None:
        self.rows = self.encoder.table()

    def encode(self, items: Tensor) -> Tensor:
        """Return the vectors of item codes; code 0 gives zeros → [*items.shape, D]."""
        if isinstance(self.encoder, IdTable):
            return self.encoder.encode(items)
        return F.embedding((items - 1).clamp(min=0), self.rows) * (items > 0).unsqueeze(-1)

    def head(self, prepare: Prepare = _as_it_is, **options: Any) -> DotHead:
        """Return a head over the table; `options` are those of a `DotHead`."""
        return DotHead(prepare(self.rows), rowwise=self.encoder.rowwise, **options)


def step_items(encoder: IdTable | ContentEncoder, batch: SequenceBatch, whole: bool = False) -> WholeTable | DistinctItems:
    """Return the vectors of one training step.

    Content is read of inputs and targets in one call, so that batch normalisation sees them together, and of no other item that the
    loss does not ask for: one that is held out of training must not move its statistics.

    Parameters
    ----------
    encoder : IdTable or ContentEncoder
    batch : SequenceBatch
        Its inputs and targets are encoded.
    whole : bool
        Whether the loss asks for the whole catalogue, items without training events included.
    """
    if isinstance(encoder, IdTable) or whole or not encoder.training:
        return WholeTable(encoder)
    items = DistinctItems(encoder)
    items.places(torch.cat([codes.reshape(-1) for codes in (batch.items, batch.targets) if codes is not None]))
    return items
