"""Vectors of items and of histories with their ids, and the items most similar to an item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from reverie.calls import require_count, require_method
from reverie.data.batch import query_batch
from reverie.data.dataset import Dataset
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.evaluation.asked import Unknown, asked_of, flat_ids, is_list, known_model
from reverie.evaluation.ranking import LARGEST, batches, evaluation_mode, highest
from reverie.evaluation.recommendations import exact_items, find_items
from reverie.models.item_to_item import HasItemMatrix
from reverie.protocols import Recommender, Scores

_INSTEAD = "rv.recommend asks any model; 'sasrec', 'gru4rec', 'mf' and 'lightgcn' have vectors"


def item_vectors(model: Scores, *, device: str | torch.device | None = None) -> pl.DataFrame:
    """Return the vectors of all items.

    Parameters
    ----------
    model : Recommender
        One with `item_table`.
    device : str or torch.device, optional
        Where to compute; by default where the model is.

    Returns
    -------
    polars.DataFrame
        Columns item (id) and vector (Float32, D numbers; ``frame["vector"].to_numpy()`` is [N, D]).

    Raises
    ------
    ConfigError
        If the model has no item vectors.
    """
    model = known_model(model, "item_vectors")
    items = model.card.vocabulary.items
    return pl.DataFrame({"item": items, "vector": _column(_table(model, device).cpu().numpy())})


def user_vectors(
    model: Scores,
    histories: Sequence[Any] | None = None,
    *,
    users: Sequence[Any] | None = None,
    data: Dataset | Split | Sequences | None = None,
    titles: bool = False,
    unknown: Unknown = "raise",
    device: str | torch.device | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Return the vectors that stand for histories; their products with those of items are the scores.

    Parameters
    ----------
    model : Recommender
        One with `represent`.
    histories, users, data, titles, unknown, device, seed
        As in `recommend`.

    Returns
    -------
    polars.DataFrame
        Columns ``user`` (id) or, of several histories, ``query`` (0, 1, …), and vector (Float32, D numbers), in the order asked.

    Raises
    ------
    ConfigError
        If the model has no such vectors, or the call is not one of `recommend`.
    DataError
        If an item or a user is unknown.
    """
    model = known_model(model, "user_vectors")
    asked = asked_of(model, histories, users, data, titles, unknown)
    require_method(model, "represent", _INSTEAD)
    order, found = [np.zeros(0, dtype=np.int64)], [np.zeros((0, 1), dtype=np.float32)]
    with evaluation_mode(model, device, seed) as used:
        for index in batches(asked.queries, model.history, None, False):
            batch = query_batch(asked.queries, index, model.history).to(used)
            order.append(index)
            found.append(model.represent(batch).float().cpu().numpy())  # type: ignore[attr-defined]  # required above
    vectors = np.concatenate(found[1:] or found)[np.argsort(np.concatenate(order))]
    return asked.frame(np.arange(len(vectors)), {"vector": _column(vectors)})


def similar(
    model: Scores,
    items: Any,
    k: int = 10,
    *,
    titles: bool = False,
    unknown: Unknown = "raise",
    device: str | torch.device | None = None,
) -> pl.DataFrame:
    """Return the items most similar to each of some items.

    Similar is a large cosine of item vectors or, in a model that is a matrix of items by items, a large entry above zero in the row
    of the item.

    Parameters
    ----------
    model : Recommender
        One with `item_table` or `item_to_item`.
    items : id or sequence of ids
        Whose neighbours are wanted.
    k : int
        How many for each; fewer come back where fewer are linked to it.
    titles, unknown, device
        As in `recommend`.

    Returns
    -------
    polars.DataFrame
        Columns item (the one asked about), rank (from 1), similar (id), title (of the similar one), score.

    Raises
    ------
    ConfigError
        If the model has neither vectors nor such a matrix, or `k` is no whole number above 0.
    DataError
        If an item is unknown.
    """
    require_count(k)
    model = known_model(model, "similar")
    known, wanted = model.card.vocabulary, flat_ids([items if is_list(items) else [items]])
    codes = (find_items if titles else exact_items)(list(wanted), known, unknown == "skip")
    at = codes[codes > 0].astype(np.int64) - 1
    near = [np.zeros((0, k), dtype=np.int64)]
    values = [np.zeros((0, k), dtype=np.float32)]
    for first, scores in _links(model, at, device):
        scores[torch.arange(len(scores)), torch.from_numpy(at[first : first + len(scores)])] = -torch.inf
        columns, found = highest(scores, k)
        near.append(columns)
        values.append(found)
    width = near[-1].shape[1]
    columns, found = (np.concatenate([one[:, :width] for one in parts]) for parts in (near, values))
    row, place = np.nonzero(columns >= 0)
    similar_to = columns[row, place]
    return pl.DataFrame({
        "item": known.items.gather(at[row]), "rank": (place + 1).astype(np.int32), "similar": known.items.gather(similar_to),
        "title": known.names.gather(similar_to), "score": found[row, place],
    })  # fmt: skip


def _links(model: Any, at: NDArray[np.int64], device: str | torch.device | None) -> Iterator[tuple[int, Tensor]]:
    """Yield where a piece of the asked items begins, and how near every item is to each of its own → [M, N]; at [A]."""
    step, name = max(1, LARGEST // (4 * model.card.vocabulary.n_items)), model.card.name
    if callable(getattr(model, "item_table", None)):
        table = F.normalize(_table(model, device), dim=-1)
        for first in range(0, len(at), step):
            yield first, (table[torch.from_numpy(at[first : first + step]).to(table.device)] @ table.T).cpu()
    elif isinstance(model, HasItemMatrix):
        matrix = model.item_to_item().matrix
        if not matrix.nnz:
            raise ConfigError(f"model '{name}' scores items alike after any item, so none are similar; take ease or sasrec")
        for first in range(0, len(at), step):
            scores = torch.from_numpy(matrix[at[first : first + step]].toarray())
            yield first, scores.masked_fill(scores <= 0, -torch.inf)
    else:
        lacks = f"model '{name}' has neither item vectors nor a matrix of items by items"
        raise ConfigError(f"{lacks}; rv.recommend(model, [item]) says what it shows after one item")


def _table(model: Recommender, device: str | torch.device | None) -> Tensor:
    """Return the vectors of items 1..N → [N, D]."""
    require_method(model, "item_table", _INSTEAD)
    with evaluation_mode(model, device, 0):
        table: Tensor = model.item_table()  # type: ignore[attr-defined]  # required above
        return table.detach().float().clone()


def _column(vectors: NDArray[np.float32]) -> pl.Series:
    """Return one array a row; vectors [M, D]."""
    return pl.Series("vector", np.ascontiguousarray(vectors), dtype=pl.Array(pl.Float32, vectors.shape[1]))
