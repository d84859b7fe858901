"""Compositions: where each object stands, how large, in front of what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE
from reverie.imagery.renderers.collage.placement import Placement, inside
from reverie.imagery.renderers.collage.places import faces, flocks, place
from reverie.imagery.renderers.collage.settings.stage import Stage
from reverie.imagery.renderers.collage.sprites import Sprite

Layout = Callable[[Sequence[Sprite], Stage, np.random.Generator, float], list[Placement]]


def arrange(name: str, viewpoint: str, sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator) -> list[Placement]:
    """Place the objects, those farther off first."""
    size = {"near": 1.2, "low": 1.1, "high": 0.9}.get(viewpoint, 1.0)
    layout = LAYOUTS[name] if stage.grounded or name in FLOATING else scattered
    placed = [  # animals and vehicles of the left half look into the picture
        replace(one, flip=one.x < SIDE * 0.46) if faces(sprites[one.index]) else one for one in layout(sprites, stage, rng, size)
    ]
    largest = {index: max((one.height for one in placed if one.index == index), default=0.0) for index in range(len(sprites))}
    placed = [inside(one, sprites[one.index]) if one.height == largest[one.index] else one for one in placed]
    return sorted(placed, key=lambda one: (one.index == 0 and one.air, one.y if not one.air else one.height * 0.4))


def _foot(stage: Stage, near: float) -> float:
    """Return the height in the picture of ground from far (0) to near (1)."""
    return stage.horizon + 14 + (SIDE * 0.965 - stage.horizon - 14) * near


def _flock(index: int, x: float, y: float, height: float, rng: np.random.Generator, n: int) -> list[Placement]:
    """Return an object and smaller ones of it drifting away."""
    way = -1 if x > SIDE / 2 else 1
    found = []
    for k in range(n):
        share = 0.72**k
        y = max(y, height * share * 0.5 + 24)
        found.append(Placement(index, x, y, height * share, 16 * (rng.random() - 0.5), 0.2 * k, air=True))
        x, y = x + way * height * share * (0.75 + 0.3 * rng.random()), y - height * share * (0.35 + 0.3 * rng.random())
    return found


def _company(
    sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float, main: Placement, spread: float
) -> list[Placement]:
    """Place all but the main object around it: far, beside it in front, and in the air."""
    side = 1 if main.x <= SIDE / 2 else -1
    found: list[Placement] = []
    n_air = n_ground = 0
    for index, sprite in enumerate(sprites[1:], 1):
        where = place(sprite)
        if where == "air":
            x = main.x + side * SIDE * (0.27 + 0.06 * rng.random()) * (1 if n_air % 2 == 0 else -1)
            y = SIDE * (0.17 + 0.12 * rng.random() + 0.08 * (n_air // 2))
            found += _flock(
                index,
                min(max(x, 90), SIDE - 90),
                y,
                SIDE * (0.21 - 0.03 * n_air) * size,
                rng,
                3 if flocks(sprite) and n_air == 0 else 1,
            )
            n_air += 1
            continue
        way = side if n_ground % 2 == 0 else -side
        if where == "far" or n_ground >= 3:
            near, height, haze = 0.08 + 0.1 * rng.random(), 0.24, 0.36
        elif n_ground == 1:
            near, height, haze = 0.34 + 0.1 * rng.random(), 0.26, 0.12
        else:
            near, height, haze = 0.82 + 0.12 * rng.random(), 0.3, 0.0
        x = main.x + way * SIDE * (spread + 0.05 * rng.random()) * (1.0 if n_ground < 2 else 1.22)
        found.append(
            Placement(index, min(max(x, 100), SIDE - 100), _foot(stage, near), SIDE * height * size, 5 * (rng.random() - 0.5), haze)
        )
        n_ground += 1
    return found


def _main(sprites: Sequence[Sprite], stage: Stage, x: float, near: float, height: float, angle: float = 0.0) -> Placement:
    if place(sprites[0]) == "air":
        return Placement(0, x, min(stage.horizon * 0.6, SIDE * 0.42), height * 0.9, angle, air=True)
    return Placement(0, x, _foot(stage, near), height, angle)


def centre(sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float) -> list[Placement]:
    """Place the main object in the middle like a monument."""
    main = _main(sprites, stage, SIDE * 0.5, 0.52, SIDE * 0.55 * size)
    return [main, *_company(sprites, stage, rng, size, main, 0.26)]


def thirds(sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float) -> list[Placement]:
    """Place the main object on a third, the rest small and far on the other side."""
    left = rng.random() < 0.5
    main = _main(sprites, stage, SIDE * (0.34 if left else 0.66), 0.66, SIDE * 0.56 * size)
    rest = _company(sprites, stage, rng, size * 0.85, main, 0.3)
    return [main, *rest]


def diagonal(sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float) -> list[Placement]:
    """Let objects come out of the distance along a diagonal, the main one largest and leaning."""
    way = 1 if rng.random() < 0.5 else -1
    start, found = SIDE / 2 - way * SIDE * 0.17, []
    for index, sprite in enumerate(sprites):
        t = index / max(len(sprites) - 1, 1) * min(0.35 + 0.22 * len(sprites), 1.0)
        x, height = start + way * SIDE * (0.66 * t**0.8), SIDE * (0.52 * size) * (1 - t) ** 1.1 + SIDE * 0.12
        height = SIDE * 0.56 * size if index == 0 else min(height, SIDE * 0.34 * size)
        if place(sprite) == "air" or not stage.grounded:
            found.append(Placement(index, x, SIDE * (0.46 - 0.36 * t), height * 0.85, -12.0 * way, 0.4 * t, air=True))
        else:
            found.append(
                Placement(index, x, _foot(stage, 0.66 * (1 - t) ** 1.2 + 0.02), height, -7.0 * way * (index == 0), 0.5 * t)
            )
    return found


def radial(sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float) -> list[Placement]:
    """Place the main object in the middle and the rest in a ring around it, repeated."""
    middle = SIDE * 0.47
    found = [Placement(0, SIDE / 2, middle, SIDE * 0.42 * size, air=True)]
    rest = list(range(1, len(sprites)))
    if not rest:
        return found
    n = len(rest) * max(1, round(8 / len(rest)))
    turn = float(rng.integers(0, 2)) * np.pi / n
    for k in range(n):
        angle = 2 * np.pi * k / n - np.pi / 2 + turn
        x, y = SIDE / 2 + SIDE * 0.365 * np.cos(angle), middle + SIDE * 0.365 * np.sin(angle)
        found.append(
            Placement(rest[k % len(rest)], x, y, SIDE * (0.15 if n <= 8 else 0.12), float(np.degrees(angle)) + 90, air=True)
        )
    return found


def scattered(sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float) -> list[Placement]:
    """Let everything float, in three depths."""
    found = [Placement(0, SIDE * (0.46 + 0.08 * rng.random()), SIDE * 0.5, SIDE * 0.5 * size, 16 * (rng.random() - 0.5), air=True)]
    spots = [(0.18, 0.2), (0.82, 0.24), (0.16, 0.78), (0.84, 0.76), (0.5, 0.1), (0.5, 0.92), (0.08, 0.5), (0.93, 0.5)]
    order = rng.permutation(4).tolist() + (4 + rng.permutation(4)).tolist()
    rest = list(range(1, len(sprites)))
    for k, spot in enumerate(order[: max(len(rest) * 2, 0)][:8]):
        x, y = spots[spot]
        near = k < len(rest)
        height = SIDE * ((0.22 + 0.06 * rng.random()) if near else (0.1 + 0.04 * rng.random()))
        place_x, place_y = SIDE * x + 30 * (rng.random() - 0.5), SIDE * y + 30 * (rng.random() - 0.5)
        found.append(
            Placement(rest[k % len(rest)], place_x, place_y, height, 50 * (rng.random() - 0.5), 0.0 if near else 0.45, air=True)
        )
    return found


def frame(sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float) -> list[Placement]:
    """Place the main object in the middle of a frame, the rest at its foot and above, in pairs."""
    main = Placement(0, SIDE / 2, stage.horizon + 34, SIDE * 0.5 * min(size, 1.05), air=False)
    if place(sprites[0]) == "air":
        main = Placement(0, SIDE / 2, SIDE * 0.45, SIDE * 0.42, air=True)
    found = [main]
    spots = [
        (0.27, None, 0.19),
        (0.73, None, 0.19),
        (0.29, 0.36, 0.13),
        (0.71, 0.36, 0.13),
        (0.5, 0.19, 0.12),
        (0.4, None, 0.12),
        (0.6, None, 0.12),
    ]
    rest = list(range(1, len(sprites)))
    pairs = len(rest) == 1
    for k, (x, y, height) in enumerate(spots[: 2 if pairs else len(rest)]):
        index = rest[0 if pairs else k]
        found.append(
            Placement(
                index,
                SIDE * x,
                stage.horizon + 62 if y is None else SIDE * y,
                SIDE * height,
                air=y is not None,
                flip=pairs and k == 1,
            )
        )
    return found


def still(sprites: Sequence[Sprite], stage: Stage, rng: np.random.Generator, size: float) -> list[Placement]:
    """Group everything closely, the tall behind, overlapping."""
    way = 1 if rng.random() < 0.5 else -1
    found = [Placement(0, SIDE * (0.5 - 0.05 * way), _foot(stage, 0.36), SIDE * 0.5 * size)]
    spots = [
        (0.23, 0.6, 0.28),
        (-0.24, 0.52, 0.25),
        (0.1, 0.86, 0.2),
        (-0.12, 0.84, 0.18),
        (0.35, 0.3, 0.26),
        (-0.36, 0.26, 0.24),
        (0.34, 0.8, 0.15),
    ]
    for index, (x, near, height) in enumerate(spots[: len(sprites) - 1], 1):
        found.append(
            Placement(
                index,
                SIDE * (0.5 + way * x) + 16 * (rng.random() - 0.5),
                _foot(stage, near),
                SIDE * height * size,
                6 * (rng.random() - 0.5),
            )
        )
    return found


LAYOUTS: dict[str, Layout] = {
    "centre": centre, "thirds": thirds, "diagonal": diagonal, "radial": radial,
    "scattered": scattered, "frame": frame, "still": still,
}  # fmt: skip
FLOATING = frozenset({"radial", "scattered", "diagonal"})
