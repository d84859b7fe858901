"""Results tables: long format, one value a row, fixed first columns; rows are appended and never edited."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.documents import regular
from reverie.errors import DataError
from reverie.files import append_csv, locked

if TYPE_CHECKING:
    from reverie.data.split import Split

COLUMNS = (
    "recipe", "dataset", "dataset_sha256", "protocol", "slice", "seen", "fit_on", "model", "seed", "metric",
    "value", "low", "high", "interval", "n", "best_epoch", "seconds", "peak_mb", "commit", "trials", "key",
)  # fmt: skip
"""The columns of every results table; a room's own follow."""
_IDENTITY = (
    "recipe", "dataset_sha256", "protocol", "slice", "seen", "fit_on", "model", "seed", "metric", "value", "commit",
)  # fmt: skip


def common_columns(recipe: str, split: Split, **others: Any) -> dict[str, Any]:
    """Return the fixed columns that all rows of a study of one split have in common, and others; one trial unless said."""
    data = {"dataset": split.dataset, "dataset_sha256": split.sha256, "protocol": split.protocol}
    return {"recipe": recipe, **data, "slice": "all", "fit_on": "train", "trials": 1, **others}


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """Return the rows of a results table as they stand.

    Parameters
    ----------
    path : str or Path
        A CSV file with `COLUMNS` first.

    Returns
    -------
    list of dict
        By column; none where the file does not exist.

    Raises
    ------
    DataError
        If the file is no results table.
    """
    path = Path(path)
    if not path.exists():
        return []
    try:
        with regular(path).open(encoding="utf-8", newline="") as handle:
            reader = csv.DictReader(handle)
            rows, columns = list(reader), reader.fieldnames or ()
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no CSV table ({error})") from error
    if tuple(columns[: len(COLUMNS)]) != COLUMNS:
        raise DataError(f"{path} has other columns than this version writes; move it away and run again")
    if any(None in row or None in row.values() for row in rows):
        raise DataError(f"{path} holds a row with more or fewer cells than columns; mend it by hand")
    return rows


def append_rows(path: str | Path, rows: Sequence[Mapping[str, Any]], more: Sequence[str] = ()) -> None:
    """Append rows to a results table, but for those that are there already: the same value of the same run of the same commit.

    Parameters
    ----------
    path : str or Path
        A CSV file; made where it is missing.
    rows : sequence of mapping
        By column; a column that is missing is left empty.
    more : sequence of str
        The room's own columns, after the fixed ones.

    Raises
    ------
    DataError
        If the table has other columns.
    """
    with locked(path):
        there = {_identity(row, more) for row in read_rows(path)}
        append_csv(path, (*COLUMNS, *more), [row for row in rows if _identity(row, more) not in there])


def _identity(row: Mapping[str, Any], more: Sequence[str]) -> tuple[str, ...]:
    """Return what a row says of which run, as the table writes it."""
    cells = (row.get(column) for column in (*_IDENTITY, *more))
    return tuple(f"{cell:.6g}" if isinstance(cell, float) else str("" if cell is None else cell) for cell in cells)
