"""Items that nobody has clicked, made by a draw: their events leave training and histories, and are asked about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.data.queries import Queries
from reverie.data.sequences import Sequences, flat_positions, row_offsets
from reverie.data.split import Split
from reverie.data.splits.checked import checks_options
from reverie.errors import ConfigError, DataError
from reverie.seeds import numpy_generator


@checks_options
def cold_items(split: Split, share: float = 0.1, valid: float = 0.05, seed: int = 0) -> Split:
    """Hold some items out of training, so that nobody has clicked them when they are asked about.

    Two sets of items without a common one are drawn by the seed: `share` of the catalogue for the test, `valid` of it for
    choosing. Their events leave training, the refit and all histories; those that a user has clicked before are taken out of that
    user's ranking as the history is (`Queries.unread`), and they stay candidates otherwise. A validation question about an item
    that is held out for the test is dropped, and a test question about one that is held out for choosing, so that nothing chosen
    has seen an answer of the test; the targets that are left are ``target:cold``, ``target:warm``, and ``target:unseen``, which had
    no training event anyway (`reverie.evaluation.slices`). **What leaks:** what the protocol of the split lets leak, and nothing of
    the cold items but their titles and features. The draw is blind to popularity, so a cold item may be one of the most popular;
    under ``leave_one_out`` the share of questions about cold items is about `share`.

    Parameters
    ----------
    split : Split
        Of any protocol, without labels.
    share, valid : float
        Shares of the items, above 0 and at least 0, together below 1.
    seed : int
        Seed of the draw.

    Returns
    -------
    Split
        With fewer events to learn from; codes of items and users stay.

    Raises
    ------
    ConfigError
        If the shares are not possible.
    DataError
        If the split has labels, or a part stays without events or questions.
    """
    if not (share > 0 and valid >= 0 and share + valid < 1):
        raise ConfigError(f"cold items need shares above 0 that leave items to learn from, not share={share:g}, valid={valid:g}")
    if split.labelled is not None:
        raise DataError(f"'{split.dataset}' has labels, and items of labelled rows cannot be held out; use a split without labels")
    n_items = split.vocabulary.n_items
    drawn = numpy_generator(seed, "cold_items").permutation(n_items) + 1
    n_test, n_valid = round(share * n_items), round(valid * n_items)
    for_test, for_valid = np.zeros(n_items + 1, dtype=np.bool_), np.zeros(n_items + 1, dtype=np.bool_)
    for_test[drawn[:n_test]], for_valid[drawn[n_test : n_test + n_valid]] = True, True
    without = _Without(for_test | for_valid)
    said = f"cold_items(share={share:g},valid={valid:g},seed={seed})"
    train, refit = (_filled(without.rows(rows)) for rows in (split.train, split.refit))
    valid_queries, test = without.queries(split.valid, for_test), without.queries(split.test, for_valid)
    cut = replace(
        split, train=train, refit=refit, valid=valid_queries, test=test, protocol=f"{split.protocol},{said}",
        held_out=without.is_cold,
    )  # fmt: skip
    for name, part in (("training", cut.train), ("validation", cut.valid), ("test", cut.test)):
        if not len(part):
            raise DataError(f"'cold_items' leaves no {name} rows of '{split.dataset}'; hold out fewer items")
    if not for_test[cut.test.targets].any():
        raise DataError(
            f"no test question of '{split.dataset}' is about one of the {n_test} cold items; hold out more, or take another seed"
        )
    return cut


def _filled(rows: Sequences) -> Sequences:
    return rows.take(np.flatnonzero(rows.lengths > 0))


class _Without:
    """Takes the events of some items out of rows and histories; is_cold [N + 1].

    Their events move to the end of the flat arrays, behind all rows, where the targets that they are still find their columns.
    """

    def __init__(self, is_cold: NDArray[np.bool_]) -> None:
        self.is_cold = is_cold
        self._moved: dict[int, tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Any]]] = {}

    def rows(self, rows: Sequences) -> Sequences:
        """Return the rows without these items."""
        before, _, arrays = self._move(rows)
        return replace(rows, starts=before[rows.starts], stops=before[rows.stops], **arrays)

    def queries(self, queries: Queries, dropped: NDArray[np.bool_]) -> Queries:
        """Return the questions that have a target left, without the targets of some items; dropped [N + 1]."""
        before, places, moved = self._move(queries.sequences)
        asked, at = ~dropped[queries.targets], queries.targets_at
        first, last = (ends - before[ends] for ends in (queries.start, queries.stop))  # events before, among those moved
        offsets = row_offsets(asked)[queries.offsets]
        found = replace(
            queries, sequences=self.rows(queries.sequences), start=before[queries.start], stop=before[queries.stop],
            targets=queries.targets[asked], offsets=offsets, targets_at=None if at is None else places[at[asked]],
            unread=moved["items"][before[-1] + flat_positions(first, last)], unread_offsets=row_offsets(last - first),
        )  # fmt: skip
        return found.take(np.flatnonzero(np.diff(offsets) > 0))

    def _move(self, rows: Sequences) -> tuple[NDArray[np.int64], NDArray[np.int64], dict[str, Any]]:
        """Return how many kept events come before each event, where each stands now, and the arrays in their new order."""
        if id(rows.items) not in self._moved:  # the parts of a split share their events
            kept = ~self.is_cold[rows.items]
            order = np.argsort(~kept, kind="stable")
            places = np.empty_like(order)
            places[order] = np.arange(len(order))
            columns = {name: np.asarray(values)[order] for name, values in rows.columns.items()}
            self._moved[id(rows.items)] = row_offsets(kept), places, {"items": rows.items[order], "columns": columns}
        return self._moved[id(rows.items)]
