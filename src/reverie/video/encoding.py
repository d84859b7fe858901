"""Writing a clip as a video file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.errors import ConfigError, DataError
from reverie.files import atomic_path
from reverie.video.reading.opening import import_av

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi"}


def check_video_name(path: str | Path) -> str:
    """Return the end of the name of a video to write; refuse another one, and a folder."""
    suffix = Path(path).suffix.lower()
    if suffix not in _CONTAINERS:
        raise ConfigError(f"{path}: videos are written as {', '.join(_CONTAINERS)}; choose one of these ends for the name")
    if Path(path).is_dir():
        raise ConfigError(f"{path} is a folder; choose another name for the video")
    return suffix


def write_clip(path: str | Path, frames: NDArray[np.uint8], fps: float) -> None:
    """Write a clip as H.264, or as MPEG-4 where this build of PyAV lacks an encoder for that; the file is whole or absent.

    Parameters
    ----------
    path : path
        Ends in ``.mp4``, ``.m4v``, ``.mov``, ``.mkv`` or ``.avi``.
    frames : uint8 [F, H, W, 3]
        Where height or width is odd, the last row or column is written twice: these codecs want even numbers.
    fps : float

    Raises
    ------
    ConfigError
        If the end of the name is another one, or it is that of a folder.
    DataError
        If there are no such frames, or they cannot be encoded.
    """
    av = import_av()
    suffix = check_video_name(path)
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or not frames.size:
        raise DataError(f"{path}: frames must be uint8 [F, H, W, 3], not {frames.dtype} {list(frames.shape)}")
    if not 0.01 <= fps <= 1000:
        raise DataError(f"{path}: {fps} frames a second cannot be written; choose 0.01 to 1000")
    even = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
    known = av.codec.codecs_available  # without its macroblock tree x264 writes the same bytes again
    name, options = ("libx264", {"crf": "16", "x264-params": "mbtree=0"}) if "libx264" in known else ("mpeg4", {"q:v": "2"})
    with atomic_path(path) as temporary:
        try:
            with av.open(str(temporary), "w", format=_CONTAINERS[suffix], options={"fflags": "bitexact"}) as container:
                stream = container.add_stream(name, rate=Fraction(fps).limit_denominator(1000), options=options)
                stream.height, stream.width, stream.pix_fmt = even.shape[1], even.shape[2], "yuv420p"
                stream.codec_context.thread_count = 1
                for pixels in even:
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")))
                container.mux(stream.encode())
        except (av.error.FFmpegError, ValueError) as error:
            raise DataError(f"{path} cannot be encoded ({error}); choose another size or number of frames a second") from error
