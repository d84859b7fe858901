"""External ids: integers where Int64 gives back every digit, else text. The one rule of reading, matching and typing ids."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

_CANONICAL = re.compile(r"0|-?[1-9][0-9]{0,18}")


def is_integer_text(column: str, negative: bool = True) -> pl.Expr:
    """Whether a text comes back unchanged from Int64, which ``0012``, ``+5``, ``-0`` and ``1.0`` do not; null stays null."""
    text = pl.col(column)
    plain = (text >= "1") | (text == "0")  # the characters +, - and 0 come before 1
    if negative:
        plain |= text.str.starts_with("-") & ~text.str.starts_with("-0")
    return (text.cast(pl.Int64, strict=False).is_not_null() | text.is_null()) & plain


def as_integers(ids: pl.Series) -> pl.Series:
    """Bring text to Int64 where every value comes back unchanged; else return it as it is."""
    frame = ids.to_frame()
    if not frame.head(1000).select(is_integer_text(ids.name).all()).item():
        return ids
    return ids.cast(pl.Int64) if frame.select(is_integer_text(ids.name).all()).item() else ids


def matched(ids: pl.Series, known: pl.DataType) -> pl.Series:
    """Bring ids to the type of other ids to look for them there; null where one cannot be among them: ``0012`` is not 12."""
    if known == pl.Int64 and ids.dtype == pl.String:
        number = pl.col(ids.name).cast(pl.Int64, strict=False)
        return ids.to_frame().select(pl.when(is_integer_text(ids.name)).then(number)).to_series().alias(ids.name)
    return ids.cast(known, strict=False)


def matched_one(value: Any, known: pl.DataType) -> Any:
    """Bring one id, perhaps typed by a person, to the type of other ids; None where it cannot be among them."""
    if value is None or isinstance(value, bool):
        return None
    if known == pl.String:
        return str(value)
    if isinstance(value, str):
        return int(value) if _CANONICAL.fullmatch(value) else None
    try:
        whole = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return whole if whole == value else None
