"""Tiny videos that tests write."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def grey(count: int, height: int = 32, width: int = 32, first: int = 20) -> np.ndarray:
    """Frames of one grey each, brighter with time."""
    values = first + 5 * np.arange(count) % 200
    return np.broadcast_to(values.astype(np.uint8)[:, None, None, None], (count, height, width, 3)).copy()


def levels(frames: np.ndarray) -> np.ndarray:
    """Mean of each frame."""
    return frames.reshape(len(frames), -1).mean(1)


def encode(
    path: Path,
    frames: np.ndarray,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    marks: Sequence[int] | None = None,
    rotation: int = 0,
    shape: Fraction | None = None,
    rate: int = 25,
    space: tuple[str, int] | None = None,
    curve: int | None = None,
    sound: tuple[np.ndarray, int] | None = None,
    title: str = "",
) -> None:
    """Write frames with any codec; `marks` are times in 25ths of a second."""
    muxer = {k: v for k, v in (options or {}).items() if k == "movflags"}
    with av.open(str(path), "w", options=muxer) as container:
        stream = container.add_stream(codec, rate=rate, options={k: v for k, v in (options or {}).items() if k not in muxer})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        container.metadata["title"] = title
        if rotation:
            stream.set_display_rotation(rotation)
        if shape:
            stream.codec_context.sample_aspect_ratio = shape
        if space:
            stream.codec_context.colorspace = space[1]
        if curve:
            stream.codec_context.color_trc = curve
        track = container.add_stream("pcm_s16le", rate=sound[1], layout="mono") if sound else None
        for number, pixels_ in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels_, format="rgb24")
            if space:
                frame = frame.reformat(format=pixels, dst_colorspace=space[0])
            if marks:
                frame.pts, frame.time_base = marks[number], Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if sound and track:
            samples = (32767 * sound[0]).astype(np.int16)[None]
            piece = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            piece.sample_rate, piece.pts = sound[1], 0
            container.mux(track.encode(piece))
            container.mux(track.encode())


def tone(frequency: float, seconds: float, rate: int, level: float = 0.5) -> tuple[np.ndarray, int]:
    """A tone as samples and their rate."""
    return level * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate), rate
