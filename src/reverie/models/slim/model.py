"""SLIM: sparse linear methods for top-n recommendation (Ning and Karypis 2011)."""

from __future__ import annotations

from typing import Any

from reverie.data.sequences import Sequences
from reverie.models import counting
from reverie.models.slim.config import SLIMConfig
from reverie.models.slim.solver import find_candidates, solve
from reverie.seeds import numpy_generator

SPACE: dict[str, tuple[Any, ...]] = {"l1": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0), "l2": (1.0, 10.0, 30.0, 100.0, 300.0, 1000.0)}
"""Values that each option is drawn from, all equally likely."""


class SLIM(counting.SummedItems[SLIMConfig]):
    """Score of item j: the sum of ``W[i, j]`` over the distinct items i of the history.

    Column j of W minimises ``½ |x_j - X w|² + β / 2 |w|² + λ |w|₁`` over ``w ≥ 0`` with ``w_j = 0``, X the 0/1 matrix of users by
    items, each training row one user. A history without any weight is scored by the items' share of training events.

    .. [1] Ning and Karypis, SLIM: Sparse linear methods for top-N recommender systems, ICDM 2011, equation 3 and section IV-D.
    """

    name = "slim"

    def fit_counts(self, train: Sequences, measure: counting.Measure = None, seed: int = 0) -> dict[str, Any]:
        """Solve for the weights, with each setting of the search where there is validation to choose on."""
        candidates = find_candidates(counting.interaction_matrix(train), self.config.neighbours)
        share = counting.compute_event_share(train)

        def take(config: SLIMConfig) -> None:
            self._take_matrix(solve(candidates, config.l1, config.l2, config.tolerance, config.sweeps), {"share": share})

        drawn = counting.random_settings(self.config, SPACE, self.config.trials, numpy_generator(seed, "slim", "search"))
        return self._choose(drawn, take, measure, SPACE)
