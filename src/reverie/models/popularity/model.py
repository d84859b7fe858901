"""Popularity baseline: items scored by their number of training events."""

from typing import Any

import numpy as np

from reverie.data.sequences import Sequences
from reverie.models.counting import CountingModel, Measure
from reverie.models.popularity.config import PopularityConfig


class Popularity(CountingModel[PopularityConfig]):
    """Score of item j: its number of training events, the same for all users."""

    name, history, stored = "popularity", 0, (("counts", 0),)

    def fit_counts(self, train: Sequences, measure: Measure = None, seed: int = 0) -> dict[str, Any]:
        """Count the events of each item."""
        self._take({"counts": train.item_counts()[1:].astype(np.float32)})
        return {}
