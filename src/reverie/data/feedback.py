"""What is known of an event beside who, what and when: its kind, its reward, and the propensity of its item."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from reverie.errors import DataError

FEEDBACK = ("kind", "reward", "propensity")
"""Columns that are no part of a dataset's SHA-256; they have a digest of their own."""

_ALLOWED: Mapping[str, tuple[str, Callable[[pl.Series], pl.Series]]] = {
    "reward": ("a finite number", lambda values: values.is_finite()),
    "propensity": ("a probability above 0 and up to 1", lambda values: (values > 0) & (values <= 1)),
    "weight": ("a finite number of 0 or more", lambda values: values.is_finite() & (values >= 0)),
}


def check_feedback(events: pl.DataFrame, where: str, columns: Mapping[str, str] | None = None) -> None:
    """Refuse rewards and weights that are missing or not finite, weights below 0, and propensities outside (0, 1].

    Parameters
    ----------
    events : polars.DataFrame
        Perhaps with the columns ``reward``, ``propensity`` and ``weight``.
    where : str
        What messages call the events.
    columns : mapping of str to str, optional
        What the columns are called there.

    Raises
    ------
    DataError
        With the first row that is wrong.
    """
    for name, (what, inside) in _ALLOWED.items():
        if name not in events.columns:
            continue
        values, called = events[name], (columns or {}).get(name, name)
        if not values.dtype.is_numeric():
            raise DataError(f"{where}: column '{called}' holds {values.dtype}, not numbers; choose another with {name}=")
        good = inside(values).fill_null(False)
        if not good.all():
            row = int((~good).arg_max() or 0)
            found = "nothing" if values[row] is None else f"{values[row]:g}"
            raise DataError(f"{where} row {row + 1}, column '{called}': {found} is not {what}; correct it or leave the row out")
