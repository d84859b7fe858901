"""CIFAR-10 and STL-10 in their publishers' binary files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from reverie.contrast.image.images import Images
from reverie.errors import DataError

CLASSES = 10


def read_cifar(paths: list[Path]) -> Images:
    """Read CIFAR-10: records of a label byte, then 32 x 32 red, green and blue bytes, row by row."""
    records = np.concatenate([_bytes(path, 1 + 3 * 32 * 32) for path in paths])
    if (records[:, 0] >= CLASSES).any():
        raise DataError(f"{paths[0].parent}: a label is {records[:, 0].max()}, not one of 0 to 9; fetch the files again")
    pixels = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32))
    return Images(pixels, torch.from_numpy(records[:, 0].astype(np.int64)))


def read_stl(pixels: Path, labels: Path | None) -> Images:
    """Read STL-10: 96 x 96 red, green and blue bytes, column by column, and labels from 1 in a file of their own."""
    columns = torch.from_numpy(_bytes(pixels, 3 * 96 * 96)).view(-1, 3, 96, 96)
    if labels is None:
        return Images(columns.transpose(2, 3), torch.full((len(columns),), -1))
    known = _bytes(labels, 1)[:, 0].astype(np.int64) - 1
    if len(known) != len(columns):
        raise DataError(f"{labels} has {len(known)} labels for the {len(columns)} images of {pixels.name}; fetch both again")
    if ((known < 0) | (known >= CLASSES)).any():
        raise DataError(f"{labels} has labels outside 1 to {CLASSES}; fetch the file again")
    return Images(columns.transpose(2, 3), torch.from_numpy(known))


def _bytes(path: Path, record: int) -> np.memmap[tuple[int, int], np.dtype[np.uint8]]:
    """Return the records of a file, [N, record]; what is written to them does not reach the file."""
    size = path.stat().st_size
    if size == 0 or size % record:
        raise DataError(f"{path} has {size} bytes, which is no whole number of records of {record}; fetch the file again")
    return np.memmap(path, dtype=np.uint8, mode="c", shape=(size // record, record))
