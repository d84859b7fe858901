"""Opening a video: local files of known containers only, within limits, and one sentence for what is wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.documents import regular
from reverie.errors import ConfigError, DataError, short

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_CONTAINERS = (
    "mov mp4 m4a 3gp 3g2 mj2 matroska webm avi mpeg mpegts mpegvideo m4v h264 hevc av1 ivf obu flv asf ogg gif apng yuv4mpegpipe "
    "mxf nut dv rm vc1"
)
"""Containers that hold their frames themselves: a playlist could name other files, or addresses."""


@dataclass(frozen=True)
class Limits:
    """What a video may have; beyond it is refused before memory is taken.

    Parameters
    ----------
    pixels : int
        Of a frame.
    frames : int
    seconds : float
    """

    pixels: int = 7680 * 4320
    frames: int = 500_000
    seconds: float = 6 * 3600.0


LIMITS = Limits()


@contextlib.contextmanager
def open_container(path: str | Path) -> Iterator[InputContainer]:
    """Open a local file; addresses, playlists and what is no video are refused.

    Raises
    ------
    ConfigError
        If PyAV is not installed.
    DataError
        If the file is missing or cannot be read.
    """
    av = import_av()
    file = regular(path).absolute()
    options = {"format_whitelist": ",".join(_CONTAINERS.split()), "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{file}", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        reason = short(getattr(error, "strerror", None) or str(error))
        if file.stat().st_size == 0:
            reason = "it is empty"
        elif isinstance(error, av.error.ArgumentError):
            reason = "its container is none of those that are read"
        raise DataError(f"{path} is no video that can be read ({reason}); replace or remove it") from error
    with container:
        yield container


class Video:
    """An open file and its first stream of moving pictures; pictures on a cover are none. Close it, or use it in a ``with``.

    Parameters
    ----------
    path : path
    limits : Limits
    threads : int
        Of the decoder.

    Raises
    ------
    ConfigError
        If PyAV is not installed.
    DataError
        If there is no such stream, its codec is not known, or its frames are too large.
    """

    container: InputContainer
    stream: VideoStream

    def __init__(self, path: str | Path, limits: Limits = LIMITS, threads: int = 1) -> None:
        self.path, self.limits, self._threads = path, limits, threads
        self._opened = contextlib.ExitStack()
        self.restart()

    def restart(self) -> None:
        """Open the file anew, so that the first frame comes next; not all containers can be sought in."""
        self.close()
        with contextlib.ExitStack() as opened:
            self.container = opened.enter_context(open_container(self.path))
            self.stream = self._moving()
            self._opened = opened.pop_all()

    def _moving(self) -> VideoStream:
        path, limits, av = self.path, self.limits, import_av()
        cover = av.stream.Disposition.attached_pic
        moving = [stream for stream in self.container.streams.video if not stream.disposition & cover]
        if not moving:
            held = "sound only" if self.container.streams.audio else "no frames"
            raise DataError(f"{path} holds {held}, not a video; replace or remove it")
        codec: Any = moving[0].codec_context
        if codec is None:
            raise DataError(f"{path} is encoded with a codec that this build of PyAV does not know; convert it, to H.264 for one")
        if codec.width * codec.height > limits.pixels:
            size = f"{codec.width} x {codec.height} pixels"
            raise DataError(f"{path} has frames of {size}, more than the {limits.pixels:,} allowed; scale it down")
        codec.thread_count = self._threads
        codec.flags |= av.codec.context.Flags.bitexact
        codec.options = {"max_pixels": str(limits.pixels)}
        return moving[0]

    def close(self) -> None:
        """Close the file."""
        self._opened.close()

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def import_av() -> Any:
    """Return PyAV, silent about what it thinks of files."""
    try:
        import av
    except ImportError:
        raise ConfigError("videos need PyAV, which is not installed; pip install 'reverie[video]'") from None
    return av
