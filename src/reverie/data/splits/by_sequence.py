"""DreamRec's protocol: sessions in chronological order, split 8:1:1; every prefix of a held-out session is a query."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.data.split import Split
from reverie.data.splits.by_user import held_out_rows
from reverie.errors import ConfigError, DataError

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset


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
