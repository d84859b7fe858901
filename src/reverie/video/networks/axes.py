"""How a layer lays out its output, and how a feature map [B, T', C, H', W'] is made of it.

Layouts are written as letters, merged axes in brackets: ``btchw``, ``bcthw``, ``bthwc``; of frames ``(bt)chw``, ``(bt)hwc``; of
tokens ``b(thw)c``, ``b(hwt)c`` (time runs fastest), ``(bt)(hw)c``. Tokens that stand before those of places, such as a class token,
are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from reverie.errors import ConfigError, unknown

Layout = Literal["btchw", "bcthw", "bthwc", "(bt)chw", "(bt)hwc", "b(thw)c", "b(hwt)c", "(bt)(hw)c"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
_VOLUMES = {"btchw": (0, 1, 2, 3, 4), "bcthw": (0, 2, 1, 3, 4), "bthwc": (0, 1, 4, 2, 3)}
"""Axes of the output in the order of a feature map."""
_FRAMES = {"(bt)chw": (2, 3), "(bt)hwc": (1, 2)}
"""Axes of height and width."""


def _dimensions(layout: str) -> int:
    """Return how many axes an output of a layout has."""
    return 5 if layout in _VOLUMES else 4 if layout in _FRAMES else 3


@dataclass(frozen=True)
class Axes:
    """What a layer's output is like.

    Parameters
    ----------
    layout : str
        One of `LAYOUTS`.
    time_stride : int
        T / T'.
    extra : int
        Tokens before those of places.
    """

    layout: str
    time_stride: int
    extra: int = 0

    def feature_map(self, output: Tensor, frames: int, height: int, width: int) -> Tensor:
        """Return the output of clips of some frames, height and width as [B, T', C, H', W']."""
        times = -(-frames // self.time_stride)
        if self.layout in _VOLUMES:
            return output.permute(_VOLUMES[self.layout])
        if self.layout in _FRAMES:
            apart = output.reshape(-1, times, *output.shape[1:])
            return apart if self.layout == "(bt)chw" else apart.movedim(4, 2)
        tokens = output[:, self.extra :]
        if self.layout == "(bt)(hw)c":
            tokens = tokens.reshape(-1, times * tokens.shape[1], tokens.shape[2])
        count = tokens.shape[1] // times
        high = round(math.sqrt(count * height / width))
        if high == 0 or times * high * (count // high) != tokens.shape[1]:
            raise ConfigError(
                f"{tokens.shape[1]} tokens are no {times} times of places in rows and columns; give the layout and extra"
            )
        if self.layout == "b(hwt)c":
            return tokens.unflatten(1, (high, count // high, times)).permute(0, 3, 4, 1, 2)  # type: ignore[no-untyped-call,no-any-return]
        return tokens.unflatten(1, (times, high, count // high)).permute(0, 1, 4, 2, 3)  # type: ignore[no-untyped-call,no-any-return]


def known_axes(layout: str, shape: tuple[int, ...], clips: int, frames: int, extra: int | None) -> Axes:
    """Return the axes of an output whose layout is known; of its tokens, how many stand before those of places is found."""
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    if len(shape) != _dimensions(layout):
        raise ConfigError(
            f"a layer whose output has the shape {list(shape)} has not the layout {layout}; give another one, or auto"
        )
    if layout in _VOLUMES:
        return Axes(layout, _stride(frames, shape[_VOLUMES[layout][1]]))
    if layout.startswith("(bt)"):
        times = shape[0] // clips
        squares = [
            spare for spare in range(6) if layout == "(bt)(hw)c" and math.isqrt(shape[1] - spare) ** 2 == shape[1] - spare > 0
        ]
        return Axes(layout, _stride(frames, times), (squares or [0])[0] if extra is None else extra)
    for spare in range(6) if extra is None else (extra,):
        for times in (frames // step for step in range(1, frames + 1) if frames % step == 0):
            places, rest = divmod(shape[1] - spare, times)
            if rest == 0 and places > 0 and math.isqrt(places) ** 2 == places:
                return Axes(layout, frames // times, spare)
    raise ConfigError(
        f"{shape[1]} tokens of {frames} frames are no squares of places; give extra=, the number of tokens before those of places"
    )


def _stride(frames: int, times: int) -> int:
    """Return the time stride that makes so many times of so many frames."""
    if not 1 <= times <= frames:
        raise ConfigError(f"a layer has {times} times for {frames} frames; give another layer, or its layout")
    return -(-frames // times)


def found_axes(shape: tuple[int, ...], clips: int, frames: int, longer: tuple[int, ...] | None, extra: int | None = None) -> Axes:
    """Return the axes of an output, by its shape for square clips, and where there is one by that for twice the frames.

    Of several possible readings the one with most times is taken; where channels cannot be told from times, it asks for the layout.
    """
    readings = []
    for layout in LAYOUTS:
        if layout == "b(hwt)c" or len(shape) != _dimensions(layout) or (layout[0] == "b") != (shape[0] == clips):
            continue
        space = _VOLUMES[layout][3:] if layout in _VOLUMES else _FRAMES.get(layout, ())
        if space and shape[space[0]] != shape[space[1]]:
            continue
        time = _VOLUMES[layout][1] if layout in _VOLUMES else 0
        grows = longer is None or len(shape) == 3 or longer[time] > shape[time]
        if grows and (layout not in _VOLUMES or shape[time] <= frames):
            readings.append(layout)
    if len(readings) != 1:
        what = " or ".join(readings) if readings else "none that is known"
        raise ConfigError(
            f"the layout of an output of shape {list(shape)} could be {what}; give layout=, one of {', '.join(LAYOUTS)}"
        )
    return known_axes(readings[0], shape, clips, frames, extra)
