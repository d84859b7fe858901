"""Recommended lists in the caller's ids, for one history, several histories, or users."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import torch

from reverie.calls import named, require_count, require_model
from reverie.data.dataset import Dataset
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.evaluation.asked import Unknown, asked_of, known_model, without_targets
from reverie.evaluation.availability import Listed, available
from reverie.evaluation.best import best_items
from reverie.evaluation.ranking import batches, in_model_codes
from reverie.models.fitted import warn_unfitted
from reverie.models.own import adopt
from reverie.protocols import Recommender, Scores


def recommend(
    model: Scores,
    histories: Sequence[Any] | None = None,
    k: int = 10,
    *,
    users: Sequence[Any] | None = None,
    data: Dataset | Split | Sequences | None = None,
    titles: bool = False,
    unknown: Unknown = "raise",
    exclude_seen: bool | None = None,
    allow: Listed = None,
    deny: Listed = None,
    device: str | torch.device | None = None,
    seed: int = 0,
) -> pl.DataFrame:
    """Recommend what comes next after one history, after each of several, or for users of some data.

    Parameters
    ----------
    model : Recommender
        A fitted model.
    histories : sequence, optional
        One history, oldest first, of item ids, or a sequence of such histories.
    k : int
        How many items; fewer come back where fewer are left.
    users : sequence, optional
        Ids of users, in place of histories.
    data : Dataset, Split or Sequences, optional
        Where the histories of `users` are: all events of a dataset, or those of a split without its test.
    titles : bool
        Whether histories, `allow` and `deny` may name items by title, too: in a history one that is close and clear will do, in
        the others it is exact and names all its items. By default ids are ids.
    unknown : {"raise", "skip"}
        What to do with items of histories, and with users, that are not known: refuse them, or leave them out and warn how many.
    exclude_seen : bool, optional
        Whether items of the history are left out; by default what the rule of the split in `data` says, as `evaluate` follows it,
        and true without one.
    allow, deny : sequence or mapping, optional
        Ids: recommend only these; never these. One list for all; a list of lists, one for each history or user (None: no limit);
        or with `users` a mapping from user id to ids. Unknown ids are left out with a warning.
    device : str or torch.device, optional
        Where to compute; by default where the model is.
    seed : int
        Seed for models that draw random numbers.

    Returns
    -------
    polars.DataFrame
        Columns rank (from 1), item (id), title, score, best first; for several histories ``query`` (0, 1, …) before them, for users
        ``user`` (id).

    Raises
    ------
    DataError
        If an item or a user is unknown, a title is ambiguous, or nothing may be recommended.
    ConfigError
        If the call is not one of those below; the error names the right one.

    Examples
    --------
    ``recommend(model, ["Toy Story (1995)", "Heat (1995)"], k=10, titles=True)``
    ``recommend(model, histories=[[1, 6], [50]], deny=[[2], []])``
    ``recommend(model, users=[196, 186], data=dataset, allow={196: [1, 50, 181]})``
    """
    require_count(k)
    model = known_model(model, "recommend")
    asked = asked_of(model, histories, users, data, titles, unknown)
    vocabulary, names = model.card.vocabulary, asked.names if asked.key == "user" else None
    open_items = available(vocabulary, asked.place, asked.given, names, allow, deny, titles)
    if exclude_seen is None:
        exclude_seen = not isinstance(data, Split) or data.test.seen == "remove"
    query, rank, code, score = best_items(model, asked.queries, k, exclude_seen, open_items, None, device, seed, False)
    if bare := len(asked.place) - len(np.unique(query)):
        first = np.setdiff1d(np.arange(len(asked.place)), query)[0]
        which = (
            f"{len(asked.place)} {'users' if asked.key == 'user' else 'histories'}, the first is {named(asked.names[int(first)])}"
        )
        warnings.warn(f"nothing is left to recommend to {bare} of {which}; allow more or deny less", stacklevel=2)
    item, title = vocabulary.items.gather(code - 1), vocabulary.names.gather(code - 1)
    return asked.frame(query, {"rank": rank, "item": item, "title": title, "score": score})


def recommend_all(
    model: Scores,
    source: Sequences | Queries,
    k: int = 10,
    *,
    exclude_seen: bool | None = None,
    allow: Listed = None,
    deny: Listed = None,
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
    allow, deny : sequence or mapping, optional
        As in `recommend`, for all or for each query or user.
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
    require_model(model, "rv.recommend_all(model, split.refit)")
    if not isinstance(source, Queries | Sequences):
        raise ConfigError(f"{named(source)} holds no histories to go on; give split.refit, split.test or dataset.sequences")
    require_count(k)
    queries = source if isinstance(source, Queries) else without_targets(source)
    model = adopt(model, queries.sequences.vocabulary)
    warn_unfitted(model, stacklevel=2)
    exclude_seen = queries.seen == "remove" if exclude_seen is None else exclude_seen
    asked = in_model_codes(model, queries)[0]
    users = queries.sequences.vocabulary.users.gather(pl.Series(queries.users).replace(-1, None))
    open_items = available(model.card.vocabulary, np.arange(len(asked)), len(asked), users, allow, deny, False)
    query, rank, code, score = best_items(model, asked, k, exclude_seen, open_items, batch_size, device, seed, progress)
    return pl.DataFrame({
        "user": users.gather(query),
        "item": model.card.vocabulary.items.gather(code - 1), "rank": rank, "score": score,
    })  # fmt: skip


def recommend_user(model: Recommender, sequences: Sequences, row: int, k: int = 10, **options: Any) -> pl.DataFrame:
    """Return the list that `recommend_all` makes for the user of one row, with titles.

    The row is scored in the batch that it is in there, so the list is the same to the last digit.
    """
    asked = in_model_codes(model, without_targets(sequences))[0]
    batch = next(index for index in batches(asked, model.history, None, False) if row in index)
    lists = recommend_all(model, sequences.take(batch), k, **options)
    lists = lists.filter(pl.col("user") == sequences.vocabulary.users[int(sequences.users[row])])
    vocabulary = model.card.vocabulary
    titles = vocabulary.names.gather(vocabulary.item_codes(lists["item"]) - 1)
    return lists.select("rank", "item", titles, "score")
