"""When each frame of a video is shown: measured from its packets, or by decoding it where those do not tell."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError
from reverie.video.reading.opening import Video, import_av

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

_TRIED = 12
"""Frames that are decoded to see whether packets and frames agree."""
_TIMED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""Containers whose packets always tell when frames are shown."""


@dataclass(frozen=True)
class Timeline:
    """The frames of a video in the order they are shown.

    Parameters
    ----------
    marks : int64 [F] or None
        Presentation time of each in units of the stream; None where only counting tells frames apart.
    seconds : float64 [F]
        The same in seconds, from the first frame.
    keys : int64 [M]
        Numbers of the frames that can be decoded without others.
    first : VideoFrame
        The first that can be decoded.
    """

    marks: NDArray[np.int64] | None
    seconds: NDArray[np.float64]
    keys: NDArray[np.int64]
    first: VideoFrame

    def __len__(self) -> int:
        return len(self.seconds)

    def number(self, mark: int | None) -> int:
        """Return the number of the frame with a presentation time, -1 if there is none."""
        if mark is None or self.marks is None:
            return -1
        found = int(np.searchsorted(self.marks, mark))
        return found if found < len(self.marks) and self.marks[found] == mark else -1


def decoded(video: Video) -> Iterator[VideoFrame]:
    """Yield frames from where the file stands, passing over packets that cannot be decoded."""
    av = import_av()
    packets = video.container.demux(video.stream)
    packet = None
    while True:
        try:
            packet = next(packets, None)
            if packet is None:
                return
            frames = packet.decode()
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            if packet is None or packet.size == 0:  # the end: what is left in the decoder is lost
                return
            continue
        yield from (frame for frame in frames if not frame.is_corrupt)


def measure(video: Video) -> Timeline:
    """Find out how many frames there are, and when; the header is not believed. The file stands at its begin afterwards.

    Raises
    ------
    DataError
        If no frame can be decoded, or there are more than allowed.
    """
    marks, keys = _packets(video)
    video.restart()
    begin = list(islice(decoded(video), 1 if video.container.format.name in _TIMED else _TRIED))
    video.restart()
    if not begin:
        raise DataError(f"{video.path} has no frame that can be decoded; replace or remove it")
    seen = [frame.pts for frame in begin]
    ordered = None not in seen and all(a < b for a, b in itertools.pairwise(seen))  # type: ignore[operator] # no None is there
    if marks is not None and len(set(marks)) == len(marks) and ordered and set(seen) <= set(marks):
        found = np.array(sorted(marks), dtype=np.int64)
        seconds = (found - found[0]) * float(video.stream.time_base or 1)
        timeline = Timeline(found, seconds, np.flatnonzero(np.isin(found, keys)), begin[0])
    else:
        timeline = _counted(video, begin[0])
    if timeline.seconds[-1] > video.limits.seconds:
        raise _too_long(video, f"{video.limits.seconds:,.0f} seconds")
    return timeline


def _packets(video: Video) -> tuple[list[int] | None, list[int]]:
    """Return the times of all packets, None where one has none, and those of keyframes."""
    marks: list[int] = []
    keys: list[int] = []
    with contextlib.suppress(import_av().error.FFmpegError):  # a file that was cut off ends there
        for packet in video.container.demux(video.stream):
            if packet.size and not packet.is_discard:
                if packet.pts is None:
                    return None, []
                marks.append(packet.pts)
                keys += [packet.pts] * packet.is_keyframe
                if len(marks) > video.limits.frames:
                    raise _too_long(video, f"{video.limits.frames:,} frames")
    return marks, keys


def _counted(video: Video, first: VideoFrame) -> Timeline:
    """Count frames by decoding all of them."""
    limit, rate = video.limits.frames, float(video.stream.average_rate or video.stream.guessed_rate or 25)
    count = sum(1 for _ in islice(decoded(video), limit + 1))
    video.restart()
    if count > limit:
        raise _too_long(video, f"{limit:,} frames")
    return Timeline(None, np.arange(count) / rate, np.zeros(1, dtype=np.int64), first)


def _too_long(video: Video, what: str) -> DataError:
    return DataError(f"{video.path} is longer than the {what} allowed; cut it into clips")
