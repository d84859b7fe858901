"""Frames of video files by their numbers, and facts about a file that are measured, not read from its header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import DataError
from reverie.memory import require_memory
from reverie.video.encoding import write_clip as write_clip
from reverie.video.reading.opening import LIMITS, Limits, Video
from reverie.video.reading.pixels import RgbConverter, choose_shape, shown_size
from reverie.video.reading.timeline import Timeline, measure
from reverie.video.reading.walking import walk

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class VideoFacts:
    """What a video file holds.

    Parameters
    ----------
    frames : int
        Counted.
    fps : float
        Frames a second, the mean over the file; of a single frame what the header says.
    width, height : int
        As it is shown: turned, and with square pixels.
    seconds : float
        From the begin of the first frame to the end of the last.
    has_audio : bool
    rotation : int
        Degrees against the clock by which the stored frames are turned to be shown: 0, 90, 180 or 270.
    """

    frames: int
    fps: float
    width: int
    height: int
    seconds: float
    has_audio: bool
    rotation: int


@dataclass(frozen=True)
class Clip:
    """Frames of a video.

    Parameters
    ----------
    pixels : uint8 [F, H, W, 3]
    facts : VideoFacts
        Of the whole file.
    seconds : float64 [F]
        When each frame is shown.
    lost : int
        How many of them could not be decoded; the last good one before stands in the place of each.
    """

    pixels: NDArray[np.uint8]
    facts: VideoFacts
    seconds: NDArray[np.float64]
    lost: int


def probe(path: str | Path, limits: Limits = LIMITS) -> VideoFacts:
    """Measure a video file; its packets are read, and only a few of its frames decoded.

    Raises
    ------
    DataError
        If it is no video, holds no frame that can be decoded, or is larger than the limits.
    """
    with Video(path, limits) as video:
        return _facts(video, measure(video))


def read_frames(
    path: str | Path,
    indices: ArrayLike | None = None,
    size: int | tuple[int, int] | None = None,
    *,
    limits: Limits = LIMITS,
    threads: int = 1,
) -> NDArray[np.uint8]:
    """Return frames of a video file.

    Parameters
    ----------
    path : path
    indices : int [F], optional
        Numbers of frames, from 0 to ``probe(path).frames - 1``, in any order, also twice; all by default.
    size : int or (height, width), optional
        Frames are scaled to cover it, and the middle is cut out; an int is a square. By default as they are shown.
    limits : Limits
        What is refused as too large.
    threads : int
        Of the decoder.

    Returns
    -------
    uint8 [F, H, W, 3]
        A frame that cannot be decoded is the last good one before it, or the first after it.

    Raises
    ------
    DataError
        If it is no video, holds no frame that can be decoded, has no such frame, or is larger than the limits.
    """
    return read_clip(path, lambda seconds: np.arange(len(seconds)) if indices is None else indices, size, limits, threads).pixels


def read_clip(
    path: str | Path,
    choose: Callable[[NDArray[np.float64]], ArrayLike],
    size: int | tuple[int, int] | None = None,
    limits: Limits = LIMITS,
    threads: int = 1,
) -> Clip:
    """Return frames of a video file that are chosen once it is measured.

    Parameters
    ----------
    path, size, limits, threads
        As of `read_frames`.
    choose : callable
        Times of all frames in seconds, float64 [N] → numbers of frames, int [F].
    """
    with Video(path, limits, threads) as video:
        timeline = measure(video)
        wanted = np.asarray(choose(timeline.seconds), dtype=np.int64)
        if wanted.ndim != 1 or not len(wanted) or wanted.min() < 0 or wanted.max() >= len(timeline):
            raise DataError(f"{path} has frames 0 to {len(timeline) - 1}; ask for some of these")
        shape = choose_shape(video, timeline.first, size)
        needed = len(wanted) * shape.crop_height * shape.crop_width * 3
        require_memory(needed, f"{len(wanted):,} frames of {path}", "ask for fewer or smaller ones")
        different, back = np.unique(wanted, return_inverse=True)
        pixels = np.empty((len(different), shape.crop_height, shape.crop_width, 3), dtype=np.uint8)
        convert, lost = RgbConverter(), 0
        for place, (frame, exact) in enumerate(walk(video, timeline, different)):
            pixels[place] = convert(frame, shape)
            lost += not exact
        same = len(different) == len(wanted) and bool((np.diff(wanted) > 0).all())
        return Clip(pixels if same else pixels[back], _facts(video, timeline), timeline.seconds[wanted], lost)


def _facts(video: Video, timeline: Timeline) -> VideoFacts:
    count, last = len(timeline), float(timeline.seconds[-1])
    stated = float(video.stream.average_rate or video.stream.guessed_rate or 0)
    fps = round((count - 1) / last, 6) if last > 0 else stated
    height, width, turns = shown_size(video, timeline.first)
    seconds = round(last + 1 / fps, 6) if fps else 0.0
    return VideoFacts(count, fps, width, height, seconds, bool(video.container.streams.audio), 90 * turns)
