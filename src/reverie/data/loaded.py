"""What a reader of published files returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from reverie.data.content import ItemFeatures
from reverie.data.dataset import Order


@dataclass(frozen=True)
class Loaded:
    """Events and catalogue that a layout reads from its files.

    Parameters
    ----------
    events, catalog : polars.DataFrame
        As in `Dataset`.
    order : {"timestamp", "source", "none"}
        What orders a user's events.
    notes : tuple of str
        What this copy lacks.
    content : mapping
        Features of items by what they come from.
    """

    events: pl.DataFrame
    catalog: pl.DataFrame
    order: Order
    notes: tuple[str, ...] = ()
    content: Mapping[str, ItemFeatures] = field(default_factory=dict)

    @classmethod
    def of_parts(cls, parts: Mapping[str, pl.DataFrame], order: Order) -> Loaded:
        """Join the events of the parts of a dataset that comes split, without a catalogue."""
        events = pl.concat([frame.with_columns(pl.lit(part).alias("part")) for part, frame in parts.items()])
        return cls(events, pl.DataFrame({"item": events["item"].head(0)}), order)
