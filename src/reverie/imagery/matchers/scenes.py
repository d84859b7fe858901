"""Scenes composed of drawn icons: a ground, one to five things, shadows, and colours and surfaces that change as in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

MOST = 5
"""Things in a scene."""
MAIN, OTHERS, ALONE = (0.38, 0.72), (0.16, 0.38), (0.55, 0.98)
"""Width of a thing, as a share of the scene's: the main one, the others, one that stands alone."""
AROUND = (0.9, 2.2)
"""Width of a window around a thing, as a share of the thing's."""


@dataclass(frozen=True)
class Scene:
    """A scene, and which drawings are in it.

    Parameters
    ----------
    pixels : ndarray of uint8, shape [S, S, 3]
    shown : tuple of int
        Numbers of the drawings, the main one first.
    places : tuple of (x, y, width)
        Where each stands: its middle and its width, as shares of the scene's.
    """

    pixels: NDArray[np.uint8]
    shown: tuple[int, ...]
    places: tuple[tuple[float, float, float], ...] = ()


def compose(drawings: NDArray[np.uint8], shown: Sequence[int], size: int, rng: np.random.Generator) -> Scene:
    """Put drawings into a scene, the first one large and the rest around and partly behind it.

    Parameters
    ----------
    drawings : ndarray of uint8, shape [N, P, P, 4]
    shown : sequence of int
        Which of them, the main one first.
    size : int
        Width and height of the scene, S.
    rng : numpy.random.Generator
    """
    from PIL import Image

    scene = Image.fromarray(_ground(size, rng))
    places = _places(len(shown), rng)
    for number, (x, y, width) in sorted(zip(shown, places, strict=True), key=lambda one: one[1][2]):
        pixels = max(4, round(width * size))
        drawn = Image.fromarray(drawings[number]).resize((pixels, pixels), Image.Resampling.BILINEAR)
        if rng.random() < 0.5:
            drawn = drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if rng.random() < 0.5:
            drawn = drawn.rotate(float(rng.uniform(-14, 14)), Image.Resampling.BILINEAR)
        _put(scene, drawn, round(x * size - pixels / 2), round(y * size - pixels / 2), rng)
    return Scene(_surface(np.asarray(scene, dtype=np.float32), rng), tuple(shown), tuple(places))


def draw_scene(drawings: NDArray[np.uint8], allowed: NDArray[np.int64], size: int, rng: np.random.Generator) -> Scene:
    """Draw which of the allowed drawings a scene shows, and compose it; two in five show one thing."""
    count = 1 if rng.random() < 0.4 else int(rng.integers(2, MOST + 1))
    return compose(drawings, [int(one) for one in rng.choice(allowed, min(count, len(allowed)), replace=False)], size, rng)


def draw_crops(drawings: NDArray[np.uint8], allowed: NDArray[np.int64], size: int, rng: np.random.Generator) -> list[Scene]:
    """Compose a scene of one to five things, larger than asked for, and cut a window out of it around each of them."""
    from PIL import Image

    count, wide = int(rng.integers(1, MOST + 1)), 2 * size
    scene = compose(drawings, [int(one) for one in rng.choice(allowed, min(count, len(allowed)), replace=False)], wide, rng)
    whole, found = Image.fromarray(scene.pixels), []
    for one, (x, y, width) in zip(scene.shown, scene.places, strict=True):
        side = min(1.0, width * rng.uniform(*AROUND))
        left, top = (float(np.clip(at - side / 2 + rng.uniform(-0.2, 0.2) * side, 0, 1 - side)) for at in (x, y))
        box = (wide * left, wide * top, wide * (left + side), wide * (top + side))
        drawn = whole.resize((size, size), Image.Resampling.BICUBIC, box=box, reducing_gap=3.0)
        place = ((x - left) / side, (y - top) / side, width / side)
        found.append(Scene(np.asarray(drawn, dtype=np.uint8), (one,), (place,)))
    return found


def _places(count: int, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Return centre and width of each thing; of a few tries for the others, the one farthest from those before."""
    if count == 1:
        width = rng.uniform(*ALONE)
        return [(0.5 + rng.uniform(-1, 1) * (1 - width) / 2, 0.5 + rng.uniform(-1, 1) * (1 - width) / 2, width)]
    found = [(rng.uniform(0.32, 0.68), rng.uniform(0.35, 0.68), rng.uniform(*MAIN))]
    while len(found) < count:
        tries = [(rng.uniform(0.12, 0.88), rng.uniform(0.15, 0.88), rng.uniform(*OTHERS)) for _ in range(4)]
        found.append(max(tries, key=lambda one: min(np.hypot(one[0] - x, one[1] - y) / (one[2] + w) for x, y, w in found)))
    return found


def _ground(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return a plain ground, a sky that changes downwards, or a sky above a ground → [S, S, 3]."""
    colours = rng.uniform(0, 255, (3, 3))
    colours[:2] = colours[:2] + rng.uniform(0, 1) * (245 - colours[:2])  # skies are rather light
    down = np.linspace(0, 1, size)[:, None]
    kind = rng.random()
    column = colours[0] + (0 if kind < 0.35 else 1) * down * (colours[1] - colours[0])
    if kind > 0.65:
        column = np.where(down > rng.uniform(0.5, 0.85), colours[2] * (0.7 + 0.3 * (1 - down)), column)
    return np.broadcast_to(column[:, None].clip(0, 255), (size, size, 3)).astype(np.uint8)


def _put(scene: Image, drawn: Image, x: int, y: int, rng: np.random.Generator) -> None:
    """Draw a thing, now and then with a shadow, into a scene."""
    from PIL import Image, ImageFilter

    if rng.random() < 0.5:
        shade = drawn.getchannel("A").point(lambda value: value * 0.35).filter(ImageFilter.GaussianBlur(drawn.width / 20))
        scene.paste(Image.new("RGB", drawn.size, (20, 20, 30)), (x + drawn.width // 25, y + drawn.width // 18), shade)
    if rng.random() < 0.2:  # haze
        drawn.putalpha(drawn.getchannel("A").point(lambda value: value * 0.7))
    scene.paste(drawn, (x, y), drawn)


def _surface(pixels: NDArray[np.floating], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change colours as a palette, a light, a print or a grain would; pixels [S, S, 3] → [S, S, 3]."""
    if rng.random() < 0.45:  # toward two colours by lightness
        grey = pixels.mean(axis=2, keepdims=True) / 255
        dark, light = rng.uniform(0, 110, 3), rng.uniform(150, 255, 3)
        pixels = pixels + rng.uniform(0.2, 0.9) * (dark + grey * (light - dark) - pixels)
    if rng.random() < 0.5:  # a light from one side
        x, y = np.meshgrid(np.linspace(-1, 1, pixels.shape[1]), np.linspace(-1, 1, pixels.shape[0]))
        angle = rng.uniform(0, 2 * np.pi)
        pixels = pixels * (1 + rng.uniform(0, 0.35) * (np.cos(angle) * x + np.sin(angle) * y))[..., None]
    pixels = (pixels - 127) * rng.uniform(0.6, 1.3) + 127 + rng.uniform(-35, 35)
    if rng.random() < 0.15:
        steps = rng.integers(3, 7)
        pixels = np.round(pixels / 255 * steps) * 255 / steps
    if rng.random() < 0.5:
        pixels = pixels + rng.normal(0, rng.uniform(2, 22), pixels.shape[:2])[..., None]
    return np.asarray(np.clip(pixels, 0, 255), dtype=np.uint8)
