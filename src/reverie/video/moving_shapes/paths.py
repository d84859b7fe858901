"""Where the object is in each frame.

Every single frame has the same distribution, whatever the motion: the place is uniform on the frame, which is a torus (what leaves
on one side comes in on the other), and size, angle and phase have one distribution for all. What the class decides is how place and
size go on from frame to frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.video.moving_shapes.config import MovingShapesConfig

Floats = NDArray[np.float64]
DRAWS = 12
"""Uniform numbers that decide a path."""
_GROWING = 0.8
"""Share of a cycle of size in which the object grows; in the rest it shrinks. Shrinking goes through it backwards."""
_TILT = np.pi / 12
"""Greatest angle between a way to the left, right, up or down and the axis."""


@dataclass(frozen=True)
class Paths:
    """Of N objects in F frames, in pixels: centres [N, F, 2] (x, y, y down) and radii [N, F]; the centre of a pixel is at .5."""

    centres: Floats
    radii: Floats


def draw_paths(motions: Sequence[str], draws: Floats, config: MovingShapesConfig) -> Paths:
    """Return paths.

    Parameters
    ----------
    motions : sequence of str
        Of each of N objects.
    draws : ndarray, shape [N, DRAWS]
        Uniform on [0, 1).
    config : MovingShapesConfig
    """
    size, time = config.size, np.arange(config.frames, dtype=np.float64)
    kinds = np.array(motions)
    largest = size * _between(draws[:, 0], *config.radius)
    ratio, cycle, phase = _between(draws[:, 1], 0.45, 0.65), _between(draws[:, 2], 12, 20), draws[:, 3]
    turning = (kinds == "grow") * 1.0 - (kinds == "shrink")
    stage = _sawtooth(phase[:, None] + turning[:, None] * time / cycle[:, None])
    radii = largest[:, None] * ratio[:, None] ** (1 - stage)
    centres = size * ((draws[:, None, 4:6] + _ways(kinds, draws[:, 6:], time, config)) % 1)
    return Paths(np.floor(centres * 64) / 64, np.floor(radii * 64) / 64)


def _ways(kinds: NDArray[np.str_], draws: Floats, time: Floats, config: MovingShapesConfig) -> Floats:
    """Return where objects are from their start, in widths of a frame; kinds [N], draws [N, 6], time [F] → [N, F, 2]."""
    speed, tilt = _between(draws[:, 0], *config.speed), _between(draws[:, 1], -_TILT, _TILT)
    wide, cycle, phase = draws[:, 2], draws[:, 3], draws[:, 4]
    straight = speed[:, None] * time
    out = np.zeros((len(kinds), len(time), 2))
    for kind, axis in {"right": 0.0, "down": 0.5, "left": 1.0, "up": 1.5}.items():
        mine = kinds == kind
        out[mine] = straight[mine, :, None] * _unit(tilt[mine] + np.pi * axis)[:, None]
    for kind, sign in {"clockwise": 1, "anticlockwise": -1}.items():
        mine = kinds == kind
        angle = 2 * np.pi * (phase[mine, None] + sign * time / _between(cycle[mine, None], 10, 18))
        out[mine] = _between(wide[mine], 0.1, 0.2)[:, None, None] * _unit(angle)
    mine = kinds == "zigzag"
    along = _unit(2 * np.pi * draws[mine, 5])
    across = np.stack([-along[:, 1], along[:, 0]], -1)
    wave = np.abs(2 * ((phase[mine, None] + time / _between(cycle[mine, None], 6, 9)) % 1) - 1)
    swing = _between(wide[mine, None], 0.1, 0.2) * wave
    out[mine] = straight[mine, :, None] * along[:, None] + swing[..., None] * across[:, None]
    mine = kinds == "bounce"
    flight = (phase[mine, None] + time / _between(cycle[mine, None], 7, 11)) % 1
    out[mine, :, 1] = -_between(wide[mine, None], 0.15, 0.3) * 4 * flight * (1 - flight)
    out[mine, :, 0] = straight[mine] * (draws[mine, 5, None] - 0.5)
    return out


def _sawtooth(phase: Floats) -> Floats:
    """Return a wave from 0 to 1 that rises slowly and falls fast; of a uniform phase it is uniform."""
    phase = phase % 1
    return np.where(phase < _GROWING, phase / _GROWING, (1 - phase) / (1 - _GROWING))


def _unit(angle: Floats) -> Floats:
    """Return vectors of length one; [...] → [..., 2]."""
    return np.stack([np.cos(angle), np.sin(angle)], -1)


def _between(draw: Floats, low: float, high: float) -> Floats:
    """Return numbers between two, of numbers between 0 and 1."""
    return low + (high - low) * draw
