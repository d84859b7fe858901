"""Files of recommendations, and items named by ids or titles."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.readers.convert import to_ids
from reverie.data.readers.formats import open_table
from reverie.data.readers.layouts import EVENT_NAMES
from reverie.data.readers.table import find_column, missing_column
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError, short

CUTOFF = 85.0
"""Similarity, 0…100, from which a title counts as found."""
MARGIN = 2.0
"""How much more similar than any other title it has to be."""


def find_items(wanted: Sequence[Any], vocabulary: Vocabulary, skip: bool = False) -> NDArray[np.int32]:
    """Return the codes of items named by ids or titles; what names none is an error, or 0 with a warning."""
    codes = vocabulary.item_codes(wanted)
    missing = np.flatnonzero(codes == 0)
    if len(missing):
        titled = _titled(vocabulary)
        for at in missing.tolist():
            try:
                codes[at] = _by_title(wanted[at], titled, vocabulary)
            except DataError:
                if not skip:
                    raise
        _warn_of_unknown([wanted[at] for at in missing.tolist() if not codes[at]], len(wanted), "items of the histories")
    return codes


def exact_items(wanted: Sequence[Any] | NDArray[Any], vocabulary: Vocabulary, skip: bool = False) -> NDArray[np.int32]:
    """Return the codes of items named by ids alone; what names none is an error, or 0 with a warning."""
    codes = vocabulary.item_codes(wanted)
    missing = np.flatnonzero(codes == 0)
    if len(missing) and not skip:
        raise _no_item(wanted[int(missing[0])], len(missing), len(wanted), vocabulary)
    _warn_of_unknown([wanted[at] for at in missing.tolist()], len(wanted), "items of the histories")
    return codes


def _no_item(wanted: Any, count: int, of: int, vocabulary: Vocabulary) -> DataError:
    """Return the error for an id that no item has: what it is instead, or how many others there are."""
    wanted = wanted.item() if isinstance(wanted, np.generic) else wanted
    if isinstance(wanted, str) and _folded(wanted) in _titled(vocabulary):
        return DataError(
            f"no item has the id {short(repr(wanted))}, which is a title; give titles=True, or ids like {vocabulary.items[0]!r}"
        )
    if vocabulary.user_codes([wanted])[0] >= 0:
        known = f"ids of items look like {vocabulary.items[0]!r}"
        return DataError(f"no item has the id {wanted!r}, which is a user; give users=[{wanted!r}] with data=dataset; {known}")
    others = f"{count} of {of} items of the histories are unknown; " if of > 1 else ""
    skip = "unknown='skip' leaves unknown ones out"
    return DataError(f"no item has the id {short(repr(wanted))}; {others}ids look like {vocabulary.items[0]!r}, and {skip}")


def listed_items(wanted: Sequence[Any] | NDArray[Any], vocabulary: Vocabulary, titles: bool = False) -> NDArray[np.int32]:
    """Return the codes of items listed by ids, or also by exact titles; what names none is left out with a warning."""
    return listed_entries(wanted, vocabulary, titles)[0]


def listed_entries(
    wanted: Sequence[Any] | NDArray[Any], vocabulary: Vocabulary, titles: bool
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the codes of `listed_items` in the order of the list, and the entry of each; a title names all its items."""
    codes = vocabulary.item_codes(wanted)
    entries, missing = np.flatnonzero(codes), np.flatnonzero(codes == 0)
    titled = _titled(vocabulary) if titles and len(missing) else {}
    found = {at: titled.get(_folded(wanted[at]), []) if isinstance(wanted[at], str) else [] for at in missing.tolist()}
    strange = [wanted[at] for at, named in found.items() if not named]
    _warn_of_unknown(strange, len(wanted), "allowed or denied items", "" if titles else title_hint(strange, vocabulary))
    more = [(code, at) for at, named in found.items() for code in named]
    by_title = np.array(more, dtype=np.int64).reshape(-1, 2)
    both = np.concatenate([codes[entries], by_title[:, 0].astype(np.int32)]), np.concatenate([entries, by_title[:, 1]])
    order = np.argsort(both[1], kind="stable")
    return both[0][order], both[1][order]


def title_hint(wanted: Sequence[Any], vocabulary: Vocabulary) -> str:
    """Return, where one of some texts is the title of an item, how titles are asked for; else nothing."""
    titled = _titled(vocabulary) if any(isinstance(one, str) for one in wanted) else {}
    one = next((one for one in wanted if isinstance(one, str) and _folded(one) in titled), None)
    return "" if one is None else f"; {one!r} is a title, so give titles=True"


def _warn_of_unknown(unknown: Sequence[Any], count: int, what: str, hint: str = "") -> None:
    if unknown:
        first = unknown[0].item() if isinstance(unknown[0], np.generic) else unknown[0]
        warnings.warn(
            f"{len(unknown)} of {count} {what} are unknown to the model and left out, the first is {first!r}{hint}", stacklevel=4
        )


def _folded(text: str) -> str:
    return text.casefold().strip()


def _titled(vocabulary: Vocabulary) -> dict[str, list[int]]:
    """Return the codes of items by their titles in lower case."""
    titled: dict[str, list[int]] = defaultdict(list)
    for code, title in enumerate([] if vocabulary.titles is None else vocabulary.titles.to_list(), start=1):
        if title:
            titled[_folded(title)].append(code)
    return titled


