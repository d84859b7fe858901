"""JSON and Parquet files that anybody may have edited: one reader, and one sentence for what is wrong."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from reverie.errors import DataError, ReverieError, RunError, short

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor

D = TypeVar("D")
LARGEST = 1 << 28
"""Bytes of a JSON file."""


def regular(path: str | os.PathLike[str], largest: int | None = None) -> Path:
    """Return the path of a file that can be read: it is there, it is no folder, pipe or device, and it is not too large."""
    path = Path(path)
    try:
        found = path.stat()
    except FileNotFoundError:
        raise DataError(f"{path} does not exist") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); check the path") from error
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise DataError(f"{path} is {kind}, not a file; put a file in its place")
    if largest is not None and found.st_size > largest:
        raise DataError(f"{path} has {found.st_size:,} bytes, more than the {largest:,} that such a file may have; check the path")
    return path


def read_json(path: str | os.PathLike[str], data: bytes | None = None, *, undefined: bool = False) -> Any:
    """Read a JSON file, or bytes that stand in it; `undefined` lets NaN and infinite numbers pass."""
    from pydantic_core import from_json

    found = regular(path, LARGEST).read_bytes() if data is None else data
    try:
        return from_json(found, allow_inf_nan=undefined)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not valid JSON ({error}); delete it or restore it") from error


def read_as(kind: type[D], path: Path, remedy: str, error: type[ReverieError] = DataError, data: bytes | None = None) -> D:
    """Read a JSON file, or bytes that stand in it, as a type that pydantic knows; a text is no number, other keys are left out."""
    from pydantic import ValidationError

    from reverie.options import requirement

    found = regular(path, LARGEST).read_bytes() if data is None else data
    try:
        read_json(path, found)
        made: D = _adapter(cast("Any", kind)).validate_json(found, strict=True)
        return made
    except DataError as wrong:
        raise error(f"{str(wrong).rpartition(';')[0]}; {remedy}") from wrong
    except ValidationError as wrong:
        first = wrong.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "missing":
            said = f"has no '{key}'"
        else:
            said = f"is wrong in '{key}', which" if key else "is wrong: it"
            said += f" {requirement(first['type'], first['msg'])}, not {short(repr(first['input']))}"
        raise error(f"{path} {said}; {remedy}") from wrong


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def read_tensors(path: Path, remedy: str) -> dict[str, Tensor]:
    """Read a safetensors file."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(regular(path))
    except (DataError, OSError, ValueError, KeyError, SafetensorError) as error:
        raise RunError(f"{path} cannot be read ({short(str(error))}); {remedy}") from error


def read_table(
    path: Path, columns: Mapping[str, str] | None, remedy: str, optional: Mapping[str, str] | None = None
) -> pl.DataFrame:
    """Read a Parquet file whose columns are known: ``int``, ``float``, ``text`` or ``id`` (whole numbers or text), none missing.

    Other columns are left out; an optional column may hold nulls. With no columns given, all are read and hold numbers.
    """
    import polars as pl

    try:
        frame = pl.read_parquet(regular(path), glob=False, hive_partitioning=False)
    except (OSError, ValueError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise DataError(f"{path} cannot be read as Parquet; {remedy}") from error
    columns = dict.fromkeys(frame.columns, "float") if columns is None else columns
    wanted = {**columns, **{name: kind for name, kind in (optional or {}).items() if name in frame.columns}}
    for name, kind in wanted.items():
        if name not in frame.columns:
            raise DataError(f"{path} has no column '{name}'; {remedy}")
        held = frame.schema[name]
        text, whole = held == pl.String, held.is_integer()
        fits = {"int": whole, "float": whole or held.is_float(), "text": text, "id": whole or text}[kind]
        if not fits or (name in columns and frame[name].null_count()):
            raise DataError(f"{path} holds in column '{name}' what is not of type {kind}, or nothing in some rows; {remedy}")
    return frame.select(list(wanted))
