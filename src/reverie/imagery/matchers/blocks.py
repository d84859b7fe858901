"""Blocks of scenes that matchers are taught and measured on; each is a function of its seed and its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.matchers.drawings import Drawings
from reverie.imagery.matchers.pictures import read_pixels
from reverie.imagery.matchers.scenes import MOST, compose, draw_scene
from reverie.imagery.records import DepictedObject, Form, FormPattern, ObjectSet, Prompt
from reverie.imagery.roles import Renderer
from reverie.imagery.roles import Scene as Asked
from reverie.seeds import numpy_generator


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
    tell: Callable[[str], None] = lambda line: None,
) -> Block:
    """Let renderers paint scenes of two to five of the allowed drawings, in forms at random.

    Parameters
    ----------
    drawings, allowed
        What may be shown.
    painters : sequence of (str, Renderer)
        A renderer of each family's icons.
    patterns : sequence of FormPattern
        Three of them make the form of a scene.
    count, size, seed, number : int
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
        scene = Asked(Prompt(text=", ".join(names)), things, form, int(rng.integers(2**31)), size)
        rendered = painter.render([scene])[0]
        drawn = [one for one, name in zip(numbers, names, strict=True) if name in rendered.shown]
        if drawn:
            pixels.append(read_pixels(rendered.png, size))
            shown.append(tuple(drawn))
        if at % 20 == 19:
            tell(f"{at + 1} of {count} scenes painted")
    return Block(np.stack(pixels), _numbers(shown))


def _numbers(shown: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    found = np.full((len(shown), MOST), -1, dtype=np.int64)
    for row, numbers in enumerate(shown):
        found[row, : len(numbers)] = numbers
    return found
