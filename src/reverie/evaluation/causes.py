"""Which item of a history a recommendation rests on: take its events out, and see how far the recommended item falls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.data.queries import Queries
from reverie.data.sequences import Sequences, flat_positions, row_offsets
from reverie.evaluation.ranking import batches, evaluation_mode, history_keys, masked, score_batch
from reverie.protocols import Recommender
from reverie.seeds import numpy_generator

EVENTS = 10
"""Last events of a history whose items are taken out, one item at a time."""


@dataclass(frozen=True)
class CauseCheck:
    """Shares of people whose first recommendation leaves the first ten without the item it is said to rest on, or another."""

    named: float
    other: float
    people: int


def without_each(queries: Queries) -> tuple[Queries, NDArray[np.int64], NDArray[np.int64]]:
    """Return histories without one of their last items, the query each comes from, and the item's latest event [V].

    All events of the item are taken out; the latest one is counted in the sequences.
    """
    own = queries.sequences
    counts = np.minimum(queries.lengths, EVENTS)
    origin, removed = np.repeat(np.arange(len(queries)), counts), flat_positions(queries.stop - counts, queries.stop)
    pairs = origin * (own.vocabulary.n_items + 1) + own.items[removed]
    latest = np.sort(len(pairs) - 1 - np.unique(pairs[::-1], return_index=True)[1])
    origin, removed = origin[latest], removed[latest]
    start, stop = queries.start[origin], queries.stop[origin]
    flat, row = flat_positions(start, stop), np.repeat(np.arange(len(origin)), stop - start)
    kept = own.items[flat] != own.items[removed[row]]
    flat, bounds = flat[kept], row_offsets(np.bincount(row[kept], minlength=len(origin)))
    users = queries.users[origin]
    columns = {name: values[flat] for name, values in own.columns.items()}
    rows = Sequences(own.items[flat], bounds[:-1], bounds[1:], users, own.vocabulary, columns, own.kinds)
    none = np.zeros(0, dtype=np.int32)
    found = Queries(rows, rows.starts, rows.stops, users, queries.clusters[origin], none, np.zeros(len(origin) + 1, dtype=np.int64))
    return found, origin, removed


def standing(
    model: Recommender, queries: Queries, wanted: NDArray[np.int64], seen: Queries, device: str | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return how many standard deviations above the mean score items stand, and their ranks without what `seen` holds.

    wanted [Q, W] → two of [Q, W].
    """
    heights, ranks = np.zeros(wanted.shape), np.zeros(wanted.shape, dtype=np.int64)
    base = queries.sequences.vocabulary.n_items + 1
    with evaluation_mode(model, device, 0) as used:
        for index in batches(queries, model.history, None, False):
            scores = score_batch(model, queries, index, used, None).double()
            mean, deviation = scores.mean(dim=1), scores.std(dim=1, correction=0).clamp(min=1e-12)
            keys = history_keys(seen, index)
            for at in range(wanted.shape[1]):
                codes = wanted[index, at]
                own = scores[np.arange(len(index)), codes - 1]
                heights[index, at] = ((own - mean) / deviation).cpu().numpy()
                with masked(scores, keys // base, keys % base - 1) as left:
                    ranks[index, at] = 1 + (left > own[:, None]).sum(dim=1).cpu().numpy()
    return heights, ranks


def causes(
    model: Recommender, queries: Queries, wanted: NDArray[np.int64], device: str | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the latest event of what each item falls furthest without, and how far; wanted [Q, W] → two of [Q, W].

    Events are counted in the sequences; -1 where nothing in the history lifts the item.
    """
    whole, _ = standing(model, queries, wanted, queries, device)
    changed, origin, removed = without_each(queries)
    heights, _ = standing(model, changed, wanted[origin], queries.take(origin), device)
    events, falls = np.full(wanted.shape, -1, dtype=np.int64), np.zeros(wanted.shape)
    for at in range(wanted.shape[1]):
        fall = whole[origin, at] - heights[:, at]
        order = np.lexsort((removed, fall))  # of equals the latest comes last, and stays
        order = order[fall[order] > 1e-9]
        events[origin[order], at], falls[origin[order], at] = removed[order], fall[order]
    return events, falls


def check_causes(model: Recommender, people: Queries, first: NDArray[np.int64], device: str | None = None) -> CauseCheck | None:
    """Take out what each person's first item rests on, and another of the last items; first [Q]."""
    events, _ = causes(model, people, first[:, None], device)
    changed, origin, removed = without_each(people)
    several = np.bincount(origin, minlength=len(people)) > 1
    able = np.flatnonzero((events[:, 0] >= 0) & several & (first > 0))
    if not len(able):
        return None
    _, ranks = standing(model, changed, first[origin][:, None], people.take(origin), device)
    gone, named = ranks[:, 0] > 10, removed == events[origin, 0]
    draws = numpy_generator(0, "another item")
    others = [draws.choice(np.flatnonzero((origin == one) & ~named)) for one in able]
    kept = np.isin(origin, able)
    return CauseCheck(float(gone[named & kept].mean()), float(gone[others].mean()), len(able))
