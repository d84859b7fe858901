"""What a fitted model expects of people, in the words of the catalogue, and whether they then did it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_array

from reverie.data.categories import category_matrix, membership, shares
from reverie.data.queries import Queries
from reverie.data.split import Split
from reverie.data.vocabulary import Vocabulary
from reverie.evaluation.availability import available
from reverie.evaluation.best import best_items
from reverie.protocols import Recommender
from reverie.seeds import numpy_generator

LIST, NAMED, PEOPLE = 20, 3, 400
"""Recommended items that are looked at, groups that are named, and held-out people of the check, at most."""


@dataclass(frozen=True)
class Groups:
    """Groups of items, each item's memberships summing to one; matrix [N, G]."""

    what: str
    names: list[str]
    matrix: csr_array


@dataclass(frozen=True)
class Check:
    """How often what came next lay in the groups that were named, beside the same for somebody else and for everybody."""

    own: float
    other: float
    popular: float
    difference: float
    low: float
    high: float
    """Of `own` minus the better control: 95 % by the normal approximation, over people."""
    people: int


def item_groups(vocabulary: Vocabulary) -> Groups | None:
    """Return the categories of items, the usual words of their titles where there are none, or None."""
    if vocabulary.categories is not None and (vocabulary.categories.fill_null("").str.len_bytes() > 0).any():
        matrix, names = category_matrix(vocabulary, "an explanation")
        return Groups("categories", names, shares(matrix)) if len(names) > NAMED else None
    if vocabulary.titles is None:
        return None
    words = vocabulary.titles.cast(pl.String).fill_null("").str.to_lowercase().str.extract_all(r"\p{L}{3,}")
    size = len(words)
    frame = pl.DataFrame({"at": np.arange(size, dtype=np.int64), "name": words}).explode("name").drop_nulls().unique()
    counts = frame.group_by("name").len()
    usual = counts.filter(pl.col("len").is_between(max(3, size // 200), size // 2))
    matrix, names = membership(frame.join(usual, on="name", how="semi"), size)
    return Groups("words of titles", names, shares(matrix)) if len(names) > NAMED else None


def expected_items(model: Recommender, queries: Queries, k: int = LIST, device: str | None = None) -> NDArray[np.int64]:
    """Return the items that a model ranks first, those of the history left out; 0 where fewer are left → [Q, k]."""
    vocabulary = queries.sequences.vocabulary
    everything = available(vocabulary, np.arange(len(queries)), len(queries), None, None, None, False)
    query, rank, code, _ = best_items(model, queries, k, True, everything, None, device, 0, False)
    found = np.zeros((len(queries), k), dtype=np.int64)
    found[query, rank - 1] = code
    return found


def group_shares(items: NDArray[np.int64], groups: Groups) -> NDArray[np.float64]:
    """Return which part of each list lies in each group; items [Q, k], 0 for none → [Q, G]."""
    rows, _ = np.nonzero(items)
    ones = csr_array((np.ones(len(rows)), (rows, items[items > 0] - 1)), shape=(len(items), groups.matrix.shape[0]))
    sizes = np.maximum((items > 0).sum(axis=1), 1)
    found: NDArray[np.float64] = (ones @ groups.matrix).toarray() / sizes[:, None]
    return found


def named_groups(found: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the groups that lists hold most of beyond what lists usually hold; found [Q, G], usual [G] → [Q, 3]."""
    return np.argsort(-(found - usual), axis=1, kind="stable")[:, :NAMED]


def held_out_people(split: Split, most: int = PEOPLE, seed: int = 0) -> Queries:
    """Return queries of the test with a history and a target, at most so many, drawn by the seed."""
    queries = split.test
    able = np.flatnonzero((queries.lengths > 0) & (np.diff(queries.offsets) > 0))
    drawn = numpy_generator(seed, "explained").permutation(len(able))[:most]
    return queries.take(np.sort(able[drawn]))


def check_groups(people: Queries, found: NDArray[np.float64], groups: Groups, split: Split, seed: int = 0) -> Check | None:
    """Measure whether the first target of held-out people lies in the groups that their lists name; found [Q, G]."""
    size = len(people)
    if size < 2:
        return None
    named = named_groups(found, found.mean(axis=0))
    holds = (groups.matrix[people.targets[people.offsets[:-1]] - 1] > 0).toarray()
    trained = split.train.item_counts()[1:] @ groups.matrix
    rows = np.arange(size)[:, None]
    own = holds[rows, named].any(axis=1)
    shift = int(numpy_generator(seed, "somebody else").integers(1, size))
    other = holds[rows, np.roll(named, shift, axis=0)].any(axis=1)
    popular = holds[:, np.argsort(-trained, kind="stable")[:NAMED]].any(axis=1)
    control = other if other.mean() >= popular.mean() else popular
    gain = own.astype(float) - control
    half = 1.96 * float(gain.std(ddof=1)) / size**0.5
    mean = float(gain.mean())
    return Check(float(own.mean()), float(other.mean()), float(popular.mean()), mean, mean - half, mean + half, size)
