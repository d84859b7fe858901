"""Counting models: fitted state as named arrays, and the search for options on validation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

import numpy as np
from scipy.sparse import csr_array

from reverie.errors import ReverieError, RunError
from reverie.nn.sparse import select_candidates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.data.batch import SequenceBatch
    from reverie.data.vocabulary import Vocabulary
    from reverie.options import Options
    from reverie.protocols import Card

C = TypeVar("C", bound="Options")
Arrays: TypeAlias = "Mapping[str, NDArray[Any]]"
Measure: TypeAlias = "Callable[[], float] | None"
MATRIX: tuple[tuple[str, int | None], ...] = (("data", None), ("indices", None), ("indptr", None))
"""The arrays of a sparse matrix, for `CountingModel.stored`."""


class CountingModel(Generic[C]):
    """A model that is fitted by counting, and scores by a few arrays."""

    name: ClassVar[str]
    stored: ClassVar[tuple[tuple[str, int | None], ...]]
    """Names and lengths of the arrays: 0 for one entry per item, None for any length."""
    card: Card
    history: int | None = None

    def __init__(self, config: C, vocabulary: Vocabulary) -> None:
        self.config, self.n_items = config, vocabulary.n_items
        self.history = getattr(config, "history", self.history)
        self._arrays: Arrays = {}

    def scores(self, batch: SequenceBatch, items: Tensor | None = None) -> Tensor:
        """Score the catalogue or given candidates; items [B, C] → [B, N] or [B, C]."""
        return select_candidates(self._score(batch, self.arrays()).to(batch.items.device), items)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return all fitted state."""
        if not self._arrays:
            raise ReverieError(
                f"the model '{self.name}' has not counted anything yet; call fit_counts or load a stored model first"
            )
        return self._arrays

    def load_arrays(self, arrays: Arrays) -> None:
        """Take back what `arrays` returned."""
        for name, length in self.stored:
            if name not in arrays:
                raise RunError(f"the stored model '{self.name}' lacks the array '{name}'; fit and save it again")
            expected = self.n_items if length == 0 else length
            if expected is not None and arrays[name].shape != (expected,):
                raise RunError(
                    f"the array '{name}' of the stored model '{self.name}' has not {expected} entries; "
                    f"load it with its own vocabulary"
                )
        self._take({name: arrays[name] for name, _ in self.stored})

    def _take(self, arrays: Arrays) -> None:
        """Keep fitted state."""
        self._arrays = dict(arrays)

    def _score(self, batch: SequenceBatch, arrays: Arrays) -> Tensor:
        """Score the catalogue by the fitted arrays → [B, N]."""
        raise NotImplementedError

    def _misfit(self) -> RunError:
        return RunError(
            f"the stored state of model '{self.name}' does not fit {self.n_items} items; load it with its own vocabulary"
        )


class ItemMatrixModel(CountingModel[C]):
    """A counting model whose arrays hold a sparse matrix of items by items."""

    matrix: csr_array[np.float32]

    def _take(self, arrays: Arrays) -> None:
        """Keep fitted state, the matrix as one."""
        data, indices, indptr = (arrays[name] for name in ("data", "indices", "indptr"))
        fits = len(indptr) == self.n_items + 1 and len(data) == len(indices) == int(indptr[-1])
        if not fits or not within(indices, self.n_items):
            raise self._misfit()
        self.matrix = csr_array((data, indices, indptr), shape=(self.n_items, self.n_items))
        super()._take({**arrays, **pack_matrix(self.matrix)})


def pack_matrix(matrix: csr_array[np.float32]) -> dict[str, NDArray[Any]]:
    """Return a sparse matrix as three arrays to store."""
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}


def within(rows: NDArray[Any], size: int) -> bool:
    """Return whether all row numbers lie in 0..size - 1."""
    return not len(rows) or 0 <= int(rows.min()) <= int(rows.max()) < size


def random_settings(config: C, space: Mapping[str, Sequence[Any]], trials: int, generator: np.random.Generator) -> Iterator[C]:
    """Yield the configuration itself, then random settings; nothing if one trial would be all."""
    if trials < 2:
        return
    yield config
    for _ in range(trials - 1):
        yield config.model_copy(update={name: values[int(generator.integers(len(values)))] for name, values in space.items()})


def choose_setting(
    config: C, settings: Iterable[C], take: Callable[[C], None], measure: Measure, names: Iterable[str]
) -> dict[str, Any]:
    """Leave a model in the setting with the largest measured value, and return that setting's options of these names.

    With nothing to measure by, or nothing to choose from, the configuration is taken, and no option is returned.
    """
    best, chosen, last = -np.inf, None, config
    if measure is not None:
        for last in settings:
            take(last)
            value = measure()
            if chosen is None or value > best:
                best, chosen = value, last
    if chosen is None:
        take(config)
        return {}
    if chosen is not last:
        take(chosen)
    return chosen.model_dump(include=set(names))
