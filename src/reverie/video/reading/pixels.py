"""A decoded frame as RGB of the size that is asked for: rotation, pixel shape, interlacing, and many kinds of colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.errors import DataError
from reverie.video.reading import hdr
from reverie.video.reading.opening import Video, import_av

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

_HIGH_DEFINITION = 576
"""Lines above which colours that are not described are taken as BT.709, as players do; below as BT.601."""


@dataclass(frozen=True)
class Shape:
    """How frames are brought to one size.

    Parameters
    ----------
    turns : int
        Quarter turns against the clock.
    height, width : int
        Of the whole picture, turned and scaled.
    top, left : int
        Where the crop begins.
    crop_height, crop_width : int
        What comes out.
    """

    turns: int
    height: int
    width: int
    top: int
    left: int
    crop_height: int
    crop_width: int


def shown_size(video: Video, frame: VideoFrame) -> tuple[int, int, int]:
    """Return height and width of a frame as it is shown, and its quarter turns against the clock."""
    ratio = float(video.stream.sample_aspect_ratio or video.stream.codec_context.sample_aspect_ratio or 1)
    height, width = frame.height, round(frame.width * ratio) if 1 / 8 <= ratio <= 8 else frame.width
    turns = round(frame.rotation / 90) % 4
    return (width, height, turns) if turns % 2 else (height, width, turns)


def choose_shape(video: Video, frame: VideoFrame, size: int | tuple[int, int] | None) -> Shape:
    """Choose how the frames of a video become the size that is asked for.

    Parameters
    ----------
    video : Video
    frame : VideoFrame
    size : int, (height, width) or None
        Frames are scaled until they cover it, and the middle is cut out; an int is a square, None leaves them as they are shown.

    Raises
    ------
    DataError
        If a frame is so long and thin that it would be too large.
    """
    height, width, turns = shown_size(video, frame)
    if size is None:
        return Shape(turns, height, width, 0, 0, height, width)
    crop_height, crop_width = (size, size) if isinstance(size, int) else size
    scale = max(crop_height / height, crop_width / width)
    height, width = max(crop_height, round(height * scale)), max(crop_width, round(width * scale))
    if height * width > max(video.limits.pixels, 4 * crop_height * crop_width):
        raise DataError(f"{video.path} is too long and thin to cut out {crop_width} x {crop_height} pixels; crop it first")
    return Shape(turns, height, width, (height - crop_height) // 2, (width - crop_width) // 2, crop_height, crop_width)


class RgbConverter:
    """Turns the frames of one video into RGB; it keeps what the scaler has computed."""

    def __init__(self) -> None:
        av = import_av()
        self._video_frame = av.VideoFrame
        self._reformatter = av.video.reformatter.VideoReformatter()
        exact = av.video.reformatter.Interpolation
        self._smaller = exact.AREA | exact.ACCURATE_RND | exact.BITEXACT
        self._larger = exact.BILINEAR | exact.ACCURATE_RND | exact.BITEXACT

    def __call__(self, frame: VideoFrame, shape: Shape) -> NDArray[np.uint8]:
        """Return a frame as it is shown → uint8 [crop_height, crop_width, 3].

        Of an interlaced frame the first field alone is taken. Of high dynamic range, what is brighter than paper is compressed.
        """
        turned = shape.turns % 2
        height, width = (shape.width, shape.height) if turned else (shape.height, shape.width)
        if frame.color_trc in hdr.CURVES:
            pixels = hdr.to_srgb(self._scaled(frame, height, width, "rgb48le"), frame.color_trc)
        elif frame.interlaced_frame and frame.height >= 4:
            field = np.ascontiguousarray(self._scaled(frame, frame.height, width, "rgb24")[::2])
            pixels = self._scaled(self._video_frame.from_ndarray(field, format="rgb24"), height, width, "rgb24")
        else:
            pixels = self._scaled(frame, height, width, "rgb24")
        top, left = shape.top, shape.left
        return np.rot90(pixels, shape.turns)[top : top + shape.crop_height, left : left + shape.crop_width]

    def _scaled(self, frame: VideoFrame, height: int, width: int, format: str) -> NDArray[Any]:
        larger = height * width > frame.height * frame.width
        made = self._reformatter.reformat(
            frame, width, height, format, src_colorspace=_matrix(frame), src_color_range=frame.color_range or None, threads=1,
            dst_color_range=2, interpolation=self._larger if larger else self._smaller,
        )  # fmt: skip
        pixels: NDArray[Any] = made.to_ndarray()
        return pixels


def _matrix(frame: VideoFrame) -> int:
    """Return the scaler's number of the matrix that made luma and chroma."""
    known = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
    return known.get(int(frame.colorspace), 1 if frame.height > _HIGH_DEFINITION else 5)
