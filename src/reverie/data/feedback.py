"""What is known of an event beside who, what and when: its kind, its reward, and the propensity of its item."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from reverie.errors import DataError

FEEDBACK = ("kind", "reward", "propensity")
"""Columns that are no part of a dataset's SHA-256; they have a digest of their own."""


def check_feedback(events: pl.DataFrame, where: str, columns: Mapping[str, str] | None = None) -> None:
    """Refuse rewards that are missing or not finite, and propensities that are missing or outside (0, 1].

    Parameters
    ----------
    events : polars.DataFrame
        Perhaps with the columns ``reward`` and ``propensity``.
    where : str
        What messages call the events.
    columns : mapping of str to str, optional
        What the columns are called there.

    Raises
    ------
    DataError
        With the first row that is wrong.
    """
    for name, what in (("reward", "a finite number"), ("propensity", "a probability above 0 and up to 1")):
        if name not in events.columns:
            continue
        values, called = events[name], (columns or {}).get(name, name)
        if not values.dtype.is_numeric():
            raise DataError(f"{where}: column '{called}' holds {values.dtype}, not numbers; choose another with {name}=")
        good = (values.is_finite() if name == "reward" else (values > 0) & (values <= 1)).fill_null(False)
        if not good.all():
            row = int((~good).arg_max() or 0)
            found = "nothing" if values[row] is None else f"{values[row]:g}"
            raise DataError(f"{where} row {row + 1}, column '{called}': {found} is not {what}; correct it or leave the row out")
