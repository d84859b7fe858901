"""Counting models: fitted state as named arrays, sparse histories, and the search for options on validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from reverie.data.batch import SequenceBatch
from reverie.data.sequences import Sequences, row_offsets
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError, ReverieError, RunError
from reverie.models.item_to_item import ItemToItem
from reverie.models.shown import ShownModel
from reverie.options import Options, Searched
from reverie.protocols import Card


def best_in_row(rows: NDArray[Any], values: NDArray[np.float32], ties: NDArray[Any], n_rows: int, k: int) -> NDArray[np.int64]:
    """Return which entries are among the k largest of their row, ties by the larger of `ties`; rows, values, ties [E] → [kept]."""
    counts = np.bincount(rows, minlength=n_rows)
    begins = np.cumsum(counts) - counts
    bits = np.abs(values).view(np.int32)  # of floats that are not negative the bits are ordered as the floats are
    keys = (rows.astype(np.int64) << 32) | (0x7FFFFFFF - bits)
    limits = np.append(np.sort(keys), 0)[begins + np.minimum(counts, k) - 1]
    near = np.flatnonzero(keys <= limits[rows])
    near = near[np.lexsort((-ties[near].astype(np.int64), keys[near]))]
    counts = np.bincount(rows[near], minlength=n_rows)
    place = np.arange(len(near)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept: NDArray[np.int64] = near[place < k]
    return kept


def history_rows(batch: SequenceBatch, n_items: int, weights: NDArray[np.float32] | None) -> csr_array[np.float32]:
    """Return histories as sparse rows, the newest events weighted by how long ago they were; weights [K] → [B, N]."""
    items = batch.items.cpu().numpy()
    ago = batch.lengths.cpu().numpy()[:, None] - 1 - np.arange(items.shape[1])
    if items.max(initial=0) > n_items:  # scipy would read what lies behind the matrix
        raise DataError(
            f"a history holds the item code {items.max()}, and the model knows {n_items}; ask by ids, as recommend does"
        )
    inside = (ago >= 0) & (items > 0)
    if weights is not None:
        inside &= ago < len(weights)
    indptr = row_offsets(inside.sum(axis=1))
    data = np.ones(int(indptr[-1]), dtype=np.float32) if weights is None else weights[ago[inside]]
    return csr_array((data, items[inside] - 1, indptr), shape=(len(items), n_items))


def binary_history_rows(batch: SequenceBatch, n_items: int) -> csr_array[np.float32]:
    """Return which items each history holds, as sparse 0/1 rows → [B, N]."""
    return _binary(history_rows(batch, n_items, None))


def interaction_matrix(train: Sequences) -> csr_array[np.float32]:
    """Return which items each training row holds, as a sparse 0/1 matrix → [n_rows, N]."""
    entries = (np.ones(train.n_events, dtype=np.float32), (train.event_rows(), train.items[train.positions()] - 1))
    return _binary(csr_array(entries, shape=(len(train), train.vocabulary.n_items)))


def _binary(rows: csr_array[np.float32]) -> csr_array[np.float32]:
    rows.sum_duplicates()
    rows.data[:] = 1
    return rows


def dense_product(rows: csr_array[np.float32], matrix: csr_array[np.float32]) -> Tensor:
    """Return the product of sparse rows and a sparse matrix, as a dense tensor; rows [B, N], matrix [N, N] → [B, N]."""
    return torch.from_numpy((rows @ matrix).toarray())


def compute_event_share(train: Sequences) -> NDArray[np.float32]:
    """Return the share of all events that falls on each item → [N]."""
    counts = train.item_counts()[1:]
    return (counts / max(int(counts.sum()), 1)).astype(np.float32)


C = TypeVar("C", bound=Options)
S = TypeVar("S", bound=Searched)
Arrays: TypeAlias = Mapping[str, NDArray[Any]]
Measure: TypeAlias = Callable[[], float] | None


class CountingModel(ShownModel, Generic[C]):
    """A model that is fitted by counting, and scores by a few arrays."""

    name: ClassVar[str]
    stored: ClassVar[tuple[tuple[str, int | None], ...]]
    """Names and lengths of the arrays: 0 for one entry per item, None for any length."""
    matrix_arrays: ClassVar[tuple[tuple[str, int | None], ...]] = ()
    card: Card
    history: int | None = None

    def __init__(self, config: C, vocabulary: Vocabulary) -> None:
        self.config, self.n_items = config, vocabulary.n_items
        self.history = getattr(config, "history", self.history)
        self._arrays: Arrays = {}

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        scores = self._score(batch, self.arrays()).to(batch.items.device)
        return scores if items is None else scores.to(items.device).gather(1, (items - 1).clamp(min=0))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all fitted state."""
        if not self._arrays:
            raise ReverieError(f"the model '{self.name}' is not fitted; call rv.fit(model, split), or load a stored model")
        return dict(self._arrays)

    def load_arrays(self, arrays: Arrays) -> None:
        """Take back what `arrays` returned."""
        lengths = dict((*self.matrix_arrays, *self.stored))
        for name, length in lengths.items():
            if name not in arrays:
                raise RunError(f"the stored model '{self.name}' lacks the array '{name}'; fit and save it again")
            expected = self.n_items if length == 0 else length
            if expected is not None and arrays[name].shape != (expected,):
                raise RunError(
                    f"the array '{name}' of the stored model '{self.name}' has not {expected} entries; "
                    f"load it with its own vocabulary"
                )
        self._take({name: arrays[name] for name in lengths})

    def _take(self, arrays: Arrays) -> None:
        """Keep fitted state."""
        self._arrays = arrays

    def _score(self, batch: SequenceBatch, arrays: Arrays) -> Tensor:
        """Score the catalogue by the fitted arrays; by default by the first one, the same for everybody → [B, N]."""
        return torch.from_numpy(arrays[self.stored[0][0]]).repeat(batch.size, 1)

    def item_to_item(self) -> ItemToItem:
        """Return the scores as sums over the items of a history; here of a model that is the same for everybody."""
        if self.history != 0:
            remedy = "export sasrec or co-occurrence, or write its lists with 'reverie recommend --all'"
            raise ConfigError(f"the scores of model '{self.name}' are no sums over the items of a history; {remedy}")
        nothing, scores = np.zeros(self.n_items, dtype=np.float32), self.arrays()[self.stored[0][0]].astype(np.float32)
        empty = csr_array((nothing[:0], ([], [])), shape=(self.n_items, self.n_items))
        return ItemToItem(empty, nothing[:0], scores, nothing)

    def _choose(self, settings: Iterable[C], take: Callable[[C], None], measure: Measure, names: Iterable[str]) -> dict[str, Any]:
        """Take the setting with the largest measured value, and return that setting's options of these names.

        With nothing to measure by, or nothing to choose from, as where all that is searched was given, the configuration is taken,
        and no option is returned. A value that is not defined (NaN) chooses nothing.
        """
        best, chosen, last = -np.inf, None, self.config
        given = isinstance(self.config, Searched) and not self.config.free()
        if measure is not None and not given:
            for last in settings:
                take(last)
                value = measure()
                if value > best:
                    best, chosen = value, last
        if chosen is None:
            take(self.config)
            return {}
        if chosen is not last:
            take(chosen)
        return chosen.model_dump(include=set(names))

    def _check_fit(self, fits: bool, rows: NDArray[Any]) -> None:
        """Check stored state, and that its rows of items lie in 0..N - 1."""
        if not fits or (len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < self.n_items):
            raise RunError(
                f"the stored state of model '{self.name}' does not fit {self.n_items} items; load it with its own vocabulary"
            )


