"""What is kept of one video file, or why nothing is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError, ReverieError, short
from reverie.video.audio import log_mel
from reverie.video.clip_set import clip_digest
from reverie.video.decoding import read_clip
from reverie.video.preparing.journal import Record
from reverie.video.preparing.options import PrepareOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_LOST = 0.5
"""Share of the chosen frames that may be lost."""


@dataclass(frozen=True)
class Read:
    """What was read of a file.

    Parameters
    ----------
    record : Record
        Without places.
    pixels : uint8 [F, H, W, 3] or None
        None where the file is left out.
    mel : float16 [S, M] or None
        None where there is no sound, or nobody asked.
    """

    record: Record
    pixels: NDArray[np.uint8] | None = None
    mel: NDArray[np.float16] | None = None


def even_frames(seconds: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Choose n frames evenly over time: those shown in the middle of n equal parts of the clip.

    Parameters
    ----------
    seconds : float64 [F]
        When each frame is shown, from 0.
    n : int
        0 chooses all, as does a clip with no more frames.
    """
    count = len(seconds)
    if not n or count <= n:
        return np.arange(count)
    end = seconds[-1] + seconds[-1] / (count - 1)
    middles = (np.arange(n) + 0.5) * end / n
    found: NDArray[np.int64] = np.searchsorted(seconds, middles, side="right") - 1
    return found


def read_file(path: Path, file: str, options: PrepareOptions) -> Read:
    """Read a video file; whatever is wrong with it becomes the reason for which it is left out."""
    try:
        found = path.stat()
    except OSError as error:
        return Read(Record(file, 0, 0, reason=f"cannot be read: {error.strerror}"))
    record = Record(file, found.st_size, found.st_mtime_ns)
    try:
        return _read(path, record, options)
    except ReverieError as error:
        reason = str(error).removeprefix(f"{path} ").partition("; replace or remove it")[0]
    except Exception as error:  # whatever a damaged file makes a decoder do, it must not stop a folder
        reason = f"cannot be decoded ({type(error).__name__}: {error})"
    return Read(replace(record, reason=short(reason, 300)))


def _read(path: Path, record: Record, options: PrepareOptions) -> Read:
    clip = read_clip(path, lambda seconds: even_frames(seconds, options.frames), options.size)
    facts, count = clip.facts, len(clip.pixels)
    if clip.lost > MOST_LOST * count:
        raise DataError(f"{path} is damaged: {clip.lost} of {count} frames cannot be decoded")
    fps = facts.fps if count == facts.frames else count / facts.seconds
    record = replace(
        record, count=count, sha256=clip_digest(clip.pixels), fps=fps, seconds=facts.seconds, frames=facts.frames,
        width=facts.width, height=facts.height, lost=clip.lost,
    )  # fmt: skip
    if not options.audio:
        return Read(record, clip.pixels)
    sound = log_mel(path)
    return Read(replace(record, sound=sound.state), clip.pixels, sound.mel if sound.state == "sound" else None)
