"""Tables of what is in memory: frames of pandas, Polars and Arrow, arrays, and rows as tuples, lists or mappings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from reverie.data.readers.layouts import SKIPPED
from reverie.data.readers.nested import nested_table
from reverie.data.readers.table import Table
from reverie.errors import ConfigError, DataError, short

WHERE = "the frame"
"""What messages call a source that has no path."""


def open_frame(source: Any, roles: Sequence[str] | None = None) -> Table:
    """Return the table of a source in memory; `roles` name the columns of rows and arrays, which have no names."""
    frame = _named(source)
    if frame is None:
        rows = _rows(source, roles)
        return open_frame(rows)
    if roles is not None:
        raise ConfigError(f"the columns of a {type(source).__name__} have names, so columns= has no meaning; use user= and item=")
    return frame


def _named(source: Any) -> Table | None:
    """Return the table of a frame, whose columns have names; None of anything else."""
    if isinstance(source, pl.DataFrame | pl.LazyFrame):
        lazy = source.lazy()
        return nested_table(WHERE, lambda: lazy, lazy.collect_schema(), "a frame of Polars")
    package = type(source).__module__.partition(".")[0]
    if package == "pandas":
        columns = tuple(str(column) for column in source.columns)
        return Table(WHERE, columns, lambda names, *_: _from_pandas(source, names), form="a frame of pandas")
    if package == "datasets" and hasattr(source, "with_format") and hasattr(source, "num_rows"):
        if isinstance(source, Mapping):
            raise DataError(f"the data set has the splits {', '.join(source)}; give one of them, as data[{next(iter(source))!r}]")
        source, package = source.with_format("arrow")[:], "pyarrow"
    if package == "pyarrow" and hasattr(source, "column_names"):
        names = tuple(source.column_names)
        return Table(
            WHERE, names, lambda names, *_: pl.DataFrame(pl.from_arrow(source.select(names))).lazy(), form="a table of Arrow"
        )
    if isinstance(source, Mapping):
        return _named(_frame(dict(source)))
    if isinstance(source, np.ndarray) and source.dtype.names:
        return _named(pl.DataFrame({name: source[name] for name in source.dtype.names}))
    return None


def _rows(source: Any, roles: Sequence[str] | None) -> pl.DataFrame:
    """Return the frame of an array, or of rows as tuples, lists or mappings; of an iterator, too."""
    if isinstance(source, str | bytes) or not isinstance(source, Iterable):
        raise DataError(
            f"events cannot be read from a {type(source).__name__}; give a path, a pandas, Polars or Arrow frame, an array, or rows"
        )
    if isinstance(source, np.ndarray) and source.ndim != 2:
        raise DataError(f"an array of events has two dimensions, and this one has {source.ndim}; give one row an event")
    rows = iter(source)
    first = next(rows, None)
    if first is None:
        raise DataError(f"{WHERE} has no rows; give one row an event")
    if isinstance(first, Mapping):
        if roles is not None:
            raise ConfigError("the fields of mappings have names, so columns= has no meaning; use user= and item=")
        return _frame([dict(row) for row in chain([first], rows)])
    if isinstance(first, str | bytes) or not isinstance(first, Sequence | np.ndarray):
        raise DataError(f"a row of events is a tuple, a list or a mapping, not {short(repr(first), 60)}")
    if roles is None:
        raise DataError(
            f"rows have no header, and the first is {short(str(tuple(first)), 100)}; say what each field is, "
            "as columns='user,item,timestamp'"
        )
    names = [f"field {number}" if role == SKIPPED else role for number, role in enumerate(roles, start=1)]
    if isinstance(source, np.ndarray):
        columns: Any = dict(zip(names, source.T, strict=True)) if len(names) == source.shape[1] else None
    else:
        every = [tuple(row) for row in chain([first], rows)]
        wrong = next((row for row in every if len(row) != len(names)), None)
        columns = None if wrong else dict(zip(names, map(list, zip(*every, strict=True)), strict=True))
    if columns is None:
        raise DataError(
            f"columns= says what {len(names)} fields are, and a row has another number; the first is "
            f"{short(str(tuple(first)), 100)}"
        )
    return _frame(columns)


def _frame(data: Any) -> pl.DataFrame:
    try:
        return pl.DataFrame(data, infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError, ValueError) as error:
        raise DataError(f"{WHERE} mixes types in a column, or lengths ({short(str(error))}); give each column one type") from error


def _from_pandas(source: Any, columns: list[str]) -> pl.LazyFrame:
    if twice := [name for name, count in Counter(map(str, source.columns)).items() if count > 1]:
        raise DataError(f"the frame has more than one column '{short(twice[0])}'; give each its own name")
    frame = source.rename(columns=str)[columns]
    try:
        return pl.from_pandas(frame).lazy()
    except ImportError as error:
        raise DataError("pandas frames are read through pyarrow, which is not installed; run 'pip install pyarrow'") from error
    except (TypeError, ValueError) as error:
        raise DataError(f"the frame mixes types in a column ({error}); give each column one type with astype") from error