class ItemMatrixModel(CountingModel[C]):
    """A counting model whose arrays hold a sparse matrix of items by items."""

    matrix_arrays = (("data", None), ("indices", None), ("indptr", None))
    matrix: csr_array[np.float32]

    def _take(self, arrays: Arrays) -> None:
        """Keep fitted state, the matrix as one."""
        data, indices, indptr = (arrays[name] for name, _ in self.matrix_arrays)
        fits = len(indptr) == self.n_items + 1 and len(data) == len(indices) == int(indptr[-1])
        self._check_fit(fits, indices)
        self._take_matrix(csr_array((data, indices, indptr), shape=(self.n_items, self.n_items)), arrays)

    def _take_matrix(self, matrix: csr_array[np.float32], arrays: Arrays) -> None:
        """Keep a matrix and other arrays."""
        self.matrix = matrix
        super()._take({**arrays, "data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr})


class SummedItems(ItemMatrixModel[C]):
    """Rows of an item matrix are summed over the distinct items of a history; without any entry the share of events scores."""

    stored = (("share", 0),)

    def item_to_item(self) -> ItemToItem:
        """Return the scores as sums over the items of a history."""
        share = self.arrays()["share"]
        return ItemToItem(self.matrix, None, np.zeros_like(share), share)

    def _score(self, batch: SequenceBatch, arrays: Arrays) -> Tensor:
        """Return summed rows of the matrix → [B, N]."""
        rows = binary_history_rows(batch, self.n_items)
        alone = (rows @ np.diff(self.matrix.indptr)) == 0
        summed = dense_product(rows, self.matrix)
        summed[torch.from_numpy(alone)] = torch.from_numpy(arrays["share"])
        return summed


def random_settings(config: S, space: Mapping[str, Sequence[Any]], trials: int, generator: np.random.Generator) -> Iterator[S]:
    """Yield the configuration itself, then random settings of what was not given; nothing if one trial would be all."""
    free = config.free()
    drawn = {name: values for name, values in space.items() if name in free}
    if trials < 2 or not drawn:
        return
    yield config
    for _ in range(trials - 1):
        yield config.model_copy(update={name: values[int(generator.integers(len(values)))] for name, values in drawn.items()})
