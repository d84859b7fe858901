"""The way through a file to some of its frames: on and on, or by jumps to keyframes where that is shorter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError
from reverie.video.reading.opening import Video, import_av
from reverie.video.reading.timeline import Timeline, decoded

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

_JUMP = 12
"""Frames that a jump costs: what the decoder must take in before it gives the first one."""


def walk(video: Video, timeline: Timeline, wanted: NDArray[np.int64]) -> Iterator[tuple[VideoFrame, bool]]:
    """Yield frames by number, and whether it is that frame or stands for one that cannot be decoded.

    Parameters
    ----------
    video : Video
        At its begin.
    timeline : Timeline
    wanted : int64 [F]
        Rising.
    """
    done = 0
    for begin, numbers in _stretches(timeline, wanted):
        if begin:
            found = list(_after_jump(video, timeline, begin, numbers))
            if len(found) < len(numbers):  # it did not arrive: the rest without jumps
                video.restart()
                yield from _onwards(video, timeline, wanted[done:])
                return
            yield from ((frame, True) for frame in found)
        else:
            yield from _onwards(video, timeline, numbers)
        done += len(numbers)


def _stretches(timeline: Timeline, wanted: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    """Divide the wanted frames into stretches that are decoded in one go, each with the keyframe it begins at, 0 for the begin."""
    if timeline.marks is None or not len(timeline.keys):
        return [(0, wanted)]
    keys = timeline.keys[np.maximum(np.searchsorted(timeline.keys, wanted, side="right") - 1, 0)]
    before = np.concatenate([[0], wanted[:-1]])
    jumps = np.flatnonzero(keys > before + _JUMP)
    parts = np.split(wanted, jumps)
    begins = [0, *(int(keys[jump]) for jump in jumps)]
    return [(begin, part) for begin, part in zip(begins, parts, strict=True) if len(part)]


def _after_jump(video: Video, timeline: Timeline, key: int, numbers: NDArray[np.int64]) -> Iterator[VideoFrame]:
    """Yield frames after a jump to a keyframe, as long as each is exactly the wanted one."""
    assert timeline.marks is not None  # noqa: S101
    try:
        video.container.seek(int(timeline.marks[key]), stream=video.stream, backward=True)
    except import_av().error.FFmpegError:
        return
    place = 0
    for frame in decoded(video):
        number = timeline.number(frame.pts)
        if number < 0 or number > numbers[place]:
            return
        if number == numbers[place]:
            yield frame
            place += 1
            if place == len(numbers):
                return


def _onwards(video: Video, timeline: Timeline, numbers: NDArray[np.int64]) -> Iterator[tuple[VideoFrame, bool]]:
    """Yield frames without jumps, from the begin; a lost one is the last good one before it, or the first."""
    place, last = 0, None
    for count, frame in enumerate(decoded(video)):
        number = count if timeline.marks is None else timeline.number(frame.pts)
        if number < 0:
            continue
        while place < len(numbers) and numbers[place] < number:
            yield (last or frame), False
            place += 1
        if place < len(numbers) and numbers[place] == number:
            yield frame, True
            place += 1
        if place == len(numbers):
            return
        last = frame
    if last is None:
        raise DataError(f"{video.path} has no frame that can be decoded; replace or remove it")
    for _ in numbers[place:]:
        yield last, False
