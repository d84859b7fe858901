"""Splits by order, by user and by sequence: leave-one-out, by user, by sequence."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from reverie.data.dataset import Dataset
from reverie.data.queries import Queries, Seen, next_event_queries, target_sets
from reverie.data.recode import Recoder
from reverie.data.sequences import Sequences, flat_positions
from reverie.data.split import Split, with_one_seen_rule
from reverie.data.splits.checked import checks_options
from reverie.errors import ConfigError, DataError
from reverie.seeds import numpy_generator


@checks_options
def leave_one_out(dataset: Dataset, last: int = 1, keep_last: int | None = None) -> Split:
    """Cut off each user's last two events, or one more than `last` of them.

    Users with fewer than ``last + 2`` events stay in training whole and are not asked about. A test query has the `last` final
    events as its targets, a validation query the one event before them, which stands in the test history. **What leaks:** the
    cut is per user, not in time, so the training events of one user may be later than the test event of another; popularity
    and co-occurrence of "the future" are visible to every model alike. With `keep_last`, what a user did before is neither
    learned from nor taken out of rankings, so an item of long ago may be recommended again.

    Parameters
    ----------
    dataset : Dataset
        With an order of events; filtered (`Dataset.k_core`) before, where users need a number of events.
    last : int
        Test events of each user, at least 1; an item among them twice counts once.
    keep_last : int, optional
        Cut each user to so many last events first; items without any event then are no candidates (13 in MicroLens,
        arXiv:2309.15379, after ``k_core(users=5, items=0)``). By default the full history.

    Returns
    -------
    Split
        One query per user with at least ``last + 2`` events; seen items are removed from rankings, or kept where 5 % of the
        test targets or more repeat one.

    Raises
    ------
    DataError
        If the events have no order, or no user has ``last + 2`` events.
    ConfigError
        If `last` is below 1, or `keep_last` is below ``last + 2``.
    """
    if last < 1:
        raise ConfigError(f"'leave_one_out' with last={last} leaves no test events; use 1 or more")
    if keep_last is not None and keep_last < last + 2:
        raise ConfigError(f"'leave_one_out' with keep_last={keep_last} leaves nothing to learn from; use {last + 2} or more")
    if dataset.order == "none":
        raise DataError(f"'{dataset.name}' has no order of events, so 'leave_one_out' cannot tell the last one; use 'by_user'")
    rows, fewest = _last_events(dataset.sequences, keep_last), last + 2
    said = ",".join([*([f"last={last}"] if last > 1 else []), *([f"keep_last={keep_last}"] if keep_last is not None else [])])
    queried = np.flatnonzero(rows.lengths >= fewest)
    if not len(queried):
        needed = "three" if last == 1 else str(fewest)
        raise DataError(f"no user of '{dataset.name}' has {needed} events; 'leave_one_out' needs them")
    cut = np.zeros(len(rows), dtype=np.int64)
    cut[queried] = last
    return Split(
        train=replace(rows, stops=rows.stops - cut - (cut > 0)),
        valid=next_event_queries(rows, queried, rows.stops[queried] - last - 1),
        test=target_sets(rows, rows.stops - cut, rows.stops), refit=replace(rows, stops=rows.stops - cut),
        protocol=f"leave_one_out({said})" if said else "leave_one_out", dataset=dataset.name, sha256=dataset.sha256,
    ).with_seen_rule()  # fmt: skip


def _last_events(rows: Sequences, count: int | None) -> Sequences:
    """Return the last `count` events of each row, in codes of the items that are left."""
    if count is None or not (rows.lengths > count).any():
        return rows
    kept = replace(rows, starts=np.maximum(rows.starts, rows.stops - count))
    return Recoder(rows.vocabulary, rows.vocabulary.only(kept.item_counts()[1:] > 0)).sequences(kept)


def cut_rows(rows: Sequences, stops: NDArray[np.int64]) -> Sequences:
    """Return rows that end earlier, without those of which nothing is left; stops [n_rows]."""
    kept = replace(rows, stops=stops)
    return kept.take(np.flatnonzero(kept.lengths > 0))


@checks_options
def by_user(
    dataset: Dataset,
    valid: float = 0.1,
    test: float = 0.1,
    targets: Literal["last", "all"] = "last",
    seed: int = 0,
    fold: int | None = None,
    folds: int | None = None,
) -> Split:
    """Draw users at random for validation and test; all their events stay out of training.

    **What leaks:** time, as under leave-one-out: training users' events may be later than the test events. Users are all
    cold, so a model that needs a user id cannot be used. With `folds`, a user who is asked about in one fold is trained on in the
    others: choose on the validation of each fold, and never one fold's setting by the test of another.

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
    fold, folds : int, optional
        Which of how many equal parts of the users is the test, counted from 1, in the place of `test`; see `user_folds`.

    Returns
    -------
    Split
        Clusters are users; seen items are removed from rankings, or kept where 5 % of the test targets or more repeat one.

    Raises
    ------
    DataError
        If a part stays empty.
    ConfigError
        If the shares are not in (0, 1) or leave no training data, or there is no such fold.
    """
    if (fold is None) != (folds is None) or (fold is not None and folds is not None and not 1 <= fold <= folds >= 2):
        raise ConfigError(f"'by_user' has no fold={fold} of folds={folds}; give both, e.g. fold=1, folds=5")
    test = test if folds is None else 1 / folds
    if not (0 < valid < 1 and 0 < test < 1 and valid + test < 1):
        raise ConfigError(f"'by_user' needs shares in (0, 1) that leave training data, not valid={valid}, test={test}")
    rows = dataset.sequences
    order = numpy_generator(seed, "by_user").permutation(len(rows))
    n_test, n_valid = round(test * len(rows)), round(valid * len(rows))
    part = f"test={test:g}"
    if fold is not None and folds is not None:
        begin, end = ((one * len(rows)) // folds for one in (fold - 1, fold))
        order, n_test, part = np.roll(order, -begin), end - begin, f"fold={fold}/{folds}"
    test_rows, valid_rows, train_rows = np.split(order, [n_test, n_test + n_valid])
    split = Split(
        train=rows.take(np.sort(train_rows)),
        valid=held_out_rows(rows, np.sort(valid_rows), targets, "remove"),
        test=held_out_rows(rows, np.sort(test_rows), targets, "remove"),
        refit=rows.take(np.sort(np.concatenate([train_rows, valid_rows]))),
        protocol=f"by_user(valid={valid:g},{part},targets={targets},seed={seed})",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )
    if not (len(split.train) and len(split.valid) and len(split.test)):
        raise DataError(f"'{dataset.name}' has too few users with two events for 'by_user'; it has {len(rows)} users")
    return split.with_seen_rule()


@checks_options
def user_folds(
    dataset: Dataset, folds: int = 5, valid: float = 0.1, targets: Literal["last", "all"] = "last", seed: int = 0
) -> tuple[Split, ...]:
    """Cut the users into equal parts, each of which is the test once (k-fold by user); see `by_user` and its leaks.

    Parameters
    ----------
    dataset : Dataset
        With an order of events.
    folds : int
        Number of parts, at least 2.
    valid, targets, seed
        As in `by_user`.

    Returns
    -------
    tuple of Split
        One a fold; every user with two events or more is asked about in one of them. `reverie.cross_validate` makes one table.

    Raises
    ------
    ConfigError, DataError
        As `by_user`.
    """
    if folds < 2:
        raise ConfigError(f"folds={folds} leaves nothing to train on; use 2 or more")
    splits = [by_user(dataset, valid, targets=targets, seed=seed, fold=fold, folds=folds) for fold in range(1, folds + 1)]
    return with_one_seen_rule(splits)


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


@checks_options
def by_sequence(
    dataset: Dataset,
    valid: float = 0.1,
    test: float = 0.1,
    empty: bool = True,
    shortest: int = 3,
    by: Literal["first", "last"] = "first",
) -> Split:
    """Order whole sequences by the time of their first event, or of their last one, and cut them into train, validation and test.

    Every event of a held-out sequence is a query, the first one too unless `empty` is false; rows of one sequence depend on
    each other, so the cluster is the sequence. Seen items stay in the ranking. **What leaks:** a sequence that starts before
    the cut may end after it; by the time of their last events, every training sequence is over when the first held-out one ends.
    Long sequences weigh more than short ones.

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
    by : {"first", "last"}
        Whose time orders the sequences: that of their first event, or of their last one.

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
    order = np.argsort(rows.moments()[rows.starts if by == "first" else rows.stops - 1], kind="stable")
    n_test, n_valid = round(test * len(order)), round(valid * len(order))
    train_rows, valid_rows, test_rows = np.split(order, [len(order) - n_valid - n_test, len(order) - n_test])
    valid_queries, test_queries = (held_out_rows(rows, part, "all", "keep", empty) for part in (valid_rows, test_rows))
    said = "" if by == "first" else f",by={by}"
    if not (len(train_rows) and len(valid_queries) and len(test_queries)):
        raise DataError(f"'{dataset.name}' has {len(rows)} sequences of {shortest} or more events, too few for 'by_sequence'")
    return Split(
        train=rows.take(train_rows),
        valid=valid_queries,
        test=test_queries,
        refit=rows.take(np.concatenate([train_rows, valid_rows])),
        protocol=f"by_sequence(valid={valid:g},test={test:g},empty={empty},shortest={shortest}{said})",
        dataset=dataset.name,
        sha256=dataset.sha256,
    )
