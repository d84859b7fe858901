"""Recent popularity baseline: event counts with exponential time decay, half-life chosen on validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from reverie.errors import DataError
from reverie.nn.sparse import not_fitted, read_array, select_candidates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.models.recent_popularity.config import RecentPopularityConfig
    from reverie.protocols import Card

_DAY = 86_400.0


class RecentPopularity:
    """Score of item j: the sum over its training events of ``2 ** (-age / half_life)``, the same for everybody."""

    card: Card
    history: int | None = 0

    def __init__(self, config: RecentPopularityConfig, n_items: int) -> None:
        self.config, self.n_items = config, n_items
        self._faded: NDArray[np.float32] | None = None

    def fit_counts(self, train: Sequences, measure: Callable[[], float] | None = None, seed: int = 0) -> dict[str, Any]:
        """Count the events of each item, faded by age."""
        ages = self._ages(train)
        codes = train.items[train.positions()]

        def fade(half_life: float) -> None:
            faded = np.bincount(codes, weights=np.exp2(-ages / half_life), minlength=self.n_items + 1)[1:]
            self._faded = (faded / max(faded.max(initial=0.0), 1e-30)).astype(np.float32)

        chosen = self.config.half_life_days
        if measure is None or self.config.trials == 0:
            fade(chosen)
            return {}
        best = -np.inf
        for half_life in _grid(self.config.shortest_days, float(ages.max(initial=0.0)), self.config.trials):
            fade(half_life)
            value = measure()
            if value > best:
                best, chosen = value, half_life
        fade(chosen)
        return {"half_life_days": chosen}

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

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Return the faded counts, once for each history; items [B, C] → [B, N] or [B, C]."""
        if self._faded is None:
            raise not_fitted("recent-popularity")
        return select_candidates(torch.from_numpy(self._faded).to(batch.items.device).repeat(batch.size, 1), items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the faded counts."""
        if self._faded is None:
            raise not_fitted("recent-popularity")
        return {"faded": self._faded}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned."""
        self._faded = read_array(arrays, "faded", "recent-popularity", self.n_items)


def _grid(shortest: float, span: float, size: int) -> list[float]:
    """Return half-lives in days, evenly spaced on a log scale from the shortest to the span of the data."""
    longest = max(span, shortest)
    return [float(f"{h:.4g}") for h in dict.fromkeys(np.geomspace(shortest, longest, size).tolist())]


def build(config: RecentPopularityConfig, vocabulary: Vocabulary) -> RecentPopularity:
    """Return an unfitted model."""
    return RecentPopularity(config, vocabulary.n_items)
