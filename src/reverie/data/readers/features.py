"""Reading features of items: arrays of NumPy whose rows are named, and tables with a column of ids."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.content import ItemFeatures
from reverie.data.readers.convert import to_ids, to_numbers
from reverie.data.readers.formats import open_table
from reverie.data.readers.layouts import CATALOG_NAMES
from reverie.data.readers.table import find_column, missing_column
from reverie.errors import DataError, short
from reverie.packed import unpacked, without_packing

ROWS = {"from 0": 0, "from 1": 1}
"""Names of rules by which the number of a row is the id of its item, and the id of the first row."""
_IDS = ("ids", "items", "item", "item_id", "item_ids")
_NUMPY = (".npy", ".npz")
_SAY = "say which items they are: ids='from 0' or 'from 1' where the row's number is the id, or a file with one id a line"


def read_features(
    path: str | os.PathLike[str], ids: str | os.PathLike[str] | Sequence[Any] | None = None, catalog: pl.Series | None = None
) -> ItemFeatures:
    """Read one vector for each of some items.

    Parameters
    ----------
    path : path
        ``.npy`` with an array [M, F], which stays memory-mapped; ``.npz`` with such an array, and one of ids called ``ids`` or
        ``items`` beside it; or a table (Parquet, CSV and its kin) with a column of ids under a usual name and either columns of
        numbers or one column of lists of numbers.
    ids : {"from 0", "from 1"}, path, or sequence, optional
        Which items the rows of an array are, where it does not say so: the number of the row, counted from 0 or 1, is the id; or
        a file (``.npy``, or text with one id a line); or the ids.
    catalog : polars.Series, optional
        Ids of the catalogue in its order, which is that of the rows where neither the file nor `ids` say otherwise.

    Returns
    -------
    ItemFeatures

    Raises
    ------
    DataError
        If the file is not readable or not of numbers, nothing says which items its rows are, their numbers differ, an id repeats,
        or a value is not finite (the item is named). Nothing is unpickled.
    """
    path, rows = Path(path), None
    if without_packing(path).suffix.lower() in _NUMPY:
        rows, values = _read_arrays(path)
        if values.ndim != 2 or not values.size or values.dtype.kind not in "fiub":
            kind = f"shape {list(values.shape)} and type {values.dtype}"
            raise DataError(f"{path} holds an array of {kind}; give one row of numbers for each item, as float32")
        if rows is None:
            rows = _named_rows(path, len(values), ids, catalog)
            ids = None
    else:
        rows, values = _read_table(path)
    if ids is not None:
        raise DataError(f"{path} has ids of its own, so ids= has no meaning; leave it out")
    try:
        return ItemFeatures(rows.alias("item"), values)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _named_rows(path: Path, count: int, ids: Any, catalog: pl.Series | None) -> pl.Series:
    """Return the ids of the rows of an array that has none."""
    if ids is None and catalog is None:
        raise DataError(f"{path} has {count:,} rows and no ids; {_SAY}")
    if isinstance(ids, str) and ids in ROWS:
        return pl.Series(np.arange(count, dtype=np.int64) + ROWS[ids])
    where = "the catalogue" if ids is None else "ids"
    if isinstance(ids, str | os.PathLike):
        where, found = str(ids), _read_ids(Path(ids))
    else:
        found = catalog if ids is None and catalog is not None else to_ids(pl.Series("item", ids), where, "item")
    if len(found) != count:
        raise DataError(f"{path} has {count:,} rows, and {where} has {len(found):,} items; give one row for each, or {_SAY}")
    return found


def _read_ids(path: Path) -> pl.Series:
    """Read ids from an array, or from the lines of a text."""
    if not path.exists() and path.suffix.lower() != ".npy":
        raise DataError(f"ids='{path}' is neither {' nor '.join(map(repr, ROWS))}, and no such file exists; check it")
    if path.suffix.lower() == ".npy":
        return to_ids(_id_series(_read_arrays(path)[1], path), str(path), "item")
    with unpacked(path) as plain:
        try:
            lines = plain.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    return to_ids(pl.Series("item", [line.strip() for line in lines if line.strip()], dtype=pl.String), str(path), "item")


def _read_arrays(path: Path) -> tuple[pl.Series | None, NDArray[Any]]:
    """Return the ids and the values of a file of NumPy; one array is memory-mapped."""
    with unpacked(path) as plain:
        try:
            loaded = np.load(plain, mmap_mode="r" if plain == path else None, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return None, loaded
            with loaded:
                arrays = {name: loaded[name] for name in loaded.files}
        except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{path} cannot be read as an array of numbers ({short(str(error))}); write it with numpy.save"
            ) from error
    named = [name for name in _IDS if name in arrays]
    rows = _id_series(arrays.pop(named[0]), path) if named and len(arrays) > 1 else None
    if len(arrays) != 1:
        raise DataError(
            f"{path} holds the arrays {', '.join(arrays) or 'of nothing'}; keep one array of vectors, and one called ids beside it"
        )
    return None if rows is None else to_ids(rows, str(path), "item"), next(iter(arrays.values()))


def _id_series(values: NDArray[Any], path: Path) -> pl.Series:
    if values.ndim != 1 or values.dtype.kind not in "iuU":
        raise DataError(
            f"{path} has ids of shape {list(values.shape)} and type {values.dtype}; give whole numbers or text, one a row"
        )
    return pl.Series("item", values.tolist() if values.dtype.kind == "U" else np.asarray(values))


def _read_table(path: Path) -> tuple[pl.Series, NDArray[np.float32]]:
    """Return the ids and the values of a table."""
    with open_table(path) as table:
        item = find_column("item", None, table.columns, CATALOG_NAMES["item"], table.where)
        if item is None:
            raise missing_column("item", table.columns, table.where)
        others = [column for column in table.columns if column != item]
        if not others:
            raise DataError(f"{path} has the column '{item}' alone; give columns of numbers, or one of lists of numbers, beside it")
        frame = table.read([item, *others], ids=[item])
    ids = to_ids(frame[item], str(path), "item")
    first = frame[others[0]]
    if len(others) == 1 and (isinstance(first.dtype, pl.List | pl.Array) or first.dtype == pl.String):
        return ids, _of_lists(first, path)
    if nested := [column for column in others if frame[column].dtype.is_nested()]:
        raise DataError(
            f"{path} has the column '{nested[0]}' of {frame[nested[0]].dtype} beside others; keep it and '{item}' alone"
        )
    numbers = [to_numbers(frame[column], str(path), "item") for column in others]
    return ids, pl.DataFrame(numbers).to_numpy().astype(np.float32, copy=False)


def _of_lists(values: pl.Series, path: Path) -> NDArray[np.float32]:
    """Return lists of numbers, perhaps written as text, as an array; all have one length."""
    if values.dtype == pl.String:
        values = values.str.replace_all(r"[\[\](),;|\s]+", " ").str.strip_chars().str.split(" ")
    elif isinstance(values.dtype, pl.Array):
        values = values.arr.to_list()
    try:
        numbers = values.cast(pl.List(pl.Float32))
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path}: column '{values.name}' does not hold numbers alone ({short(str(error))}); correct it") from error
    lengths = numbers.list.len()
    odd = (lengths != lengths[0]).fill_null(True)
    if odd.any():
        row = int(odd.arg_max() or 0)
        raise DataError(
            f"{path} row {row + 1} has {lengths[row] or 0} numbers where row 1 has {lengths[0] or 0}; give all the same"
        )
    return numbers.list.to_array(int(lengths[0] or 0)).to_numpy().astype(np.float32, copy=False)
