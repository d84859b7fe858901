"""Categories of items as a sparse matrix."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError


def category_matrix(vocabulary: Vocabulary, what: str) -> tuple[csr_array, list[str]]:
    """Return which categories each item has, as ones, and their sorted names → [N, G].

    Parameters
    ----------
    vocabulary : Vocabulary
        With categories; those of an item are joined by ``|``.
    what : str
        Who needs them, for the message.

    Raises
    ------
    DataError
        If no item has a category.
    """
    texts = vocabulary.categories
    if texts is None or not (texts.fill_null("").str.len_bytes() > 0).any():
        raise DataError(f"{what} needs categories of items, which this catalogue lacks; give one that has a column 'categories'")
    frame = pl.DataFrame({"at": np.arange(len(texts), dtype=np.int64), "name": texts.cast(pl.String).str.split("|")})
    return membership(frame.explode("name"), len(texts))


def membership(frame: pl.DataFrame, size: int) -> tuple[csr_array, list[str]]:
    """Return which named groups each of so many items is in, as ones, and the sorted names → [N, G]; frame: at, name."""
    frame = frame.with_columns(pl.col("name").str.strip_chars()).filter(pl.col("name") != "").unique()
    names = frame["name"].unique().sort()
    columns = frame["name"].cast(pl.Enum(names)).to_physical().to_numpy().astype(np.int64)
    cells = (np.ones(frame.height), (frame["at"].to_numpy(), columns))
    return csr_array(cells, shape=(size, len(names))), names.to_list()


def shares(matrix: csr_array) -> csr_array:
    """Divide each row by its sum, so that an item counts once however many categories it has; [N, G] → [N, G]."""
    counts = np.diff(matrix.indptr)
    return csr_array((matrix.data / np.repeat(np.maximum(counts, 1), counts), matrix.indices, matrix.indptr), shape=matrix.shape)
