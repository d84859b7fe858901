"""Lists of items: a model's own, re-ordered for variety, and one per draw of a generative model; and the vectors behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from reverie.data.batch import query_batch
from reverie.evaluation import Evaluation, evaluate
from reverie.evaluation.beyond_accuracy import pairwise_cosine
from reverie.evaluation.ranking import LARGEST, arrange, batches, evaluation_mode, highest, masked
from reverie.nn.reranking import min_max, mmr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from reverie.data.queries import Queries

    Lists = NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """Draws of a generative model.

    Parameters
    ----------
    lists : ndarray, shape [Q, n, K], int64
        The nearest items of each draw, seen ones left out; 0 is nothing.
    cosine : ndarray, shape [Q]
        Mean cosine between the draws of a history.
    """

    lists: Lists
    cosine: NDArray[np.float64]


def own_lists(evaluation: Evaluation, k: int) -> Lists:
    """Return the lists of an evaluation as a matrix.

    Parameters
    ----------
    evaluation : Evaluation
        With lists of at least `k` items.
    k : int
        Length.

    Returns
    -------
    ndarray, shape [Q, k], int64
        Item codes; 0 where a list is shorter.
    """
    kept = evaluation.topk.filter(evaluation.topk["rank"] <= k)
    lists = np.zeros((evaluation.ranks["query"].max() + 1, k), dtype=np.int64)  # type: ignore[operator]  # whole numbers
    lists[kept["query"].to_numpy(), kept["rank"].to_numpy() - 1] = kept["item"].to_numpy()
    return lists


def varied_lists(model: Any, queries: Queries, trades: tuple[float, ...], k: int, candidates: int) -> dict[float, Lists]:
    """Order a model's first items anew by maximal marginal relevance, in the space of its own item vectors.

    Parameters
    ----------
    model : Recommender with item_table
        Whose lists are varied.
    queries : Queries
        What is asked.
    trades : tuple of float
        Values of λ.
    k, candidates : int
        Length of the lists, and of those that they are chosen from.

    Returns
    -------
    dict of float to ndarray, shape [Q, k], int64
        Item codes by λ.
    """
    found = evaluate(model, queries, top=candidates)
    width = int(found.topk["rank"].max())  # type: ignore[arg-type]  # a whole number
    items = torch.from_numpy(own_lists(found, width))
    ranked = np.full(items.shape, -np.inf, dtype=np.float32)
    ranked[found.topk["query"].to_numpy(), found.topk["rank"].to_numpy() - 1] = found.topk["score"].to_numpy()
    relevance, table = min_max(torch.from_numpy(ranked)), model.item_table().detach()
    lists: dict[float, Lists] = {}
    for trade in trades:
        order = torch.cat(
            [
                mmr(some, table[(codes - 1).clamp(min=0)], trade, k)
                for some, codes in zip(relevance.split(512), items.split(512), strict=True)
            ]
        )
        chosen = items.gather(1, order.clamp(min=0)).masked_fill(order < 0, 0).numpy()
        lists[trade] = np.pad(chosen, ((0, 0), (0, k - chosen.shape[1])))
    return lists


def drawn_lists(model: Any, queries: Queries, n: int, k: int) -> Drawn:
    """Draw vectors and return the items nearest to each.

    Parameters
    ----------
    model : Recommender that imagines, with item_table
        What draws.
    queries : Queries
        What is asked; seen items are left out of the lists where its rule says so.
    n, k : int
        Draws per history, and items per draw.

    Returns
    -------
    Drawn
        Of all queries.
    """
    n_items = queries.sequences.vocabulary.n_items
    lists, cosine = np.zeros((len(queries), n, k), dtype=np.int64), np.zeros(len(queries))
    with evaluation_mode(model, None, 0):
        for index, drawn in _vectors(model, queries, n):
            cosine[index] = pairwise_cosine(drawn).double().numpy()
            scores = (drawn @ model.item_table().T).reshape(-1, n_items)
            layout = arrange(queries, index, remove_seen=queries.seen == "remove")
            rows = (layout.hidden_rows[:, None] * n + np.arange(n)).ravel()
            with masked(scores, rows, np.repeat(layout.hidden_columns, n)):
                columns, _ = highest(scores, k)
            lists[index, :, : columns.shape[1]] = columns.reshape(len(index), n, -1) + 1
    return Drawn(lists, cosine)


def vectors_of(model: Any, queries: Queries, draws: int = 0) -> torch.Tensor:
    """Return what histories become.

    Parameters
    ----------
    model : Recommender with vectors
        Whose.
    queries : Queries
        Histories.
    draws : int
        How many draws per history; 0 for the vector that the model ranks by.

    Returns
    -------
    Tensor, shape [Q, D] or [Q, draws, D]
        In the order of the queries.
    """
    with evaluation_mode(model, None, 0):
        parts = list(_vectors(model, queries, draws))
    order = np.argsort(np.concatenate([index for index, _ in parts]))
    return torch.cat([vectors for _, vectors in parts])[torch.from_numpy(order)]


def _vectors(model: Any, queries: Queries, draws: int) -> Iterator[tuple[NDArray[np.int64], torch.Tensor]]:
    """Yield batches of query numbers and their vectors, few enough that a score for each draw and item finds room."""
    size = max(1, min(512, LARGEST // (4 * max(draws, 1) * queries.sequences.vocabulary.n_items)))
    for index in batches(queries, model.history, size, False):
        batch = query_batch(queries, index, model.history)
        yield index, model.imagine(batch, draws) if draws else model.represent(batch)
