"""DreamRec's Zhihu files: one row a prefix, from which the sequences are rebuilt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.data.sources.entry import Loaded
from reverie.data.sources.files import found
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

PADDING = 4838
"""Stands in a history where there is no item; the items are 0..4837."""

FILES = {"train": "train_data.parquet", "valid": "val_data.parquet", "test": "test_data.parquet"}


def zhihu(folder: Path) -> Loaded:
    """Rebuild the sequences of the three parts.

    Parameters
    ----------
    folder : path
        With ``train_data.parquet``, ``val_data.parquet`` and ``test_data.parquet``: columns ``seq`` (10 items, padded on the
        right), ``seq_len`` and ``tgt``.

    Returns
    -------
    Loaded
        A user is a sequence, numbered through train, valid and test; column ``part`` says which.

    Raises
    ------
    DataError
        If the rows are not the prefixes of sequences.
    """
    parts, first = [], 0
    for part, name in FILES.items():
        path = found(folder, name)
        frame = pl.read_parquet(path)
        targets = frame["tgt"].to_numpy().astype(np.int64)
        sequence = rebuild(frame["seq"].list.to_array(10).to_numpy(), frame["seq_len"].to_numpy(), targets, str(path))
        parts.append(pl.DataFrame({"user": sequence + first, "item": targets, "part": [part] * len(targets)}))
        first += int(sequence[-1]) + 1
    events = pl.concat(parts)
    return Loaded(events, pl.DataFrame({"item": events["item"].head(0)}), "source")


def rebuild(
    histories: NDArray[np.int64], lengths: NDArray[np.int64], targets: NDArray[np.int64], where: str, padding: int = PADDING
) -> NDArray[np.int64]:
    """Return which sequence each row belongs to, and check that every history holds the targets before it.

    Parameters
    ----------
    histories : ndarray, shape [rows, width]
        The last `width` items before the target, padded on the right.
    lengths : ndarray, shape [rows]
        Their number; an empty history is written as 1.
    targets : ndarray, shape [rows]
        The next item.
    where : str
        The file, for messages.
    padding : int
        What stands for no item.

    Returns
    -------
    ndarray, shape [rows], int64
        Numbers from 0; a sequence begins at each row with an empty history.

    Raises
    ------
    DataError
        Names the first row that does not continue its sequence.
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
