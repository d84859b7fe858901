"""Items that may be recommended: lists to allow and to deny, for all or for each query."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.calls import named, plain_list
from reverie.data.sequences import flat_positions, row_offsets
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError
from reverie.evaluation.asked import flat_ids, is_list
from reverie.evaluation.recommendations import listed_entries, listed_items, title_hint

Listed = Sequence[Any] | Mapping[Any, Sequence[Any]] | None
"""Ids for all, one list of ids for each query, or a list by the id of its user; None restricts nothing."""


@dataclass(frozen=True)
class OfEach:
    """A list of item codes for each query; ``listed`` says which queries have one."""

    codes: NDArray[np.int64]
    offsets: NDArray[np.int64]
    listed: NDArray[np.bool_]

    def keys(self, index: NDArray[np.int64], base: int) -> NDArray[np.int64]:
        """Return the entries of some queries as keys row * base + code; index [B]."""
        start, stop = self.offsets[index], self.offsets[index + 1]
        return np.repeat(np.arange(len(index), dtype=np.int64), stop - start) * base + self.codes[flat_positions(start, stop)]


@dataclass(frozen=True)
class Availability:
    """Codes that some query may be shown, ascending, and what is allowed and denied to each query beside that."""

    items: NDArray[np.int64]
    allow: OfEach | None
    deny: OfEach | None


def available(
    vocabulary: Vocabulary, place: NDArray[np.int64], given: int, users: pl.Series | None, allow: Listed, deny: Listed, titles: bool
) -> Availability:
    """Read what is allowed and denied to queries, which stand in these places among the given, and are of these users."""
    allowed, denied = (
        _read(one, what, vocabulary, place, given, users, titles) for one, what in ((allow, "allow"), (deny, "deny"))
    )
    is_open = np.full(vocabulary.n_items + 1, allow is None)
    if isinstance(allowed, OfEach):
        is_open[allowed.codes if allowed.listed.all() else slice(None)] = True
    elif allowed is not None:
        is_open[allowed] = True
    if denied is not None and not isinstance(denied, OfEach):
        is_open[denied] = False
    is_open[0] = False
    if not is_open.any():
        hint = title_hint(list(allow), vocabulary) if allow is not None and is_list(allow) and not titles else ""
        raise DataError(f"the allowed and denied items leave nothing to recommend; allow more or deny less{hint}")
    each = [one if isinstance(one, OfEach) else None for one in (allowed, denied)]
    return Availability(np.flatnonzero(is_open), *each)


def _read(
    listed: Listed, what: str, vocabulary: Vocabulary, place: NDArray[np.int64], given: int, users: pl.Series | None, titles: bool
) -> NDArray[np.int32] | OfEach | None:
    if listed is None:
        return None
    listed = plain_list(listed)
    if isinstance(listed, Mapping):
        if users is None:
            raise ConfigError(f"{what}= by user needs users=; for histories give one list for each: {what}=[[…], […]]")
        known, asked = {str(user): plain_list(ids) for user, ids in listed.items()}, users.cast(pl.String).to_list()
        if others := known.keys() - set(asked):
            said = f"{len(others)} of {len(known)} users of {what}= are not asked about, one is {named(min(others))}"
            warnings.warn(f"{said}; their lists change nothing", stacklevel=5)
        return _of_each([known.get(user) for user in asked], what, vocabulary, titles)
    if not is_list(listed):
        raise ConfigError(f"{what}={named(listed)} is no list of item ids; write {what}=[{named(listed)}]")
    listed = [plain_list(one) for one in listed] if isinstance(listed, list | tuple) else listed
    lists = [one is None or is_list(one) for one in listed] if isinstance(listed, list | tuple) else [False]
    if not any(lists):
        return listed_items(flat_ids([listed]), vocabulary, titles)
    if not all(lists) or len(lists) != given:
        raise ConfigError(f"{what}= is a flat list of item ids for all, or one list for each of the {given} histories or users")
    return _of_each([listed[at] for at in place], what, vocabulary, titles)


def _of_each(rows: list[Any], what: str, vocabulary: Vocabulary, titles: bool) -> OfEach:
    """Return a list for each query; None is no list."""
    is_listed = np.array([row is not None for row in rows], dtype=bool)
    if wrong := next((row for row in rows if row is not None and not is_list(row)), None):
        raise ConfigError(f"{what}= holds {named(wrong)} where a list of item ids is due; write [{named(wrong)}]")
    filled = [() if row is None else row for row in rows]
    flat = flat_ids(filled)
    row_of = np.repeat(np.arange(len(rows)), np.fromiter(map(len, filled), np.int64, len(rows)))
    codes, entry = listed_entries(flat, vocabulary, titles)
    counts = np.bincount(row_of[entry], minlength=len(rows))
    return OfEach(codes.astype(np.int64), row_offsets(counts), is_listed)
