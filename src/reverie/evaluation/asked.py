"""What a recommendation is asked for: histories of ids or titles, or users of some data, as queries in a model's codes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.calls import named, plain_list, require_model
from reverie.data.dataset import Dataset
from reverie.data.queries import Queries
from reverie.data.sequences import Sequences, row_offsets
from reverie.data.split import Split
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError
from reverie.evaluation.ranking import in_model_codes
from reverie.evaluation.recommendations import exact_items, find_items
from reverie.models.fitted import warn_unfitted
from reverie.models.own import card_of
from reverie.protocols import Recommender

Unknown = Literal["raise", "skip"]


@dataclass(frozen=True)
class Asked:
    """Queries in a model's codes, and what each is called in a frame of answers."""

    queries: Queries
    key: str
    """``"user"`` or ``"query"``; empty for one history."""
    names: pl.Series
    """Of each query: a user's id, or a number from 0."""
    place: NDArray[np.int64]
    """Of each query among the histories or users that were given; some may be left out."""
    given: int
    """How many were given."""

    def frame(self, query: NDArray[np.int64], columns: dict[str, Any]) -> pl.DataFrame:
        """Return columns of answers beside the names of their queries; query [R]."""
        first = {self.key: self.names.gather(query)} if self.key else {}
        return pl.DataFrame(first | columns)


def known_model(model: Any, call: str) -> Recommender:
    """Return a model that has a card, or refuse what a call was given in its place."""
    if isinstance(model, str):
        raise ConfigError(f"'{model}' is a name, not a model; make and fit one first, or read one: rv.load_model('runs/{model}')")
    if is_list(model):
        raise ConfigError(f"{named(model)} stands where the model is due, which comes first: rv.{call}(model, …)")
    require_model(model, f"rv.{call}(model, …)")
    card_of(model, call)
    found: Recommender = model
    warn_unfitted(found, stacklevel=3)
    return found


def asked_of(
    model: Recommender,
    histories: Sequence[Any] | None,
    users: Sequence[Any] | None,
    data: Dataset | Split | Sequences | None,
    titles: bool,
    unknown: Unknown,
) -> Asked:
    """Return the queries that one history, several, or the users of some data are."""
    if unknown not in ("raise", "skip"):
        raise ConfigError(f"unknown={unknown!r} is no rule for unknown ids; use 'raise' or 'skip'")
    if (histories is None) == (users is None):
        raise ConfigError("give histories=[[…], […]] of item ids, or users=[…] with data=dataset; one of the two")
    if users is not None:
        return _of_users(model, plain_list(users), data, unknown)
    if data is not None:
        raise ConfigError("data= tells the histories of users=; histories= need none, so leave it out")
    return _of_histories(_plain_rows(histories), model.card.vocabulary, titles, unknown)


def _plain_rows(histories: Any) -> Any:
    """Return one history or several as lists, whatever package they come from."""
    rows = plain_list(histories)
    return [plain_list(one) for one in rows] if isinstance(rows, list | tuple) else rows


def without_targets(sequences: Sequences) -> Queries:
    """Return one query per row, without targets."""
    return Queries(
        sequences=sequences, start=sequences.starts, stop=sequences.stops, users=sequences.users, clusters=sequences.users,
        targets=np.zeros(0, dtype=np.int32), offsets=np.zeros(len(sequences) + 1, dtype=np.int64),
    )  # fmt: skip


def is_list(value: Any) -> bool:
    """Return whether a value holds several: a list, a tuple, an array or a series, but no text."""
    return isinstance(value, Sequence | np.ndarray | pl.Series) and not isinstance(value, str | bytes)


def _of_histories(histories: Any, vocabulary: Vocabulary, titles: bool, unknown: Unknown) -> Asked:
    if not is_list(histories):
        ids = f"a history is a list of item ids: write [{named(histories)}]"
        raise ConfigError(f"{named(histories)} is no history; {ids}, or users=[{named(histories)}] with data= for a user")
    firsts = {type(one): one for one in histories} if isinstance(histories, list | tuple) else {}  # one look at each kind
    lists = [is_list(one) for one in firsts.values()]
    several = bool(lists) and all(lists)
    if any(lists) and not several:
        raise ConfigError("a history is a flat list of item ids; give histories=[[…], […]] for several, or one list of ids")
    rows = histories if several else [histories]
    flat = flat_ids(rows)
    codes = find_items(list(flat), vocabulary, unknown == "skip") if titles else exact_items(flat, vocabulary, unknown == "skip")
    bounds = row_offsets(codes > 0)[row_offsets(np.fromiter(map(len, rows), np.int64, len(rows)))]
    nobody = np.full(len(rows), -1, dtype=np.int64)
    sequences = Sequences(codes[codes > 0], bounds[:-1], bounds[1:], nobody, vocabulary)
    return Asked(
        without_targets(sequences), "query" if several else "", pl.Series("query", at := np.arange(len(rows))), at, len(at)
    )


def flat_ids(rows: Sequence[Any]) -> Sequence[Any] | NDArray[Any]:
    """Return the ids of all rows laid end to end; a list among them is refused."""
    if len(rows) and set(map(type, rows)) == {np.ndarray}:
        return np.concatenate([*rows])
    flat = list(chain.from_iterable(rows))
    nested = next((kind for kind in set(map(type, flat)) if issubclass(kind, list | tuple | dict | set | np.ndarray)), None)
    if nested is not None:
        raise ConfigError(f"a {nested.__name__} stands where an id is due; ids come in flat lists, one for each history or user")
    return flat


def _of_users(model: Recommender, users: Any, data: Any, unknown: Unknown) -> Asked:
    if not is_list(users):
        raise ConfigError(f"users={named(users)} is no list; write users=[{named(users)}]")
    if data is None:
        raise ConfigError("a model does not keep the histories of users; give them: data=dataset, or data=split (without its test)")
    sequences = data.refit if isinstance(data, Split) else data.sequences if isinstance(data, Dataset) else data
    if not isinstance(sequences, Sequences):
        raise ConfigError(f"data={named(data)} holds no histories; give data=dataset, or data=split (without its test)")
    vocabulary, row_of = sequences.vocabulary, np.full(sequences.vocabulary.n_users + 1, -1, dtype=np.int64)
    row_of[sequences.users] = np.arange(len(sequences))
    row_of[-1] = -1  # what an unknown user's code leads to
    rows = row_of[vocabulary.user_codes(flat_ids([users]))]
    absent = np.flatnonzero(rows < 0)
    if len(absent):
        said = f"{len(absent)} of {len(rows)} users have no events in the data, the first is {named(users[int(absent[0])])}"
        if unknown == "raise" or len(absent) == len(rows):
            example = named(vocabulary.users[int(sequences.users[0])])
            raise DataError(f"{said}; ids look like {example}, and unknown='skip' leaves the others out")
        warnings.warn(f"{said}; they are left out", stacklevel=5)
    place = np.flatnonzero(rows >= 0)
    chosen = sequences.take(rows[place])
    names = vocabulary.users.gather(chosen.users).alias("user")
    return Asked(in_model_codes(model, without_targets(chosen))[0], "user", names, place, len(rows))
