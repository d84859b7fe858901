"""Re-encoding a split with the item and user codes of another, larger vocabulary."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.data.ids import matched
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.queries import Queries
    from reverie.data.sequences import Sequences
    from reverie.data.split import Split
    from reverie.data.vocabulary import Vocabulary


def recode(split: Split, vocabulary: Vocabulary) -> Split:
    """Return a split whose codes are those of another vocabulary.

    Parameters
    ----------
    split : Split
        Cut from a dataset.
    vocabulary : Vocabulary
        Has every item and user of the split, and perhaps more.

    Returns
    -------
    Split
        The same events and questions; clusters keep their labels.

    Raises
    ------
    DataError
        If an item or user is not in the vocabulary.
    """
    own = split.vocabulary
    items = np.append(0, _places(own.items, vocabulary.items, "item") + 1).astype(np.int32)
    users = np.append(_places(own.users, vocabulary.users, "user"), -1)
    done: dict[int, NDArray[np.int32]] = {}

    def recode_rows(sequences: Sequences) -> Sequences:
        codes = done.setdefault(id(sequences.items), items[sequences.items])
        return replace(sequences, items=codes, users=users[sequences.users], vocabulary=vocabulary)

    def recode_queries(queries: Queries) -> Queries:
        return replace(
            queries,
            sequences=recode_rows(queries.sequences),
            users=users[queries.users],
            targets=items[queries.targets],
            candidates=None if queries.candidates is None else items[queries.candidates],
        )

    return replace(
        split,
        train=recode_rows(split.train),
        valid=recode_queries(split.valid),
        test=recode_queries(split.test),
        refit=recode_rows(split.refit),
    )


def _places(ids: pl.Series, known: pl.Series, kind: str) -> NDArray[np.int64]:
    known_places = pl.DataFrame({"id": known, "at": np.arange(len(known), dtype=np.int64)})
    wanted_ids = pl.DataFrame({"id": matched(ids, known.dtype)})
    places = wanted_ids.join(known_places, on="id", how="left", maintain_order="left")["at"]
    if places.null_count():
        first = ids[int(places.is_null().arg_max() or 0)]
        raise DataError(
            f"{places.null_count()} {kind}s of the split are not in the vocabulary, the first is {first!r}; "
            f"grow the vocabulary first"
        )
    codes: NDArray[np.int64] = places.to_numpy()
    return codes
