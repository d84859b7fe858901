"""Frames of many clips, end to end in a few uint8 arrays: in memory, or ``.npy`` files mapped into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.documents import regular
from reverie.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Shards:
    """Where the frames of each clip lie.

    Parameters
    ----------
    arrays : tuple of uint8 [M, H, W, 3]
        Frames of one size; M may differ.
    shard : int64 [N]
        Array of each clip.
    start : int64 [N]
        Its first frame there.
    """

    arrays: tuple[NDArray[np.uint8], ...]
    shard: NDArray[np.int64]
    start: NDArray[np.int64]

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width of a frame."""
        height, width = self.arrays[0].shape[1:3]
        return int(height), int(width)

    def clip(self, i: int, count: int) -> NDArray[np.uint8]:
        """Return the frames of a clip as a view → uint8 [count, H, W, 3]."""
        start = int(self.start[i])
        return self.arrays[int(self.shard[i])][start : start + count]

    def gather(self, clips: NDArray[np.int64], frames: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return frames by clip and number; clips [B], frames [B, T] → uint8 [B, T, H, W, 3]."""
        rows = self.start[clips][:, None] + frames
        if len(self.arrays) == 1:
            return np.asarray(np.take(self.arrays[0], rows, axis=0))
        held = self.shard[clips]
        out = np.empty((*rows.shape, *self.arrays[0].shape[1:]), dtype=np.uint8)
        for number in np.unique(held):
            mine = held == number
            out[mine] = np.take(self.arrays[number], rows[mine], axis=0)
        return out

    def subset(self, kept: NDArray[np.int64]) -> Shards:
        """Return the places of some clips; kept [M]."""
        return Shards(self.arrays, self.shard[kept], self.start[kept])


def open_shards(paths: Sequence[Path], size: tuple[int, int]) -> tuple[NDArray[np.uint8], ...]:
    """Map shards into memory; all must hold uint8 frames of one size.

    Parameters
    ----------
    paths : sequence of Path
    size : (height, width)

    Raises
    ------
    DataError
        If a file is missing, cut off or of another kind.
    """
    arrays = []
    for path in paths:
        try:
            array = np.load(regular(path), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{path} cannot be read as an array of frames ({error}); delete {path.parent} and prepare it again"
            ) from error
        if array.dtype != np.uint8 or array.shape[1:] != (*size, 3):
            raise DataError(
                f"{path} does not hold frames of {size[1]} x {size[0]} pixels; delete {path.parent} and prepare it again"
            )
        arrays.append(array)
    return tuple(arrays)
