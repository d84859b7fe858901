"""Ridge regression in closed form from the vectors of the last items to the vector of the next one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from reverie.data.plans import create_plan
from reverie.nn.states import score_items
from reverie.options import Options
from reverie.protocols import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.batch import SequenceBatch
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""What validation chooses from."""
CHUNK = 4096
"""Training rows whose inputs are held at a time."""


class RidgeConfig(Options):
    """Options of the regression."""

    history: PositiveInt = 10
    """How many of the most recent events are read."""
    strength: PositiveFloat = 0.01
    """Penalty on squared weights, in units of the mean variance of an input times the number of rows."""


class Ridge:
    """x̂ = W [e of the latest item ; of the one before ; …] + b, ranked by inner product; b is not penalised.

    Parameters
    ----------
    config : RidgeConfig
        Options.
    vocabulary : Vocabulary
        Ids of N items.
    table : Tensor, shape [N, D]
        Item vectors: inputs, targets and what is ranked. They are not trained.
    """

    def __init__(self, config: RidgeConfig, vocabulary: Vocabulary, table: Tensor) -> None:
        self.card = Card("ridge", config, vocabulary)
        self.history: int | None = config.history
        self.width, self.table = config.history, table.detach().double()
        self.weight = torch.zeros(config.history * table.shape[1], table.shape[1], dtype=torch.float64)
        self.bias = torch.zeros(table.shape[1], dtype=torch.float64)

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates.

        Parameters
        ----------
        batch : SequenceBatch
            Histories.
        items : Tensor or None, shape [B, C]
            Candidate codes.

        Returns
        -------
        Tensor, shape [B, N] or [B, C]
            Inner products of predicted and item vectors.
        """
        return score_items(latest_first(batch, self.table, self.width) @ self.weight + self.bias, self.table, items)

    def fit_counts(self, train: Sequences, measure: Callable[[], float] | None = None, seed: int = 0) -> dict[str, Any]:
        """Solve the normal equations over every prefix, the empty one included.

        Parameters
        ----------
        train : Sequences
            What to learn from.
        measure : callable or None
            The validation metric; with it the strength is chosen from `STRENGTHS`, else it is that of the options.
        seed : int
            Not used.

        Returns
        -------
        dict
            The strength, where it was chosen.
        """
        solve = ridge_solver(*self._moments(train))
        if measure is None:
            self.weight, self.bias = solve(self.card.config.strength)
            return {}
        found: dict[float, float] = {}
        for strength in STRENGTHS:
            self.weight, self.bias = solve(strength)
            found[strength] = measure()
        best = max(found, key=found.__getitem__)
        self.weight, self.bias = solve(best)
        return {"strength": best}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the table, weights and intercepts.

        Returns
        -------
        dict of str to ndarray
            By name.
        """
        return {"table": self.table.numpy(), "weight": self.weight.numpy(), "bias": self.bias.numpy()}

    def load_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take back what `arrays` returned.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            By name.
        """
        self.table, self.weight, self.bias = (torch.from_numpy(np.array(arrays[n])) for n in ("table", "weight", "bias"))

    def _moments(self, train: Sequences) -> tuple[int, Tensor, Tensor, Tensor, Tensor]:
        """Return rows n, the sums of inputs and targets, XᵀX and XᵀY."""
        plan = create_plan("prefixes-with-empty", train, self.width)
        inputs, dim = self.weight.shape
        x_sum, y_sum = torch.zeros(inputs, dtype=torch.float64), torch.zeros(dim, dtype=torch.float64)
        xx, xy = torch.zeros(inputs, inputs, dtype=torch.float64), torch.zeros(inputs, dim, dtype=torch.float64)
        for first in range(0, len(plan), CHUNK):
            batch = plan.batch(np.arange(first, min(first + CHUNK, len(plan))))
            assert batch.targets is not None
            x, y = latest_first(batch, self.table, self.width), self.table[batch.targets - 1]
            x_sum += x.sum(0)
            y_sum += y.sum(0)
            xx += x.T @ x
            xy += x.T @ y
        return len(plan), x_sum, y_sum, xx, xy


def latest_first(batch: SequenceBatch, table: Tensor, width: int) -> Tensor:
    """Lay the vectors of the last items side by side, the latest first, zeros where there is none.

    Parameters
    ----------
    batch : SequenceBatch
        Histories of at most `width` events.
    table : Tensor, shape [N, D]
        Item vectors.
    width : int
        Number of places H.

    Returns
    -------
    Tensor, shape [B, H * D]
        Inputs.
    """
    at = batch.lengths[:, None] - 1 - torch.arange(width)
    codes = batch.items.gather(1, at.clamp(min=0, max=batch.items.shape[1] - 1)) * (at >= 0)
    return (table[(codes - 1).clamp(min=0)] * (codes > 0)[:, :, None]).flatten(1)


def ridge_solver(rows: int, x_sum: Tensor, y_sum: Tensor, xx: Tensor, xy: Tensor) -> Callable[[float], tuple[Tensor, Tensor]]:
    """Return the solution as a function of the strength, from one eigendecomposition.

    Parameters
    ----------
    rows : int
        Number of rows n.
    x_sum, y_sum : Tensor, shape [P], [D]
        Sums of inputs and targets.
    xx, xy : Tensor, shape [P, P], [P, D]
        XᵀX and XᵀY.

    Returns
    -------
    callable
        From the strength s to W [P, D] and b [D] that minimise |Y - X W - b|² + s n v |W|² with v the mean variance of an input.
    """
    x_mean, y_mean = x_sum / rows, y_sum / rows
    values, vectors = torch.linalg.eigh(xx - rows * torch.outer(x_mean, x_mean))
    turned = vectors.T @ (xy - rows * torch.outer(x_mean, y_mean))

    def solve(strength: float) -> tuple[Tensor, Tensor]:
        weight = vectors @ (turned / (values + strength * values.mean())[:, None])
        return weight, y_mean - x_mean @ weight

    return solve
