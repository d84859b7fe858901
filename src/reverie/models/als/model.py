"""Implicit matrix factorisation by alternating least squares (Hu, Koren and Volinsky 2008; Rendle et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences
from reverie.models import counting
from reverie.models.als.config import ALSConfig
from reverie.models.als.factors import confidences, damped, factorise, penalties
from reverie.models.als.solver import Problem, buckets_of, solve_exactly
from reverie.seeds import numpy_generator

SPACE: dict[str, tuple[Any, ...]] = {
    "unobserved": (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), "regularisation": (0.0003, 0.001, 0.003, 0.01, 0.03),
}  # fmt: skip
"""Values that each option is drawn from, all equally likely."""


class ALS(counting.CountingModel[ALSConfig]):
    """Score of item i: ``<w, h_i>``, with w solved for from the history, so that users who are unknown score like all others.

    Vectors minimise ``Σ_{(u,i) occurred} c_ui (1 - <w_u, h_i>)² + α₀ Σ_{all u, i} <w_u, h_i>²
    + λ Σ_u (Σ_i c_ui + α₀ N)^ν |w_u|² + λ Σ_i (Σ_u c_ui + α₀ U)^ν |h_i|²``, users given items and items given users in turn.
    A history without any known event is ranked by the items' share of training events, in one more column of the vectors.

    .. [1] Hu, Koren and Volinsky, Collaborative filtering for implicit feedback datasets, ICDM 2008. There pairs weigh
       ``1 + α r`` and should score 1 where they occurred: the same at α₀ = 1 / α, but for a factor of all scores.
    .. [2] Rendle, Krichene, Zhang and Koren, Revisiting the performance of iALS on item recommendation benchmarks, RecSys 2022,
       arXiv 2110.14037 (α₀, ν, and what to tune).
    """

    name = "als"
    stored = (("vectors", None), ("share", 0), ("settings", 4))

    def fit_counts(self, train: Sequences, measure: counting.Measure = None, seed: int = 0) -> dict[str, Any]:
        """Factorise, with each setting of the search where there is validation to choose on."""
        taken, mean = confidences(train, self.config)
        share = counting.compute_event_share(train)

        def take(config: ALSConfig) -> None:
            settings = np.array([config.unobserved, config.regularisation, config.exponent, mean])
            self._take({"vectors": factorise(taken, config, seed), "share": share, "settings": settings})

        drawn = counting.random_settings(self.config, SPACE, self.config.trials, numpy_generator(seed, "als", "search"))
        return self._choose(drawn, take, measure, SPACE)

    def represent(self, batch: SequenceBatch) -> Tensor:
        """Return the vector of each history, and behind it 1 where the history is empty, else 0 → [B, D + 1]."""
        arrays = self.arrays()
        unobserved, strength, exponent, mean = arrays["settings"].tolist()
        rows = counting.history_rows(batch, self.n_items, None)
        rows.sum_duplicates()
        rows.data = damped(rows.data, self.config) / np.float32(mean if self.config.confidence == "counts" else 1)
        table = torch.tensor(arrays["vectors"], dtype=getattr(torch, self.config.precision))  # a copy: aligned, loaded or not
        penalty = penalties(rows, unobserved, strength, exponent, table.dtype)
        solved = solve_exactly(buckets_of(rows, table.shape[1], table.dtype), Problem(table, penalty, unobserved)).float()
        empty = torch.from_numpy(np.diff(rows.indptr) == 0)
        return torch.cat([solved, empty[:, None]], dim=1).to(batch.items.device)

    def item_table(self) -> Tensor:
        """Return the vectors of items 1..N, their last column the share of training events → [N, D + 1]."""
        arrays = self.arrays()
        return torch.from_numpy(np.concatenate([arrays["vectors"], arrays["share"][:, None]], axis=1))

    def _take(self, arrays: counting.Arrays) -> None:
        vectors = arrays["vectors"]
        self._check_fit(vectors.ndim == 2 and len(vectors) == self.n_items, np.zeros(0))
        super()._take(arrays)

    def _score(self, batch: SequenceBatch, arrays: counting.Arrays) -> Tensor:
        """Return inner products of histories and items → [B, N]."""
        return self.represent(batch).cpu() @ self.item_table().T