def _by_title(wanted: Any, titled: Mapping[str, list[int]], vocabulary: Vocabulary) -> int:
    """Return the code of the item that a text names, by the lower-case titles; numbers in it have to stand in the title."""
    from rapidfuzz import fuzz, process, utils

    if not titled:
        raise DataError(
            f"no item has the id '{short(str(wanted))}', and this catalogue has no titles to look in; use ids of the training data"
        )
    if not isinstance(wanted, str):
        raise DataError(f"no item has the id {wanted!r}; ids look like {vocabulary.items[0]!r}, and titles are text")
    text = _folded(wanted)
    if text not in titled:
        near = process.extract(text, list(titled), scorer=fuzz.WRatio, processor=utils.default_process, limit=3)
        named = ", ".join(f"'{short(vocabulary.title(titled[title][0]))}'" for title, _, _ in near)
        numbers = set(re.findall(r"\d+", text))
        is_id = not any(map(str.isalpha, text)) or not numbers <= set(re.findall(r"\d+", near[0][0]))
        if near[0][1] < CUTOFF or is_id:
            raise DataError(f"no item has the id or title '{short(wanted)}'; the nearest titles are {named}")
        if len(near) > 1 and near[1][1] > near[0][1] - MARGIN:
            raise DataError(f"'{short(wanted)}' may mean several items; write one of the titles {named} in full")
        text = near[0][0]
    if len(titled[text]) > 1:
        ids = ", ".join(str(vocabulary.items[code - 1]) for code in titled[text][:5])
        raise DataError(f"{len(titled[text])} items have the title '{short(wanted)}'; name one by its id: {ids}")
    return titled[text][0]


By = Literal["rank", "score"]
NAMES: dict[str, tuple[str, ...]] = {
    "user": (*EVENT_NAMES["user"], "useridx", "queryid"),
    "item": (*EVENT_NAMES["item"], "itemidx"),
    "rank": ("rank", "ranking", "position", "place"),
    "score": ("score", "scores", "prediction", "predicted", "rating", "relevance", "weight"),
}
"""Usual column names of recommendations, the likeliest first; compared without case, spaces, ``_`` and ``-``."""


def read_recommendations(
    source: Any,
    *,
    user: str | None = None,
    item: str | None = None,
    score: str | None = None,
    rank: str | None = None,
    by: By | None = None,
    format: str | None = None,
) -> pl.DataFrame:
    """Read recommendations: one row per user and recommended item, with a rank or a score.

    Parameters
    ----------
    source : path, or pandas, Polars or Arrow frame
        CSV, TSV, Parquet or JSON lines.
    user, item, score, rank : str, optional
        Columns, where their names are not among the usual ones (`NAMES`).
    by : {"rank", "score"}, optional
        Which of the two orders a list; by default the rank where there is one, else the score.
    format : str, optional
        Of the file, where its suffix does not tell.

    Returns
    -------
    polars.DataFrame
        Columns ``user`` and ``item`` (Int64 or String) and ``score`` (Float64; minus the rank where ranks order the lists), in
        the order of the source. Higher is better, equal is tied.

    Raises
    ------
    DataError
        If the file is empty, a column is missing, a rank or score is missing or not finite, or a pair is listed twice.
    ConfigError
        If `by` is neither rank nor score.
    """
    if by not in (None, "rank", "score"):
        raise ConfigError(f"by='{by}' does not order a list; use 'rank' or 'score'")
    chosen = {"user": user, "item": item, "rank": rank, "score": score}
    with open_table(source, format) as table:
        found = {role: find_column(role, chosen[role], table.columns, usual, table.where) for role, usual in NAMES.items()}
        if found["user"] is None or found["item"] is None:
            raise missing_column("user" if found["user"] is None else "item", table.columns, table.where)
        key: By = by or ("rank" if found["rank"] is not None else "score")
        order = found[key]
        if order is None:
            wanted = f"{by} column" if by else "rank or score column"
            listed = ", ".join(table.columns)
            raise DataError(f"{table.where} has no {wanted} to order the lists by; its columns are {listed}: name one with {key}=")
        frame, where = table.read([found["user"], found["item"], order], ids=[found["user"], found["item"]]), table.where
    lists = pl.DataFrame(
        [
            to_ids(frame[found["user"]], where, "user").alias("user"),
            to_ids(frame[found["item"]], where, "item").alias("item"),
            _numbers(frame[order], where, key).alias("score") * (-1.0 if key == "rank" else 1.0),
        ]
    )
    _once(lists, where)
    return lists


def _numbers(values: pl.Series, where: str, key: str) -> pl.Series:
    if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
        raise DataError(f"{where}: column '{values.name}' holds {values.dtype}, not numbers; name another with {key}=")
    numbers = (values.str.strip_chars() if values.dtype == pl.String else values).cast(pl.Float64, strict=False)
    good = numbers.is_finite().fill_null(False)
    if not good.all():
        row = int((~good).arg_max() or 0)
        value = "nothing" if values[row] is None else repr(values[row])
        raise DataError(
            f"{where} has {int((~good).sum())} rows without a {key}: row {row + 1} has {value} in column '{values.name}'; "
            f"give each a finite number or leave these rows out"
        )
    return numbers


def _once(lists: pl.DataFrame, where: str) -> None:
    repeated = lists.select(pl.struct("user", "item").is_duplicated()).to_series()
    if repeated.any():
        at = int(repeated.arg_max() or 0)
        one, other = lists[at, "user"], lists[at, "item"]
        rows = lists.with_row_index(offset=1).filter((pl.col("user") == one) & (pl.col("item") == other))["index"].to_list()
        raise DataError(
            f"{where} recommends item {other} to user {one} more than once, in rows {rows[0]} and {rows[1]}; "
            f"keep one row of each pair"
        )
