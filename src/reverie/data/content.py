"""Content of items: vectors of titles, covers, sound or clips by item id, and the same in the order of a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.ids import matched
from reverie.errors import DataError


@dataclass(frozen=True)
class Features:
    """Vectors in the order of a vocabulary's items.

    Parameters
    ----------
    values : ndarray, shape [N, F], float32
        The row of the item with code c is c - 1; zeros where it has none.
    present : ndarray, shape [N], bool
        Which items have a vector.
    """

    values: NDArray[np.float32]
    present: NDArray[np.bool_]

    @property
    def width(self) -> int:
        """Numbers of a vector, F."""
        return int(self.values.shape[1])


@dataclass(frozen=True)
class ItemFeatures:
    """One vector for each of some items, from one kind of content.

    Parameters
    ----------
    ids : polars.Series, shape [M]
        External item ids, distinct.
    values : ndarray, shape [M, F], floating
        Finite; may be memory-mapped.

    Raises
    ------
    DataError
        If the shapes do not fit, an id repeats, or a value is not finite.
    """

    ids: pl.Series
    values: NDArray[np.floating]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or len(self.values) != len(self.ids) or not self.values.shape[1]:
            raise DataError(f"features have shape {list(self.values.shape)} and {len(self.ids):,} ids; give one row for each item")
        if self.ids.n_unique() != len(self.ids):
            raise DataError(f"item {self.ids.filter(self.ids.is_duplicated())[0]!r} has two rows of features; keep one")
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite there
            finite = np.isfinite(self.values.astype(np.float32, copy=False)).all(axis=1)
        if not finite.all():
            raise DataError(
                f"the features of item {self.ids[int(finite.argmin())]!r} hold a value that is not finite; leave the item out"
            )

    def align(self, items: pl.Series) -> Features:
        """Return the vectors in the order of other ids.

        Parameters
        ----------
        items : polars.Series, shape [N]
            External item ids; those without a vector are absent. Integers and texts are the same id if they read so.

        Returns
        -------
        Features
        """
        rows = pl.DataFrame({"item": matched(self.ids, items.dtype), "row": np.arange(len(self.ids))}).drop_nulls("item")
        at = pl.DataFrame({"item": items}).join(rows, on="item", how="left", maintain_order="left")["row"].fill_null(-1).to_numpy()
        present = at >= 0
        values = np.zeros((len(items), self.values.shape[1]), np.float32)
        values[present] = self.values[at[present]]
        return Features(values, present)
