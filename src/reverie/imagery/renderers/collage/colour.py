"""Colours mixed as the eye sees them: OKLab (Ottosson, 2020)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_LMS, _FROM_LAB = np.linalg.inv(_TO_LMS), np.linalg.inv(_TO_LAB)

Lab = tuple[float, float, float]


def to_lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return OKLab of sRGB in [0, 1] → [..., 3]."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.cbrt(linear @ _TO_LMS.T) @ _TO_LAB.T)


def from_lab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return sRGB in [0, 1] of OKLab, cut at the gamut → [..., 3]."""
    linear = np.clip((lab @ _FROM_LAB.T) ** 3 @ _FROM_LMS.T, 0, 1)
    return np.asarray(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055))


@lru_cache(maxsize=4096)
def lab(colour: str) -> Lab:
    """Return OKLab of ``#rrggbb`` or ``#rgb``."""
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(2 * one for one in digits)
    light, a, b = to_lab(np.array([int(digits[i : i + 2], 16) for i in (0, 2, 4)]) / 255)
    return float(light), float(a), float(b)


@lru_cache(maxsize=16384)
def hexadecimal(light: float, a: float, b: float) -> str:
    """Return ``#rrggbb`` of OKLab."""
    return "#" + "".join(f"{round(float(part) * 255):02x}" for part in from_lab(np.array([light, a, b])))


def mix(first: str, second: str, share: float) -> str:
    """Return the colour on the way from the first (share 0) to the second (share 1)."""
    one, other = lab(first), lab(second)
    return hexadecimal(*(round(x + (y - x) * share, 4) for x, y in zip(one, other, strict=True)))


def lightness(colour: str) -> float:
    """Return the lightness from 0 (black) to 1 (white)."""
    return lab(colour)[0]


def tinted(colour: str, light: float = 0.0, chroma: float = 1.0) -> str:
    """Return a colour lightened by a difference and its chroma multiplied."""
    value, a, b = lab(colour)
    return hexadecimal(round(min(max(value + light, 0), 1), 4), round(a * chroma, 4), round(b * chroma, 4))


def distance(first: str, second: str, hue: float = 1.0) -> float:
    """Return how far two colours are apart; `hue` weighs the two opponent axes."""
    one, other = lab(first), lab(second)
    return float(((one[0] - other[0]) ** 2 + hue * ((one[1] - other[1]) ** 2 + (one[2] - other[2]) ** 2)) ** 0.5)
