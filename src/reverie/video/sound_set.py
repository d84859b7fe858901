"""The sound of a prepared folder's clips, as log-mel bands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.documents import regular
from reverie.errors import DataError
from reverie.video.audio import BANDS
from reverie.video.preparing.index import INDEX, read_index

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class SoundSet:
    """Log-mel bands by clip; N clips as in the `ClipSet` of the same folder.

    Parameters
    ----------
    ids : tuple of str
    states : tuple of str
        ``sound``, ``silent`` or ``none`` (no track that can be decoded).
    counts : int64 [N]
        Windows of each clip, a hundred a second; 0 but for ``sound``.
    arrays : tuple of float16 [M, 64]
    shard, start : int64 [N]
        Where the bands of each clip are.
    """

    ids: tuple[str, ...]
    states: tuple[str, ...]
    counts: NDArray[np.int64]
    arrays: tuple[NDArray[np.float16], ...]
    shard: NDArray[np.int64]
    start: NDArray[np.int64]

    def mel(self, i: int) -> NDArray[np.float16]:
        """Return the bands of a clip, a view on what is stored → float16 [S, 64]; S is 0 where there is nothing to hear."""
        if not self.counts[i]:
            return np.zeros((0, BANDS), dtype=np.float16)
        start = int(self.start[i])
        return self.arrays[int(self.shard[i])][start : start + int(self.counts[i])]


def open_sound(folder: str | Path) -> SoundSet:
    """Open the sound of a folder that was prepared with it.

    Raises
    ------
    DataError
        If the folder was prepared without sound, or its files are not whole.
    """
    folder = Path(folder)
    index = read_index(folder)
    clips = index.clips
    if not all(clips.sound):
        raise DataError(f"{folder} was prepared without sound; run: reverie video prepare {index.source} --audio --out ANOTHER")
    arrays = []
    for name in index.sound_shards:
        try:
            array = np.load(regular(folder / name), mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{folder / name} cannot be read as an array ({error}); delete {folder} and prepare it again"
            ) from error
        if array.dtype != np.float16 or array.shape[1:] != (BANDS,):
            raise DataError(f"{folder / name} holds no log-mel bands; delete {folder} and prepare it again")
        arrays.append(array)
    shard, start, counts = (np.array(one, dtype=np.int64) for one in (clips.sound_shard, clips.sound_start, clips.sound_count))
    rows = np.array([len(array) for array in arrays] or [0])
    outside = (shard < 0) | (shard >= len(rows)) | (start < 0) | (counts < 0)
    if outside.any() or (start + counts > rows[shard])[counts > 0].any():
        raise DataError(f"{folder / INDEX} names sound that is not there; delete {folder} and prepare it again")
    return SoundSet(tuple(clips.ids), tuple(clips.sound), counts, tuple(arrays), shard, start)
