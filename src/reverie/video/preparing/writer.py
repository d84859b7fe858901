"""Writes what was read of files: arrays first, then a line of the journal, so that a line always speaks of what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from reverie.video.audio import BANDS
from reverie.video.clip_set import clip_digest
from reverie.video.preparing.growing import GrowingArrays
from reverie.video.preparing.journal import Journal, Record
from reverie.video.preparing.one_clip import Read


class Writer:
    """The arrays and the journal of a folder that is being prepared.

    Parameters
    ----------
    folder : Path
    size : int
        Side of a frame.

    Attributes
    ----------
    done : dict of str to Record
        What is there, by file; of a record whose frames are not whole, or were changed, nothing is left.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self._journal = Journal(folder)
        frames = GrowingArrays(folder, "frames", np.uint8, (size, size, 3), {})
        sounds = GrowingArrays(folder, "sound", np.float16, (BANDS,), {})
        self.done = {
            file: one
            for file, one in self._journal.read().items()
            if (not one.count or _are_same(frames, one))
            and one.sound_start + one.sound_count <= (sounds.rows_there(one.sound_shard) if one.sound_count else one.sound_start)
        }
        self.frames = GrowingArrays(folder, "frames", np.uint8, (size, size, 3), _ends(self.done, ""))
        self.sounds = GrowingArrays(folder, "sound", np.float16, (BANDS,), _ends(self.done, "sound_"))

    def write(self, read: Read) -> Record:
        """Write what was read of a file, and return its record with places."""
        record = read.record
        if read.pixels is not None:
            shard, start = self.frames.append(read.pixels)
            record = replace(record, shard=shard, start=start)
        if read.mel is not None:
            shard, start = self.sounds.append(read.mel)
            record = replace(record, sound_shard=shard, sound_start=start, sound_count=len(read.mel))
        self._journal.append(record)
        self.done[record.file] = record
        return record

    def close(self) -> None:
        """Finish the headers of the arrays."""
        self.frames.close()
        self.sounds.close()


def _are_same(frames: GrowingArrays, one: Record) -> bool:
    """Whether the frames that a record speaks of are there and have its digest."""
    there = one.start + one.count <= frames.rows_there(one.shard)
    return there and clip_digest(frames.read(one.shard, one.start, one.count)) == one.sha256


def _ends(done: Mapping[str, Record], kind: str) -> dict[int, int]:
    """Return how many rows of each array are spoken of."""
    ends: dict[int, int] = {}
    for one in done.values():
        shard, start, count = (getattr(one, f"{kind}{name}") for name in ("shard", "start", "count"))
        if count:
            ends[shard] = max(ends.get(shard, 0), start + count)
    return ends
