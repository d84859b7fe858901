"""Rebuilding sequences from files with one row for each prefix (DreamRec, LLaRA), with a check of every history."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def rebuild(
    histories: NDArray[np.int64], lengths: NDArray[np.int64], targets: NDArray[np.int64], where: str, padding: int
) -> NDArray[np.int64]:
    """Return which sequence each row belongs to, and check that every history holds the targets before it.

    histories [rows, width], lengths [rows], targets [rows] → [rows].
    """
    rows = np.arange(len(targets))
    begins = (histories == padding).all(axis=1)
    sequence = np.cumsum(begins) - 1
    if not len(begins) or not begins[0]:
        raise DataError(f"{where} row 1 does not begin a sequence; fetch the file again")
    past = rows - np.flatnonzero(begins)[sequence]
    length = np.minimum(past, histories.shape[1])
    steps = np.arange(histories.shape[1])
    inside = steps < length[:, None]
    expected = np.where(inside, targets[np.where(inside, (rows - length)[:, None] + steps, 0)], padding)
    good = (histories == expected).all(axis=1) & (lengths == np.maximum(length, 1))
    if not good.all():
        raise DataError(f"{where} row {int(np.argmin(good)) + 1} does not continue the sequence above it; fetch the file again")
    return sequence
