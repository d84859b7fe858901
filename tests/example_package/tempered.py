"""A model in a package of its own: popularity, made flatter or steeper by an exponent."""

from typing import Any

import numpy as np
import torch
from pydantic import PositiveFloat

from reverie.options import Options
from reverie.registry import Entry


class TemperedConfig(Options):
    power: PositiveFloat = 0.5
    """Exponent of the counts; 1 is popularity."""


class Tempered:
    history = 0  # reads no event of the history

    def __init__(self, config: TemperedConfig, n_items: int) -> None:
        self.config, self.counts = config, np.zeros(n_items, dtype=np.float32)

    def fit_counts(self, train: Any, measure: Any = None, seed: int = 0) -> dict[str, Any]:
        self.counts = train.item_counts()[1:].astype(np.float32)
        return {}  # nothing was chosen on validation

    def scores(self, batch: Any, items: torch.Tensor | None = None) -> torch.Tensor:
        whole = torch.from_numpy(self.counts**self.config.power).repeat(batch.size, 1)
        return whole if items is None else whole.gather(1, items - 1)

    def arrays(self) -> dict[str, Any]:
        return {"counts": self.counts}

    def load_arrays(self, arrays: Any) -> None:
        self.counts = np.array(arrays["counts"])


def build(config: TemperedConfig, vocabulary: Any) -> Tempered:
    return Tempered(config, vocabulary.n_items)


ENTRY = Entry("tempered:build", "tempered:TemperedConfig", summary="popularity to a power", tags=frozenset({"counts"}))
