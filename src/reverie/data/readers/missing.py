"""Ids that stand for none, or that differ by blanks alone: what tables of all sorts have in the place of ids."""

from __future__ import annotations

import polars as pl

SURELY = ("\\N", "(not set)", "(none)", "<NA>", "<null>", "(null)", "[NULL]")
"""Texts that are no id, whatever the others are."""
WORDS = ("null", "nan", "none", "na", "n/a", "nil", "undefined", "-", "?", "#n/a")
"""Texts, in any letters, that are no id among ids with digits; among names they may be one."""
_DIGITS = 0.9
"""Share of other ids that have a digit, from which a word such as NULL is no name."""


def without_words(ids: pl.Series) -> tuple[pl.Series, list[str]]:
    """Return ids with null where a text stands for none, and what a person should look at."""
    if ids.dtype != pl.String:
        return ids, []
    known = ids.unique().drop_nulls()
    gone = known.filter(known.is_in(SURELY)).to_list()
    words = known.filter(known.str.to_lowercase().is_in(WORDS)).sort().to_list()
    others = known.filter(~known.is_in([*gone, *words]))
    told = [*_same_but_for_blanks(others, ids.name)]
    if words and len(others) and others.str.contains(r"\d").sum() >= _DIGITS * len(others):
        gone += words
    elif words:
        count = int(ids.is_in(words).sum())
        told.append(f"column '{ids.name}' has {words[0]!r} as an id, in {count:,} rows; leave those rows out if it stands for none")
    return (ids.set(ids.is_in(gone), None) if gone else ids), told


def _same_but_for_blanks(known: pl.Series, name: str) -> list[str]:
    """Say which ids differ from others by blanks around them alone."""
    bare = known.str.strip_chars()
    blank = bare != known
    twice = known.filter(blank & (bare.is_in(known.filter(~blank).implode()) | bare.is_duplicated()))
    if twice.is_empty():
        return []
    return [
        f"column '{name}' has {len(twice):,} ids that differ from others by blanks around them alone, as {twice.min()!r}, and are "
        "read as ids of their own; take the blanks away if they are the same"
    ]
