"""Which clip of a prepared folder belongs to which item."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch
from torch import Tensor

from reverie.data.vocabulary import positions
from reverie.errors import DataError
from reverie.seeds import numpy_generator
from reverie.video.audio import BANDS
from reverie.video.item_encoders.config import ClipOptions
from reverie.video.preparing.index import Index, open_prepared, read_index
from reverie.video.sound_set import SoundSet, open_sound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.data.vocabulary import Vocabulary
    from reverie.video.clip_set import ClipSet

SOUNDS = 256
"""Sounds that are heard together where no gradient is wanted."""


class ItemClips:
    """Clips of the items of a vocabulary; files are opened when they are asked for.

    Parameters
    ----------
    folder : path
        Prepared by `reverie.video.prepare`; files that could not be read are not in it.
    vocabulary : Vocabulary
    shuffled : int, optional
        Seed by which items that have a clip are dealt the clips of each other: a control.
    """

    def __init__(self, folder: str | Path, vocabulary: Vocabulary, shuffled: int | None = None) -> None:
        self.folder, self._items, self._shuffled = Path(folder), vocabulary.items, shuffled

    @cached_property
    def _index(self) -> Index:
        if not self.folder.exists():
            raise DataError(
                f"the clips of the items were to be in {self.folder}, and that folder is gone; put it back there, or prepare the "
                f"videos again: reverie video prepare VIDEOS --out {self.folder}"
            )
        return read_index(self.folder)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """Number of each item's clip, -1 where it has none → [N].

        Raises
        ------
        DataError
            If the folder is not prepared, or no item has a clip in it.
        """
        ids = self._index.clips.ids
        rows = positions(self._items, pl.Series(ids))
        if (rows < 0).any():
            named = [PurePath(one).stem for one in ids]
            if len(set(named)) == len(named):
                rows = np.where(rows < 0, positions(self._items, pl.Series(named)), rows)
        if (rows < 0).all():
            raise DataError(
                f"none of {len(rows):,} items has a clip in {self.folder}, e.g. item {self._items[0]!r} among clips such as "
                f"{ids[0]!r}; name clips by the ids of items"
            )
        if self._shuffled is not None:
            ring = numpy_generator(self._shuffled, "shuffled clips").permutation(np.flatnonzero(rows >= 0))
            rows[ring] = rows[np.roll(ring, 1)]
        return rows

    @cached_property
    def clips(self) -> ClipSet:
        """The frames."""
        return open_prepared(self.folder, check=False)

    @cached_property
    def sounds(self) -> SoundSet:
        """The sound."""
        return open_sound(self.folder)

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which items have a clip → [N]."""
        return self.rows >= 0

    @cached_property
    def heard(self) -> NDArray[np.bool_]:
        """Which items have a clip with something to hear on it → [N]; none at all is refused."""
        heard: NDArray[np.bool_] = self.seen & (self.sounds.counts[np.maximum(self.rows, 0)] > 0)
        if not heard.any():
            raise DataError(f"nothing is heard on the clips of {self.folder} that are items'; leave the encoder 'audio' out")
        return heard

    def find_seen(self) -> Tensor:
        """Return `seen` as a tensor."""
        return torch.from_numpy(self.seen)

    def find_heard(self) -> Tensor:
        """Return `heard` as a tensor."""
        return torch.from_numpy(self.heard)


def clips_of(options: ClipOptions, vocabulary: Vocabulary) -> ItemClips:
    """Return the clips that the options of an encoder name."""
    return ItemClips(options.clips, vocabulary, options.seed if options.control == "shuffled" else None)


def padded(sounds: SoundSet, rows: NDArray[np.int64], windows: int, draws: np.random.Generator | None) -> tuple[Tensor, Tensor]:
    """Return log-mel bands of clips that have sound, cut to so many windows, the rest zeros, and how many are real.

    rows [B] → float32 [B, W, 64], int64 [B].
    """
    whole = sounds.counts[rows]
    counts = np.minimum(whole, windows)
    begin = (whole - counts) // 2 if draws is None else draws.integers(0, whole - counts + 1)
    mel = np.zeros((len(rows), int(counts.max(initial=1)), BANDS), np.float32)
    for at, (row, first, count) in enumerate(zip(rows, begin, counts, strict=True)):
        mel[at, :count] = sounds.mel(row)[first : first + count]
    return torch.from_numpy(mel), torch.from_numpy(counts)
