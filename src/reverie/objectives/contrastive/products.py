"""Negatives given as vectors: cosines are computed in chunks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from reverie.objectives.checks import column
from reverie.objectives.linear_softmax import linear_log_sums
from reverie.objectives.pool import Scores
from reverie.objectives.weights import Density, LogWeight

if TYPE_CHECKING:
    from reverie.objectives.contrastive.left_out import LeftOut

PIECE = 2**21
"""Scores of one piece, where the number of columns is left to us: 8 MB in float32."""


@dataclass(frozen=True)
class Products:
    """Negatives of M anchors among K shared vectors; a `Pool`; query [M, D], keys [K, D]."""

    query: Tensor
    keys: Tensor
    left_out: LeftOut
    chunk: int | None = None

    def count(self) -> Tensor:
        """Return how many negatives each anchor has → [M]."""
        m, n, step = len(self.query), len(self.keys), self._columns()
        kept = self.query.new_full((m,), n)
        for first in range(0, n, step):
            hidden = self.left_out.hidden(m, first, min(step, n - first), self.query.device)
            if hidden is not None:
                kept -= hidden.sum(1)
        return kept

    def matrix(self) -> Scores:
        """Return all scores at once."""
        if self.chunk is not None:
            raise ValueError(
                f"chunk must be None, got {self.chunk}: this loss needs all scores at once (its weights are no Density)"
            )
        scores = self.query @ self.keys.T
        hidden = self.left_out.hidden(len(scores), 0, scores.shape[1], scores.device)
        return Scores(scores if hidden is None else scores.masked_fill(hidden, float("-inf")))

    def log_sums(self, inverse: float | Tensor, weight: LogWeight | None = None) -> tuple[Tensor, Tensor]:
        """Return the log of the weighted sum of exponentials, and of the sum of weights; inverse [] or [M] → [M], [M]."""
        if not (weight is None or isinstance(weight, Density)):
            return self.matrix().log_sums(inverse, weight)
        scale = column(inverse)
        constant = scale.detach() if isinstance(scale, Tensor) else scale
        density: Callable[[Tensor], Tensor] | None = None
        if weight is not None:
            log = weight.log

            def density(scaled: Tensor) -> Tensor:
                return log(scaled / constant)

        return linear_log_sums(self.query * scale, self.keys, self._columns(), self.left_out.hide, density)

    def _columns(self) -> int:
        return self.chunk or max(PIECE // len(self.query), 64)
