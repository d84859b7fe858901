"""Blocks of scenes that matchers are taught and measured on; each is a function of its seed and its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.matchers.drawings import Drawings
from reverie.imagery.matchers.pictures import read_pixels
from reverie.imagery.matchers.scenes import MOST, Scene, compose, draw_crops, draw_scene
from reverie.imagery.records import DepictedObject, Form, FormPattern, ObjectSet, Prompt
from reverie.imagery.roles import Renderer
from reverie.imagery.roles import Scene as Asked
from reverie.seeds import numpy_generator

_ROOM, _PART = 5, (0.7, 0.95)
"""Fourths of the size at which scenes are painted, and the share of a side that a part of one has."""


@dataclass(frozen=True)
class Block:
    """Pictures, and which drawings each shows.

    Parameters
    ----------
    pixels : ndarray of uint8, shape [N, S, S, 3]
    shown : ndarray of int, shape [N, 5]
        Numbers of drawings, the main one first, -1 behind.
    """

    pixels: NDArray[np.uint8]
    shown: NDArray[np.int64]


def composed_block(drawings: Drawings, allowed: NDArray[np.int64], count: int, size: int, seed: int, number: int) -> Block:
    """Compose scenes of one to five of the allowed drawings at random."""
    scenes = [draw_scene(drawings.pixels, allowed, size, numpy_generator(seed, "scene", number, at)) for at in range(count)]
    return Block(np.stack([one.pixels for one in scenes]), _numbers([one.shown for one in scenes]))


def crops_block(drawings: Drawings, allowed: NDArray[np.int64], count: int, size: int, seed: int, number: int) -> Block:
    """Compose scenes of the allowed drawings at random, and cut windows around single things out of them, `count` of them."""
    found: list[Scene] = []
    at = 0
    while len(found) < count:
        found += draw_crops(drawings.pixels, allowed, size, numpy_generator(seed, "crops", number, at))
        at += 1
    return Block(np.stack([one.pixels for one in found[:count]]), _numbers([one.shown for one in found[:count]]))


def single_block(drawings: Drawings, chosen: NDArray[np.int64], size: int, seed: int) -> Block:
    """Compose a scene of each chosen drawing alone."""
    scenes = [compose(drawings.pixels, [int(one)], size, numpy_generator(seed, "single", int(one))) for one in chosen]
    return Block(np.stack([one.pixels for one in scenes]), _numbers([one.shown for one in scenes]))


def painted_block(
    drawings: Drawings,
    allowed: NDArray[np.int64],
    painters: Sequence[tuple[str, Renderer]],
    patterns: Sequence[FormPattern],
    count: int,
    size: int,
    seed: int,
    number: int,
    views: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> Block:
    """Let renderers paint scenes of one to five of the allowed drawings, in forms at random.

    Parameters
    ----------
    drawings, allowed
        What may be shown.
    painters : sequence of (str, Renderer)
        A renderer of each family's icons.
    patterns : sequence of FormPattern
        Three of them make the form of a scene.
    count, size, seed, number : int
    views : int
        Pictures that are made of each scene: the whole, and parts of it, mirrored or not, as painting takes longest.
    tell : callable
    """
    pixels, shown = [], []
    families = np.array(drawings.families)
    for at in range(count):
        rng = numpy_generator(seed, "painted scene", number, at)
        family, painter = painters[int(rng.integers(len(painters)))]
        own = allowed[families[allowed] == family]
        numbers = [int(one) for one in rng.choice(own, min(int(rng.integers(1, MOST + 1)), len(own)), replace=False)]
        names = [drawings.names[one] for one in numbers]
        things = ObjectSet(objects=tuple(DepictedObject(phrase=name, icon=name.replace(" ", "-")) for name in names))
        form = Form(patterns=tuple(patterns[int(one)] for one in rng.choice(len(patterns), min(3, len(patterns)), replace=False)))
        scene = Asked(Prompt(text=", ".join(names)), things, form, int(rng.integers(2**31)), _ROOM * size // 4)
        rendered = painter.render([scene])[0]
        drawn = [one for one, name in zip(numbers, names, strict=True) if name in rendered.shown]
        if drawn:
            pixels += _views(read_pixels(rendered.png, _ROOM * size // 4), views, size, rng)
            shown += [tuple(drawn)] * views
        if at % 20 == 19:
            tell(f"{at + 1} of {count} scenes painted")
    return Block(np.stack(pixels), _numbers(shown))


def _views(pixels: NDArray[np.uint8], views: int, size: int, rng: np.random.Generator) -> list[NDArray[np.uint8]]:
    """Return the whole picture and parts of it at a size; pixels [T, T, 3] → views of [S, S, 3]."""
    from PIL import Image

    whole, found = Image.fromarray(pixels), []
    for view in range(views):
        side = len(pixels) if view == 0 else round(rng.uniform(*_PART) * len(pixels))
        left, top = (int(rng.integers(len(pixels) - side + 1)) for _ in range(2))
        drawn = whole.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
        mirrored = view > 0 and rng.random() < 0.5
        found.append(np.asarray(drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else drawn, dtype=np.uint8))
    return found


def _numbers(shown: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    found = np.full((len(shown), MOST), -1, dtype=np.int64)
    for row, numbers in enumerate(shown):
        found[row, : len(numbers)] = numbers
    return found
