"""Recommended lists in the caller's ids, for one history, several histories or all users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from reverie.data.queries import Queries
from reverie.data.sequences import Sequences, row_offsets
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError
from reverie.evaluation.ranking import batches, evaluation_mode, highest, history_keys, in_model_codes, masked, score_batch
from reverie.evaluation.recommendations import find_items, listed_items
from reverie.models.own import card_of
from reverie.protocols import Recommender


def recommend(
    model: Recommender,
    histories: Sequence[Any],
    k: int = 10,
    *,
    exclude_seen: bool = True,
    allow: Sequence[Any] | None = None,
    deny: Sequence[Any] | None = None,
    device: str | torch.device | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Recommend what comes next after one history, or after each of several.

    Parameters
    ----------
    model : Recommender
        A fitted model.
    histories : sequence
        One history, oldest first, of item ids or titles, or a sequence of such histories; of several, unknown items are left out
        with a warning.
    k : int
        How many items; fewer come back where fewer are left.
    exclude_seen : bool
        Whether items of the history are left out.
    allow, deny : sequence, optional
        Ids or exact titles: recommend only these; never these. Unknown ones are left out with a warning.
    device : str or torch.device, optional
        Where to compute; by default where the model is.
    seed : int
        Seed for models that draw random numbers.

    Returns
    -------
    polars.DataFrame
        Columns rank (from 1), item (id), title, score, best first; for several histories ``query`` (0, 1, …) before them.

    Raises
    ------
    DataError
        If an item of the one history is unknown or ambiguous, or nothing may be recommended.
    ConfigError
        If `k` is below 1, or a history is a bare text instead of a list.

    Examples
    --------
    ``recommend(model, ["Toy Story (1995)", "Heat (1995)"], k=10)``
    """
    if isinstance(histories, str):
        raise ConfigError(f"a history is a list of ids or titles; write ['{histories}']")
    vocabulary = card_of(model, "recommend").vocabulary
    several = len(histories) > 0 and all(isinstance(h, Sequence | np.ndarray) and not isinstance(h, str) for h in histories)
    rows = histories if several else [histories]
    codes = find_items([item for row in rows for item in row], vocabulary, several)
    bounds = row_offsets(codes > 0)[row_offsets(np.array([len(row) for row in rows]))]
    users = np.full(len(rows), -1, dtype=np.int64)
    sequences = Sequences(codes[codes > 0], bounds[:-1], bounds[1:], users, vocabulary)
    query, rank, code, score = _lists(
        model, _queries_without_targets(sequences), k, exclude_seen, allow, deny, None, device, seed, False
    )
    frame = pl.DataFrame(
        {
            "query": query,
            "rank": rank,
            "item": vocabulary.items.gather(code - 1),
            "title": [vocabulary.title(int(c)) for c in code],
            "score": score,
        },
        schema_overrides={"title": pl.String},
    )
    return frame if several else frame.drop("query")


def recommend_all(
    model: Recommender,
    source: Sequences | Queries,
    k: int = 10,
    *,
    exclude_seen: bool | None = None,
    allow: Sequence[Any] | None = None,
    deny: Sequence[Any] | None = None,
    batch_size: int | None = None,
    device: str | torch.device | None = None,
    seed: int = 0,
    progress: bool = False,
) -> pl.DataFrame:
    """Recommend to every row of sequences, or to every query, in batches.

    Items and users are matched with the model's by their ids: users that it does not know are new, and items that it does not know
    are left out of histories.

    Parameters
    ----------
    model : Recommender
        A fitted model.
    source : Sequences or Queries
        Whose histories are continued; ``split.refit`` gives every user's known events.
    k : int
        How many items; fewer come back where fewer are left.
    exclude_seen : bool, optional
        Whether items of the history are left out; by default what the queries' rule says, and true for sequences.
    allow, deny : sequence, optional
        Ids or exact titles: recommend only these; never these. Unknown ones are left out with a warning.
    batch_size : int, optional
        Histories at a time; by default at most 512 and at most 64 MB of scores.
    device : str or torch.device, optional
        Where to compute; by default where the model is.
    seed : int
        Seed for models that draw random numbers.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    polars.DataFrame
        Columns user (id; null where unknown), item (id), rank (from 1), score; in the order of `source`.

    Raises
    ------
    DataError, ConfigError
        As `recommend`.
    """
    queries = source if isinstance(source, Queries) else _queries_without_targets(source)
    exclude_seen = queries.seen == "remove" if exclude_seen is None else exclude_seen
    asked = in_model_codes(model, queries)[0]
    query, rank, code, score = _lists(model, asked, k, exclude_seen, allow, deny, batch_size, device, seed, progress)
    users = pl.Series(queries.users[query])
    return pl.DataFrame({
        "user": queries.sequences.vocabulary.users.gather(users.replace(-1, None)),
        "item": model.card.vocabulary.items.gather(code - 1), "rank": rank, "score": score,
    })  # fmt: skip


