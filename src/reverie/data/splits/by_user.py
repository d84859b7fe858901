"""Splits by user and by sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from reverie.data.queries import Queries, next_event_queries
from reverie.data.sequences import flat_positions
from reverie.data.split import Split
from reverie.errors import ConfigError, DataError
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.dataset import Dataset
    from reverie.data.queries import Seen
    from reverie.data.sequences import Sequences


def by_user(
    dataset: Dataset,
    valid: float = 0.1,
    test: float = 0.1,
    targets: Literal["last", "all"] = "last",
    seed: int = 0,
) -> Split:
    """Draw users at random for validation and test; all their events stay out of training.

    **What leaks:** time, as under leave-one-out: training users' events may be later than the test events. Users are all
    cold, so a model that needs a user id cannot be used.

    Parameters
    ----------
    dataset : Dataset
        With an order of events (for ``targets="last"`` only the choice of the last event depends on it).
    valid, test : float
        Shares of the users, in (0, 1).
    targets : {"last", "all"}
        Ask for the last event of a user, or for each event but the first.
    seed : int
        Seed of the draw.

    Returns
    -------
    Split
        Clusters are users; seen items are removed from rankings.

    Raises
    ------
    DataError
        If a part stays empty.
    ConfigError
        If the shares are not in (0, 1) or leave no training data.
    """
    if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
        raise ConfigError(f"'by_user' needs shares in (0, 1) that leave training data, not valid={valid}, test={test}")
    rows = dataset.sequences
    order = numpy_generator(seed, "by_user").permutation(len(rows))
    n_test, n_valid = round(test * len(rows)), round(valid * len(rows))
    test_rows, valid_rows, train_rows = np.split(order, [n_test, n_test + n_valid])
    split = Split(
        train=rows.take(np.sort(train_rows)),
        valid=held_out_rows(rows, np.sort(valid_rows), targets, "remove"),
        test=held_out_rows(rows, np.sort(test_rows), targets, "remove"),
        refit=rows.take(np.sort(np.concatenate([train_rows, valid_rows]))),
        protocol=f"by_user(valid={valid:g},test={test:g},targets={targets},seed={seed})",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )
    if not (len(split.train) and len(split.valid) and len(split.test)):
        raise DataError(f"'{dataset.name}' has too few users with two events for 'by_user'; it has {len(rows)} users")
    return split


def held_out_rows(rows: Sequences, chosen: NDArray[np.int64], targets: str, seen: Seen, empty: bool = False) -> Queries:
    """Return queries about rows that are not in training."""
    first = 0 if empty else 1
    chosen = chosen[rows.lengths[chosen] > first]
    if targets == "last":
        return next_event_queries(rows, chosen, rows.stops[chosen] - 1, seen)
    starts = rows.starts[chosen] + first
    return next_event_queries(
        rows, np.repeat(chosen, rows.stops[chosen] - starts), flat_positions(starts, rows.stops[chosen]), seen
    )


def by_sequence(dataset: Dataset, valid: float = 0.1, test: float = 0.1, empty: bool = True, shortest: int = 3) -> Split:
    """Order whole sequences by the time of their first event and cut them into train, validation and test.

    Every event of a held-out sequence is a query, the first one too unless `empty` is false; rows of one sequence depend on
    each other, so the cluster is the sequence. Seen items stay in the ranking. **What leaks:** a sequence that starts before
    the cut may end after it; long sequences weigh more than short ones.

    Parameters
    ----------
    dataset : Dataset
        With timestamps; a "user" of it is one sequence (session).
    valid, test : float
        Shares of the sequences, in (0, 1).
    empty : bool
        Whether the first event of a sequence, with no history at all, is asked about (as published) or not.
    shortest : int
        Sequences with fewer events are dropped.

    Returns
    -------
    Split
        Clusters are sequences.

    Raises
    ------
    DataError
        If there are no timestamps or a part stays empty.
    ConfigError
        If the shares are not in (0, 1) or leave no training data.
    """
    if not dataset.has_time:
        raise DataError(f"'{dataset.name}' has no timestamps, so 'by_sequence' cannot order its sequences; use 'by_user'")
    if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
        raise ConfigError(f"'by_sequence' needs shares in (0, 1) that leave training data, not valid={valid}, test={test}")
    rows = dataset.sequences
    rows = rows.take(np.flatnonzero(rows.lengths >= shortest))
    order = np.argsort(rows.columns["time"][rows.starts], kind="stable")
    n_test, n_valid = round(test * len(order)), round(valid * len(order))
    train_rows, valid_rows, test_rows = np.split(order, [len(order) - n_valid - n_test, len(order) - n_test])
    valid_queries, test_queries = (held_out_rows(rows, part, "all", "keep", empty) for part in (valid_rows, test_rows))
    if not (len(train_rows) and len(valid_queries) and len(test_queries)):
        raise DataError(f"'{dataset.name}' has {len(rows)} sequences of {shortest} or more events, too few for 'by_sequence'")
    return Split(
        train=rows.take(train_rows),
        valid=valid_queries,
        test=test_queries,
        refit=rows.take(np.concatenate([train_rows, valid_rows])),
        protocol=f"by_sequence(valid={valid:g},test={test:g},empty={empty},shortest={shortest})",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )
