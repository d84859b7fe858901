"""Type conversion of ids, ratings and text, with errors that name row and value."""

from __future__ import annotations

import polars as pl

from reverie.data.ids import as_integers
from reverie.errors import DataError


def to_ids(values: pl.Series, where: str, role: str, remedy: str = "") -> pl.Series:
    """Bring ids to Int64 where nothing is lost, else to String; `remedy` is what could be done where one is missing."""
    if values.dtype == pl.Binary:
        values = to_text(values, where, role)
        return _named(values, where, role, remedy)
    dtype = values.dtype
    if dtype.is_nested() or dtype == pl.Object:
        within = f", or name a field of it, as {role}={values.name}.{dtype.fields[0].name}" if isinstance(dtype, pl.Struct) else ""
        kind = "objects" if within else dtype
        raise DataError(
            f"{where}: column '{values.name}' holds {kind}, not ids; give one {role} a row, as an integer or as text{within}"
        )
    require_values(values, where, remedy)
    if dtype.is_integer():
        integers = values.cast(pl.Int64, strict=False)
        return values.cast(pl.String) if integers.null_count() else integers
    if dtype.is_float():
        check_values(
            values, values.abs() < 2.0**53, where, "an id that a float keeps apart from its neighbours: give integers or text"
        )
        whole = values.cast(pl.Int64, strict=False)
        check_values(values, whole.is_not_null() & (whole == values), where, "an integer or text")
        return whole
    return as_integers(_named(values.cast(pl.String), where, role, remedy))


def _named(ids: pl.Series, where: str, role: str, remedy: str = "") -> pl.Series:
    """Refuse ids that are missing, blank, or hold the character NUL."""
    require_values(ids, where, remedy)
    odd = ids.unique()
    odd = odd.filter(odd.str.contains(r"^\s*$|\x00"))
    if len(odd):
        row = int((ids == odd[0]).arg_max() or 0)
        raise DataError(f"{where} row {row + 1}, column '{ids.name}': {odd[0]!r} is no {role} id; correct it or leave it out")
    return ids


def to_text(values: pl.Series, where: str, role: str) -> pl.Series:
    """Bring titles, kinds and parts to String: lists are joined by ``|``, bytes that are no UTF-8 become hexadecimal digits."""
    if values.dtype == pl.Binary:
        try:
            return values.cast(pl.String)
        except pl.exceptions.ComputeError:
            return values.bin.encode("hex")
    inner = values.dtype.inner if isinstance(values.dtype, pl.List | pl.Array) else None
    flat = isinstance(inner, pl.DataType) and not inner.is_nested() and inner not in (pl.Binary, pl.Object)
    if flat and role in ("title", "categories", "text", "cover", "video"):
        return values.cast(pl.List(pl.String)).list.join("|", ignore_nulls=True)
    if values.dtype.is_nested() or values.dtype == pl.Object:
        raise DataError(
            f"{where}: column '{values.name}' holds {values.dtype}, not text; bring it to text or rename the column ({role})"
        )
    return values.cast(pl.String)


def to_numbers(values: pl.Series, where: str, role: str = "rating") -> pl.Series:
    """Bring ratings, rewards and propensities to Float32; a missing one, or NaN, stays null."""
    if values.dtype.is_nested() or values.dtype in (pl.Binary, pl.Object):
        raise DataError(f"{where}: column '{values.name}' holds {values.dtype}, not numbers; choose another with {role}=")
    source = values.str.strip_chars() if values.dtype == pl.String else values
    numbers = source.cast(pl.Float32, strict=False)
    check_values(values, numbers.is_not_null() | values.is_null(), where, "a number")
    check_values(values, ~numbers.is_infinite(), where, "a finite number")
    return numbers.fill_nan(None)


def require_values(values: pl.Series, where: str, remedy: str = "") -> None:
    """Raise at the first row without a value."""
    if values.null_count():
        row = int(values.is_null().arg_max() or 0) + 1
        raise DataError(f"{where} row {row} has no value in column '{values.name}'; fill it or leave the row out{remedy}")


def check_values(values: pl.Series, good: pl.Series, where: str, what: str, remedy: str = "correct it or leave it out") -> None:
    """Raise at the first row whose value is not good."""
    if not good.all():
        row = int((~good).arg_max() or 0)
        raise DataError(f"{where} row {row + 1}, column '{values.name}': {values[row]!r} is not {what}; {remedy}")
