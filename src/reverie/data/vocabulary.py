"""`Vocabulary`: external ids of items and users, and their integer codes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.content import Features
from reverie.data.ids import matched, matched_one
from reverie.errors import DataError
from reverie.printing import clipped
from reverie.shown import Shown


@dataclass(frozen=True, repr=False)
class Vocabulary(Shown):
    """External ids of items and users, and the items' titles.

    Parameters
    ----------
    items : polars.Series, shape [n_items]
        External item ids (integers or strings), distinct. The item at position p has code p + 1; code 0 is padding.
    users : polars.Series, shape [n_users]
        External user ids, distinct. The user at position p has code p; -1 is an unknown user.
    titles : polars.Series or None, shape [n_items]
        Titles in the order of `items`, where the dataset has any; null where one item has none.
    content : mapping
        Vectors of the items in the order of `items`, by the name of what they come from, such as ``"text"`` or ``"image"``.
    categories : polars.Series or None, shape [n_items]
        Categories in the same order, those of an item joined by ``|``, where the dataset has any; stored models lack them.
    """

    items: pl.Series
    users: pl.Series
    titles: pl.Series | None = None
    content: Mapping[str, Features] = field(default_factory=dict, compare=False, repr=False)
    categories: pl.Series | None = None

    def _facts(self) -> dict[str, str]:
        """Return sizes, an id of each kind, and how many titles there are."""
        known = {"items": f"{self.n_items:,}", "users": f"{self.n_users:,}"}
        known |= {f"first {ids.name or 'id'}": repr(ids[0]) for ids in (self.items, self.users) if len(ids)}
        return known | {"titles": "none" if self.titles is None else f"{self.titles.count():,}"}

    @property
    def n_items(self) -> int:
        """Number of items N; codes run from 1 to N."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """Number of users; codes run from 0."""
        return len(self.users)

    @cached_property
    def _item_index(self) -> dict[Any, int]:
        return {item: code for code, item in enumerate(self.items.to_list())}

    @cached_property
    def names(self) -> pl.Series:
        """What to call each item in front of a person, as `title` does, shape [n_items]."""
        plain = ("item " + self.items.cast(pl.String)).alias("title")
        return plain if self.titles is None else plain.zip_with(self.titles.fill_null("") == "", self.titles.cast(pl.String))

    @cached_property
    def _user_index(self) -> dict[Any, int]:
        return {user: code for code, user in enumerate(self.users.to_list())}

    def item_codes(self, ids: Iterable[Any]) -> NDArray[np.int32]:
        """Return the codes of external item ids; 0 for an id that is not known.

        Parameters
        ----------
        ids : iterable
            External ids. An integer written as text finds an integer id, so that ids typed on a command line work; a number with a
            fraction is no id.

        Returns
        -------
        ndarray, int32
            Codes in 0..N.
        """
        return (_places(ids, self.items, lambda: self._item_index) + 1).astype(np.int32)

    def user_codes(self, ids: Iterable[Any]) -> NDArray[np.int64]:
        """Return the codes of external user ids; -1 for an id that is not known.

        Parameters
        ----------
        ids : iterable
            External ids, integers or strings.

        Returns
        -------
        ndarray, int64
            Codes in -1..n_users-1.
        """
        return _places(ids, self.users, lambda: self._user_index)

    def same_items(self, other: Vocabulary) -> bool:
        """Return whether item codes mean the same in another vocabulary."""
        return self is other or self.items is other.items or self.items.equals(other.items)

    def holds_in(self, other: Vocabulary) -> bool:
        """Return whether every code means the same in another vocabulary, which may have more users at its end."""
        return self is other or (self.same_items(other) and self.users.equals(other.users.head(self.n_users)))

    def only(self, kept: NDArray[np.bool_]) -> Vocabulary:
        """Return the vocabulary of some of the items, in their order; kept [N]."""
        rows = np.flatnonzero(kept)
        content = {name: Features(one.values[rows], one.present[rows]) for name, one in self.content.items()}
        titles = None if self.titles is None else self.titles[rows]
        return Vocabulary(self.items[rows], self.users, titles, content)

    def title(self, code: int) -> str:
        """Return what to call an item in front of a person: its title, or its id where it has none.

        Parameters
        ----------
        code : int
            Item code in 1..N.

        Returns
        -------
        str
            Never empty; of more than 200 characters the middle is left out.

        Raises
        ------
        DataError
            If the code is outside 1..N.
        """
        if not 1 <= code <= self.n_items:
            raise DataError(f"item code {code} is outside 1..{self.n_items}")
        return clipped(str(self.names[int(code) - 1]), 200)


MANY = 256
"""Ids from which on they are looked up together."""


def _places(ids: Iterable[Any], known: pl.Series, index: Callable[[], dict[Any, int]]) -> NDArray[np.int64]:
    """Return where each id stands among distinct ids, -1 where it does not; many of one type are looked up at once."""
    given = ids if isinstance(ids, np.ndarray | pl.Series) else list(ids)
    if len(given) >= MANY and (typed := _typed(given)) is not None:
        return positions(typed, known)
    return np.array([index().get(matched_one(one, known.dtype), -1) for one in given], dtype=np.int64)


def _typed(ids: Any) -> pl.Series | None:
    """Return integers or texts as a series; None for other ids and for a mixture."""
    if isinstance(ids, list) and set(map(type, ids)) not in ({int}, {str}):
        return None
    try:
        typed = pl.Series(ids)
    except (TypeError, OverflowError):
        return None
    return typed if typed.dtype in (pl.Int64, pl.Int32, pl.String) else None


def positions(ids: pl.Series, known: pl.Series) -> NDArray[np.int64]:
    """Return where each id stands among distinct ids, -1 where it does not; integers and texts are the same if they read so."""
    wanted = pl.DataFrame({"id": matched(ids, known.dtype)})
    places = pl.DataFrame({"id": known, "at": np.arange(len(known), dtype=np.int64)})
    found = wanted.join(places, on="id", how="left", maintain_order="left")["at"].fill_null(-1)
    at: NDArray[np.int64] = found.to_numpy(writable=True)
    return at