def recommend_user(model: Recommender, sequences: Sequences, row: int, k: int = 10, **options: Any) -> pl.DataFrame:
    """Return the list that `recommend_all` makes for the user of one row, with titles.

    The row is scored in the batch that it is in there, so the list is the same to the last digit.
    """
    asked = in_model_codes(model, _queries_without_targets(sequences))[0]
    batch = next(index for index in batches(asked, model.history, None, False) if row in index)
    lists = recommend_all(model, sequences.take(batch), k, **options)
    lists = lists.filter(pl.col("user") == sequences.vocabulary.users[int(sequences.users[row])])
    vocabulary = model.card.vocabulary
    titles = [vocabulary.title(int(code)) for code in vocabulary.item_codes(lists["item"])]
    return lists.select("rank", "item", pl.Series("title", titles, dtype=pl.String), "score")


def _queries_without_targets(sequences: Sequences) -> Queries:
    """One query per row, without targets."""
    return Queries(
        sequences=sequences, start=sequences.starts, stop=sequences.stops, users=sequences.users, clusters=sequences.users,
        targets=np.zeros(0, dtype=np.int32), offsets=np.zeros(len(sequences) + 1, dtype=np.int64),
    )  # fmt: skip


def _lists(
    model: Recommender,
    queries: Queries,
    k: int,
    exclude_seen: bool,
    allow: Sequence[Any] | None,
    deny: Sequence[Any] | None,
    batch_size: int | None,
    device: str | torch.device | None,
    seed: int,
    progress: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.float32]]:
    """Query, rank, item code and score of everything recommended, ordered by query and rank."""
    if k < 1:
        raise ConfigError(f"k={k} recommends nothing; ask for 1 or more")
    vocabulary = queries.sequences.vocabulary
    open_items = _open_items(vocabulary, allow, deny)
    width, base = min(k, len(open_items)), vocabulary.n_items + 1
    column_of = np.full(base, -1, dtype=np.int64)
    column_of[open_items] = np.arange(len(open_items))
    items, scores_kept = np.zeros((len(queries), width), dtype=np.int64), np.zeros((len(queries), width), dtype=np.float32)
    with evaluation_mode(model, device, seed) as used:
        chosen = None if len(open_items) == vocabulary.n_items else torch.from_numpy(open_items - 1).to(used)
        for index in batches(queries, model.history, batch_size, progress):
            scores = score_batch(model, queries, index, used, None)
            scores = scores if chosen is None else scores.index_select(1, chosen)
            keys = history_keys(queries, index) if exclude_seen else np.zeros(0, dtype=np.int64)
            rows, columns = keys // base, column_of[keys % base]
            allowed = columns >= 0
            with masked(scores, rows[allowed], columns[allowed]):
                places, values = highest(scores, width)
            items[index], scores_kept[index] = np.where(places < 0, 0, open_items[places]), values
    query, at = np.nonzero(items)
    return query, (at + 1).astype(np.int32), items[query, at], scores_kept[query, at]


def _open_items(vocabulary: Vocabulary, allow: Sequence[Any] | None, deny: Sequence[Any] | None) -> NDArray[np.int64]:
    """Codes that may be recommended, ascending."""
    is_open = np.full(vocabulary.n_items + 1, allow is None)
    if allow is not None:
        is_open[listed_items(allow, vocabulary)] = True
    if deny is not None:
        is_open[listed_items(deny, vocabulary)] = False
    is_open[0] = False
    if not is_open.any():
        raise DataError("the allowed and denied items leave nothing to recommend; allow more or deny less")
    return np.flatnonzero(is_open)
