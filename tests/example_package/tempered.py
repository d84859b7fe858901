"""A model in a package of its own: popularity, made flatter or steeper by an exponent."""

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

    def __init__(self, config, n_items):
        self.config, self.counts = config, np.zeros(n_items, dtype=np.float32)

    def fit_counts(self, train, measure=None, seed=0):
        self.counts = train.item_counts()[1:].astype(np.float32)
        return {}  # nothing was chosen on validation

    def scores(self, batch, items=None):
        whole = torch.from_numpy(self.counts**self.config.power).repeat(batch.size, 1)
        return whole if items is None else whole.gather(1, items - 1)

    def arrays(self):
        return {"counts": self.counts}

    def load_arrays(self, arrays):
        self.counts = np.array(arrays["counts"])


def build(config, vocabulary):
    return Tempered(config, vocabulary.n_items)


ENTRY = Entry("tempered:build", "tempered:TemperedConfig", summary="popularity to a power", tags=frozenset({"counts"}))
