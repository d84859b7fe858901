"""Policies on a log: how likely a policy is to show each item in each round, from a table of probabilities or from a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.ids import matched
from reverie.data.readers.convert import to_ids
from reverie.data.readers.formats import open_table
from reverie.data.readers.layouts import EVENT_NAMES
from reverie.data.readers.table import find_column
from reverie.errors import DataError
from reverie.rl.ope.log import LoggedRounds
from reverie.rl.ope.terms import Array

if TYPE_CHECKING:
    from reverie.protocols import Recommender

LARGEST = 1 << 27
"""Probabilities that are held at a time: 1 GiB."""
NAMES: dict[str, tuple[str, ...]] = {
    "item": (*EVENT_NAMES["item"], "action", "actionid"),
    "probability": ("probability", "prob", "p", "pi", "actionprobability", "actionprob"),
    "round": ("round", "roundid", "row"),
    "context": ("context", "contextid", "state"),
    "position": ("position", "slot", "rank", "place"),
}
"""Usual column names of a table of action probabilities."""
CLOSE = 1e-6
"""How far probabilities that add up to 1 may be from it."""


@dataclass(frozen=True)
class PolicyOnLog:
    """A policy in the rounds of a log.

    Parameters
    ----------
    log : LoggedRounds
        The rounds, over all items that the log or the policy knows.
    chosen : ndarray, shape [n], float64
        Probability of the item that was shown.
    missing : float
        Share of the policy's probability on items that the log never shows, mean over rounds.
    said : str
        What the policy is, in words.
    table : ndarray or None, shape [G, A], float64
        Probabilities by situation; None where they are too many to hold.
    groups : ndarray or None, shape [n], int64
        Situation of each round.
    never : tuple of str
        Some items of the policy that the log never shows, the likeliest first.
    trained_here : bool
        Whether it is a model that was trained on this log.
    """

    log: LoggedRounds
    chosen: Array
    missing: float
    said: str
    table: Array | None = None
    groups: NDArray[np.int64] | None = None
    never: tuple[str, ...] = ()
    trained_here: bool = False

    def rows(self) -> tuple[Array, NDArray[np.int64]]:
        """Return table and groups; a policy that is too large for them is asked about its weights only."""
        if self.table is None or self.groups is None:
            raise ValueError("policy: its table was too large to hold")
        return self.table, self.groups


def from_table(log: LoggedRounds, table: Array, groups: NDArray[np.int64], said: str) -> PolicyOnLog:
    """Make a policy of probabilities by situation; table [G, A] over the items of the log, groups [n]."""
    shown = log.support
    often = np.bincount(groups, minlength=len(table)) / max(len(groups), 1)
    mass = often @ np.where(shown, 0.0, table)
    never = [str(log.items[int(at)]) for at in np.argsort(-mass, kind="stable")[:3] if mass[at] > 0]
    return PolicyOnLog(log, table[groups, log.actions], float(mass.sum()), said, table, groups, tuple(never))


def read_policy(path: str | Path, log: LoggedRounds) -> PolicyOnLog:
    """Read a table of action probabilities.

    Parameters
    ----------
    path : str or Path
        Columns ``item`` and ``probability``, and where the policy is not the same everywhere ``round`` (row of the log, from 0),
        ``context`` or ``position``; a pair of item and situation that is not listed has probability 0.
    log : LoggedRounds
        Where the policy is to act.

    Returns
    -------
    PolicyOnLog
        Over the items of log and table.

    Raises
    ------
    DataError
        Where probabilities are missing, negative or do not add up to 1, an item is listed twice, or a situation of the log is not
        in the table.
    """
    with open_table(Path(path)) as source:
        where = source.where
        found = {role: find_column(role, None, source.columns, usual, where) for role, usual in NAMES.items()}
        for role in ("item", "probability"):
            if found[role] is None:
                listed = ", ".join(source.columns[:20])
                raise DataError(f"{where} has no column known as the {role}; its columns are {listed}: rename one to '{role}'")
        column_of = {role: column for role, column in found.items() if column is not None}
        frame = source.read(list(column_of.values()), ids=[column_of["item"]])
        series = [(frame[c] if r == "probability" else to_ids(frame[c], where, r)).alias(r) for r, c in column_of.items()]
    frame = pl.DataFrame(series)
    keys: list[str] = [role for role in ("round", "context", "position") if role in frame.columns]
    _check(frame, keys, where)
    log = log.with_items(frame["item"].unique())
    situations, groups = _situations(frame, keys, log, where)
    items = log.items.search_sorted(frame["item"].cast(log.items.dtype)).to_numpy()
    if int(situations.max()) * log.n_items > LARGEST:
        raise DataError(
            f"{where} holds {int(situations.max()) + 1:,} situations × {log.n_items:,} items, too many to hold; cut log and table"
        )
    table = np.zeros((int(situations.max()) + 1, log.n_items))
    table[situations, items] = frame["probability"].to_numpy()
    if not (table.any(axis=0) & log.support).any():
        raise DataError(
            f"no item of {where} is ever shown in {log.name}, so it says nothing of this policy: ids look like "
            f"{frame['item'][0]!r} and {log.items[int(log.actions[0])]!r}; give a log in which some of them are shown"
        )
    table /= table.sum(axis=1, keepdims=True)
    return from_table(log, table, groups, f"the table {where}" + (f" by {' and '.join(keys)}" if keys else ""))


def _check(frame: pl.DataFrame, keys: list[str], where: str) -> None:
    """Refuse probabilities that are none, items listed twice, and situations that do not add up to 1."""
    values = frame["probability"]
    good = (values.is_finite() & (values >= 0)).fill_null(False) if values.dtype.is_numeric() else pl.Series([False])
    if not good.all():
        row = int((~good).arg_max() or 0)
        found = "nothing" if values[row] is None else str(values[row])
        raise DataError(
            f"{where} row {row + 1}, column 'probability': {found} is no probability; give finite numbers of at least 0"
        )
    twice = frame.select([*keys, "item"]).is_duplicated()
    if twice.any():
        row = int(twice.arg_max() or 0)
        raise DataError(
            f"{where} row {row + 1} lists item {frame['item'][row]!r} more than once in the same situation; add the two up"
        )
    sums = frame.group_by(keys or pl.lit(0).alias("all"), maintain_order=True).agg(pl.col("probability").sum())
    wrong = sums.filter((pl.col("probability") - 1).abs() > CLOSE)
    if wrong.height:
        at = ", ".join(f"{key} {wrong[key][0]}" for key in keys)
        raise DataError(
            f"{where}: the probabilities{' of ' + at if at else ''} add up to {wrong['probability'][0]:.6g}, not to 1; correct them"
        )


def _situations(frame: pl.DataFrame, keys: list[str], log: LoggedRounds, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the situation of each row of a table and of each round, numbered from 0 → [rows of the table], [n]."""
    if not keys:
        return np.zeros(frame.height, dtype=np.int64), np.zeros(len(log), dtype=np.int64)
    columns: dict[str, Any] = {"round": log.rows, "context": log.contexts, "position": log.positions}
    names = {"context": log.context_ids, "position": log.position_ids}
    rounds: list[pl.Series] = []
    for key in keys:
        if columns[key] is None:
            raise DataError(f"{where} gives probabilities by {key}, and {log.name} has no column '{key}'; name it with --{key}")
        ids = names.get(key)
        values = pl.Series(columns[key]) if ids is None else ids.gather(columns[key])
        rounds.append(values.cast(pl.String).alias(key))
    known = frame.select(pl.col(keys).cast(pl.String)).unique(maintain_order=True).with_row_index("situation")
    of_table = frame.select(pl.col(keys).cast(pl.String)).join(known, on=keys, how="left", maintain_order="left")["situation"]
    of_round = pl.DataFrame(rounds).join(known, on=keys, how="left", maintain_order="left")
    if of_round["situation"].null_count():
        first = of_round.filter(pl.col("situation").is_null()).row(0, named=True)
        at = ", ".join(f"{key} {first[key]}" for key in keys)
        raise DataError(f"{where} has no probabilities of {at}, which stands in {log.name}; add them")
    return of_table.to_numpy().astype(np.int64), of_round["situation"].to_numpy().astype(np.int64)


