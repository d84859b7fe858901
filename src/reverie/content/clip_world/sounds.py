"""Sound tracks: the kind decides how pitch and loudness go on, chance decides pitch, phase, loudness and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.content.clip_world.config import SOUNDS
from reverie.video.audio import RATE

__all__ = ["SOUNDS", "draw_sounds"]
DRAWS = 6
"""Uniform numbers that decide a track."""


def draw_sounds(kinds: list[str], draws: NDArray[np.float64], seconds: float) -> NDArray[np.float32]:
    """Return sound tracks of one channel.

    ``rising`` and ``falling`` glide over an octave and a half, one backwards what the other is forwards; ``low`` and ``high`` stay;
    ``trill`` goes to and fro between two tones; ``slow-pulse`` and ``fast-pulse`` are a tone that comes and goes; ``noise`` has no
    tone. A mean over time tells ``low`` from ``high``, and cannot tell ``rising`` from ``falling``.

    Parameters
    ----------
    kinds : list of str
        Of N tracks; "" is silence.
    draws : ndarray, shape [N, DRAWS]
        Uniform on [0, 1).
    seconds : float

    Returns
    -------
    ndarray, shape [N, seconds * RATE], float32
        In [-1, 1].
    """
    time = np.arange(round(seconds * RATE)) / RATE
    share, kind, base = time / seconds, np.array(kinds), _between(draws[:, :1], 400, 700)
    octaves = np.zeros((len(kinds), len(time)))
    for name, way in (("rising", share), ("falling", 1 - share)):
        octaves[kind == name] = 1.5 * way
    octaves[kind == "low"], octaves[kind == "high"] = -1.0, 2.0
    trill, slow, fast = (kind == name for name in ("trill", "slow-pulse", "fast-pulse"))
    octaves[trill] = 0.75 * (((_between(draws[trill, 1:2], 7, 10) * time + draws[trill, 2:3]) % 1) > 0.5)
    octaves[slow | fast] = 0.5
    loud = np.ones_like(octaves)
    for which, rate in ((slow, (3.5, 5.0)), (fast, (12.0, 16.0))):
        loud[which] = ((_between(draws[which, 1:2], *rate) * time + draws[which, 2:3]) % 1) > 0.5
    phase = 2 * np.pi * (np.cumsum(base * 2.0**octaves, axis=1) / RATE + draws[:, 3:4])
    tones = loud * (0.7 * np.sin(phase) + 0.3 * np.sin(2 * phase))
    rough = np.stack([np.random.default_rng(int(one * 2**53)).standard_normal(len(time)) for one in draws[:, 5]])
    tones = np.where((kind == "noise")[:, None], 0.5 * rough, tones)
    volume = _between(draws[:, 4:5], 0.1, 0.5)
    found = volume * tones + 0.01 * rough
    found[kind == ""] = 0
    return np.clip(found, -1, 1).astype(np.float32)


def _between(draws: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Return numbers between two, of uniform draws."""
    return low + (high - low) * draws
