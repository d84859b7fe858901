"""How far Q of held-out events lies above what followed them in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor

from reverie.data.batch import SequenceBatch, query_batch
from reverie.evaluation.ranking import evaluation_mode
from reverie.rl.returns import returns_to_go

if TYPE_CHECKING:
    from reverie.data.queries import Queries

EVENTS = 4000
"""Held-out events that are looked at, evenly spaced."""


class HasValues(Protocol):
    """A model with Q values of candidates."""

    history: int | None

    @property
    def gamma(self) -> float:
        """Discount γ of its values."""

    def q_values(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Return Q(s, a); items [B, C] → [B, C]."""


def q_minus_logged(model: HasValues, queries: Queries) -> float | None:
    """Return the mean of Q(s, a) - the discounted return that followed a in the log, over held-out events.

    The log was made by another policy than the model's, so a good Q lies above it; that far above it is promised, not earned.

    Parameters
    ----------
    model : HasValues
        In the codes of the queries; returns are discounted by its γ.
    queries : Queries
        Of one target each, the event after the history.

    Returns
    -------
    float or None
        In units of reward; None where targets are no events of rows, or several at once.
    """
    rows = queries.sequences
    if queries.targets_at is None or "reward" not in rows.columns or len(queries.targets) != len(queries):
        return None
    asked = np.flatnonzero((queries.lengths > 0) & (queries.targets_at == queries.stop))
    if not len(asked):
        return None
    index = asked[np.linspace(0, len(asked) - 1, min(EVENTS, len(asked))).astype(np.int64)]
    at, returns = rows.positions(), np.zeros(len(rows.items))
    returns[at] = returns_to_go(rows.columns["reward"][at].astype(np.float64), rows.lengths, model.gamma)
    taken = torch.from_numpy(queries.targets[index].astype(np.int64))[:, None]
    with evaluation_mode(model, None, 0) as device:  # type: ignore[arg-type]  # value models are recommenders
        values = model.q_values(query_batch(queries, index, model.history).to(device), taken.to(device)).double().cpu().numpy()
    return float((values[:, 0] - returns[queries.targets_at[index]]).mean())