def run_policy(model: Recommender, log: LoggedRounds, *, repeats: bool = True, **options: Any) -> PolicyOnLog:
    """Make a policy of a trained model: its scores after the items that the session was shown before, as probabilities.

    Parameters
    ----------
    model : Recommender
        A fitted model; its items are matched with the log's by id.
    log : LoggedRounds
        Without sessions every history is empty, and the policy is the same in each round.
    repeats : bool
        Whether items of the history may be shown again.
    **options
        ``kind``, ``temperature``, ``epsilon`` and ``k`` of `reverie.rl.policies.PolicyOptions`.

    Returns
    -------
    PolicyOnLog
        Over the items of log and model.
    """
    from reverie.data.batch import query_batch
    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences
    from reverie.data.vocabulary import Vocabulary
    from reverie.rl.policies import policy_of

    known = matched(model.card.vocabulary.items.alias("item"), log.items.dtype)
    if not known.is_in(log.items.filter(pl.Series(log.support)).implode()).any():
        ids = f"{model.card.vocabulary.items[0]!r} there and {log.items[int(log.actions[0])]!r} here"
        raise DataError(
            f"no item of model '{model.card.name}' is ever shown in {log.name}, so it says nothing of this policy: ids look like "
            f"{ids}; give a log in which some of them are shown"
        )
    log = log.with_items(model.card.vocabulary.items)
    users = pl.Series("user", [0]) if log.session_ids is None else log.session_ids
    vocabulary = Vocabulary(log.items.rename("item"), users)
    policy = policy_of(model, vocabulary=vocabulary, repeats=repeats, **options)
    n, past = len(log) if log.has_sessions else 1, log.histories
    starts = past.starts[log.sessions] if log.has_sessions else np.zeros(1, dtype=np.int64)
    stops = past.stops if log.has_sessions else np.zeros(1, dtype=np.int64)
    users_of = log.sessions if log.has_sessions else np.full(1, -1, dtype=np.int64)
    sequences = Sequences((past.items + 1).astype(np.int32), starts, stops, users_of, vocabulary)
    nothing = np.zeros(0, dtype=np.int32)
    queries = Queries(sequences, starts, stops, users_of, users_of, nothing, np.zeros(n + 1, dtype=np.int64))
    shown = log.support
    held = n * log.n_items <= LARGEST
    table = np.empty((n, log.n_items)) if held else None
    chosen, mass = np.empty(n), np.zeros(log.n_items)
    size = max(1, min(512, (1 << 24) // log.n_items))
    for first in range(0, n, size):
        index = np.arange(first, min(first + size, n))
        found = policy.probabilities(query_batch(queries, index, model.history))
        chosen[index] = found[np.arange(len(index)), log.actions[index]]
        mass += np.where(shown, 0.0, found.sum(axis=0))
        if table is not None:
            table[index] = found
    said = f"{model.card.name} by {_words(**options)}, {'with' if repeats else 'without'} items of the history"
    if not log.has_sessions and table is not None:
        return from_table(log, table, np.zeros(len(log), dtype=np.int64), f"{said}, the same in each round (no sessions)")
    never = tuple(str(log.items[int(at)]) for at in np.argsort(-mass, kind="stable")[:3] if mass[at] > 0)
    groups = np.arange(n, dtype=np.int64) if table is not None else None
    return PolicyOnLog(log, chosen, float(mass.sum() / n), said, table, groups, never)


def _words(kind: str = "argmax", temperature: float = 1.0, epsilon: float = 0.1, k: int = 10) -> str:
    """Return how scores become probabilities, in words."""
    if kind == "epsilon-top-k":
        return f"ε-top-k (ε = {epsilon:g}, k = {k})"
    names = {"softmax": f"softmax (τ = {temperature:g})", "plackett-luce": f"Plackett–Luce (τ = {temperature:g}), first place"}
    return names.get(kind, kind)
