"""How wrong the reward model and the transition model of a value model are in a world where both are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reverie.data.batch import SequenceBatch, query_batch
from reverie.data.queries import Queries
from reverie.data.recode import Recoder
from reverie.errors import DataError
from reverie.evaluation.ranking import evaluation_mode
from reverie.evaluation.values import midranks
from reverie.rl.worlds.session import SessionWorld

VISITS = 4000
"""Held-out events that a model is judged by."""


@runtime_checkable
class HasModels(Protocol):
    """A value model with a reward and a transition model."""

    def reward_values(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return R(s, a); items [B, C] → [B, C]."""

    def reached_states(self, batch: SequenceBatch, items: Tensor) -> Tensor:
        """Return z(s, a); items [B] → [B, D]."""

    def last_state(self, batch: SequenceBatch) -> Tensor:
        """Return the state after the last event → [B, D]."""

    def terms(self) -> Any:
        """Return the losses by name, with their weights."""


def reward_error(model: Any, queries: Queries, world: SessionWorld) -> float | None:
    """Return 1 - the mean rank correlation (Spearman) of R(s, ·) with the world's rewards over held-out states; None without R.

    Parameters
    ----------
    model : object
        A value model in the codes of the queries.
    queries : Queries
        Of the world's log.
    world : SessionWorld
        Whose ``R`` is true.

    Returns
    -------
    float or None
        0 where the order of the items is right in every state, 1 where it has nothing to do with the truth.
    """
    if not _learned(model, "reward"):
        return None
    batch, states, codes, _ = _judged(model, queries, world)
    items = torch.arange(1, len(codes))
    with evaluation_mode(model, None, 0) as device:
        guessed = model.reward_values(batch.to(device), items.to(device)).double().cpu().numpy()
    return float(1 - _rank_correlation(guessed, world.R[states][:, codes[1:] - 1]).mean())


def transition_error(model: Any, queries: Queries, world: SessionWorld) -> float | None:
    """Return the share of held-out events after which the transition model points to another state; None without one.

    z(s, a) is compared with the states that all judged events led to; it is right where the nearest one stands for the true next
    state of the world.

    Parameters
    ----------
    model, queries, world
        As of `reward_error`.

    Returns
    -------
    float or None
        In [0, 1].
    """
    if not _learned(model, "transition"):
        return None
    batch, states, codes, index = _judged(model, queries, world)
    taken = queries.targets[queries.offsets[index]].astype(np.int64)
    after = query_batch(replace(queries, stop=queries.stop + 1), index, model.history)
    with evaluation_mode(model, None, 0) as device:
        reached = model.reached_states(batch.to(device), torch.from_numpy(taken).to(device))
        ends = torch.nn.functional.normalize(model.last_state(after.to(device)), dim=1)
        nearest = (reached @ ends.T).argmax(1).cpu().numpy()
    truth = world.next_state[states, codes[taken] - 1]
    return float((truth[nearest] != truth).mean())


def _learned(model: Any, term: str) -> bool:
    return isinstance(model, HasModels) and bool(model.terms().get(term, (0.0,))[0])


def _judged(
    model: Any, queries: Queries, world: SessionWorld
) -> tuple[SequenceBatch, NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Return histories, the world's states after them [B], the world's code of each item [N + 1] and the queries' numbers [B]."""
    codes = Recoder(queries.sequences.vocabulary, world.vocabulary).items
    if not codes[1:].all():
        raise DataError(f"the log has items that world '{world.name}' lacks; give a log of that world")
    index = np.flatnonzero(queries.lengths > 0)
    index = index[np.linspace(0, len(index) - 1, min(VISITS, len(index))).astype(np.int64)]
    whole = query_batch(queries, index, None)
    states = world.states_of(codes[whole.items.numpy()], whole.lengths.numpy())
    return query_batch(queries, index, model.history), states, codes, index


def _rank_correlation(guessed: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Spearman's correlation of each row; guessed, truth [B, N] → [B]."""
    rows = np.repeat(np.arange(len(truth)), truth.shape[1])
    ranks = [midranks(rows, values.ravel()).reshape(truth.shape) for values in (guessed, truth)]
    centred = [one - one.mean(axis=1, keepdims=True) for one in ranks]
    spread = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    product: NDArray[np.float64] = (centred[0] * centred[1]).sum(axis=1)
    return np.asarray(np.divide(product, spread, out=np.zeros(len(product)), where=spread > 0))
