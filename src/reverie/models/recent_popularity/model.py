"""Recent popularity baseline: event counts with exponential time decay, half-life chosen on validation."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.sequences import Sequences
from reverie.errors import DataError
from reverie.models.counting import CountingModel, Measure
from reverie.models.recent_popularity.config import RecentPopularityConfig

_DAY = 86_400.0


class RecentPopularity(CountingModel[RecentPopularityConfig]):
    """Score of item j: the sum over its training events of ``2 ** (-age / half_life)``, the same for everybody."""

    name, history, stored = "recent-popularity", 0, (("faded", 0),)

    def fit_counts(self, train: Sequences, measure: Measure = None, seed: int = 0) -> dict[str, Any]:
        """Count the events of each item, faded by age."""
        ages = self._ages(train)
        codes = train.items[train.positions()]

        def take(config: RecentPopularityConfig) -> None:
            faded = np.bincount(codes, weights=np.exp2(-ages / config.half_life_days), minlength=self.n_items + 1)[1:]
            self._take({"faded": (faded / max(faded.max(initial=0.0), 1e-30)).astype(np.float32)})

        shortest = self.config.shortest_days
        lives = np.geomspace(shortest, max(float(ages.max(initial=0.0)), shortest), self.config.trials).tolist()
        settings = (self.config.model_copy(update={"half_life_days": float(f"{life:.4g}")}) for life in dict.fromkeys(lives))
        return self._choose(settings, take, measure, ["half_life_days"])

    def _ages(self, train: Sequences) -> NDArray[np.float64]:
        """Return the age in days of each event, in the order of `train.positions()`."""
        if self.config.clock == "rows":
            return np.asarray((len(train) - 1 - train.event_rows()) * (100.0 / max(len(train), 1)), dtype=np.float64)
        if "time" not in train.columns:
            raise DataError(
                "recent popularity needs the time of each event; give the dataset a column 'timestamp' or use 'popularity'"
            )
        times = np.asarray(train.columns["time"])[train.positions()].astype(np.float64)
        ages: NDArray[np.float64] = (times.max(initial=-np.inf) - times) / _DAY
        return ages
