"""Frames of high dynamic range (BT.2100, PQ and HLG) as ordinary RGB.

The transfer functions and matrices are those of ITU-R BT.2100 and BT.2087; how what is brighter than paper is compressed is ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PQ, HLG = 16, 18
CURVES = (PQ, HLG)
"""Transfer functions, by the numbers of ITU-T H.273."""
PAPER, KNEE = 203.0, 0.75
"""Luminance of white paper (BT.2408), and the share of it up to which nothing is compressed."""
_FROM_2020 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])


def to_srgb(coded: NDArray[np.uint16], curve: int) -> NDArray[np.uint8]:
    """Return BT.2020 pixels of one of the two curves as sRGB; uint16 [H, W, 3] → uint8 [H, W, 3]."""
    signal = coded / 65535.0
    light = (from_pq(signal) if curve == PQ else from_hlg(signal)) / PAPER @ _FROM_2020.T
    light = np.maximum(light, 0.0)
    peak = light.max(-1, keepdims=True)
    bent = np.where(peak > KNEE, KNEE + (1 - KNEE) * -np.expm1(-np.maximum(peak - KNEE, 0) / (1 - KNEE)), peak)
    light *= bent / np.maximum(peak, 1e-12)
    encoded = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055)
    pixels: NDArray[np.uint8] = np.rint(255 * encoded).astype(np.uint8)
    return pixels


def from_pq(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the luminance, in candela per square metre, of perceptually quantised values in [0, 1]."""
    root = signal ** (32 / 2523)
    return 10000.0 * (np.maximum(root - 107 / 128, 0.0) / (2413 / 128 - 2392 / 128 * root)) ** (16384 / 2610)


def from_hlg(signal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the luminance of hybrid log-gamma values in [0, 1] on a screen of 1,000 candela per square metre; [..., 3]."""
    a = 0.17883277
    b, c = 1 - 4 * a, 0.5 - a * np.log(4 * a)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = scene @ np.array([0.2627, 0.6780, 0.0593])
    shown: NDArray[np.float64] = 1000.0 * luma[..., None] ** 0.2 * scene
    return shown
