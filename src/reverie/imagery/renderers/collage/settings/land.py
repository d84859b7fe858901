"""Open country: hills, mountains, dunes, a wood."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, lines, path, rectangle, smooth, trace
from reverie.imagery.renderers.collage.colour import mix, tinted
from reverie.imagery.renderers.collage.lighting import Scheme
from reverie.imagery.renderers.collage.settings.stage import Stage
from reverie.imagery.renderers.collage.sky import Floats, Sun, birds, land, paint_sky, ridge


def hills(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint rolling hills, each nearer one darker, with furrows and a few trees."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    birds(canvas, scheme, rng, horizon)
    levels = np.linspace(horizon - 26, SIDE * 0.93, 5)
    for k, level in enumerate(levels):
        near = k / (len(levels) - 1)
        points = ridge(rng, float(level), 20 + 16 * near, 0.5 + 0.5 * rng.random())
        colour = mix(scheme.ground(near), scheme.sky_low, 0.45 * (1 - near) ** 1.5)
        land(canvas, points, colour, 150)
        spread = (1 + 0.25 * rng.random()) * np.arange(14, 120, 13 + 9 * near)
        furrows = "".join(smooth(points * (1, 1 - 0.05 * n) + (0, 0.05 * n * level + down)) for n, down in enumerate(spread))
        canvas.add(lines(furrows, tinted(colour, 0.08 if k % 2 else -0.05), 2.0, 0.45))
        if k in (1, 2, 3):
            trees(canvas, rng, points, tinted(colour, -0.12), 10 + 11 * k, int(rng.integers(2, 6)))
    return Stage(horizon)


def trees(canvas: Canvas, rng: np.random.Generator, points: Floats, colour: str, size: float, n: int) -> None:
    """Plant a group of slender trees on a ridge."""
    centre = rng.integers(3, len(points) - 3)
    d = ""
    for index in np.clip(centre + rng.integers(-3, 4, n), 0, len(points) - 1):
        x, y = points[index] + (rng.random() * 16 - 8, 3)
        high, wide = size * (1.4 + rng.random()), size * 0.34
        up = ("Q", x - wide * 1.25, y - high * 0.7, x, y - high), ("Q", x + wide * 1.25, y - high * 0.7, x + wide, y, "Z")
        d += trace("M", x - wide, y, *up[0], *up[1])
    canvas.add(path(d, colour))


def mountains(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint ranges of peaks in haze, one side of each in shade, above a dark plain."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    for k in range(3):
        near = k / 3
        colour = mix(scheme.ground(near), scheme.sky_low, 0.55 * (1 - near))
        x, points, shades = -60.0, [(-60.0, horizon + 30)], ""
        while x < SIDE + 60:
            width, high = 90 + 120 * rng.random(), (200 - 48 * k) * (0.35 + 0.65 * rng.random())
            foot, a, b = horizon + 14 * k + 10, x + width * (0.4 + 0.2 * rng.random()), horizon + 22 * k - high
            tip, way = width * 0.06 * scheme.side, width * 0.5 * scheme.side
            shades += trace("M", a, b, "L", a + way, foot, "L", a + tip, foot, "L", a - tip, b + high * 0.45, "Z")
            points += [(a, b), (x + width, foot - high * 0.25)]
            x += width
        land(canvas, np.array(points), colour, 40, curved=False)
        canvas.add(path(shades, tinted(colour, -0.09), 0.75))
    for k, level in enumerate((horizon + 24, horizon + 110, SIDE * 0.93)):
        land(canvas, ridge(rng, level, 10 + 8 * k, 0.6), scheme.ground(0.4 + 0.3 * k), 190)
    return Stage(horizon)


def desert(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint dunes with a lit and a shaded side."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    for k, level in enumerate(np.linspace(horizon, SIDE * 0.86, 4)):
        near = k / 3
        tone = scheme.light.far - 0.2 * near if scheme.light.night else 0.74 - 0.34 * near
        colour = mix(scheme.tone(tone), scheme.sky_low, 0.3 * (1 - near))
        points = ridge(rng, float(level), 16 + 30 * near, 0.35 + 0.3 * rng.random())
        land(canvas, points, colour, 160, contrast=0.05)
        index = int(rng.integers(8, 22))
        back = points[index : index + 14] if scheme.side > 0 else points[index + 13 : index - 1 : -1]
        reach = np.linspace(0, 1, len(back))[:, None] * (scheme.side * 70.0, 120.0)
        lee = np.concatenate([back, (back[::-1] + reach[::-1] * (0.5 + 0.5 * near))])
        canvas.add(path(smooth(lee, closed=True), tinted(colour, -0.1), 0.6))
    return Stage(horizon)


def forest(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint trunks in depth, mist between them, a glade in the middle."""
    paint_sky(canvas, scheme, rng, SIDE * 0.75, (SIDE * 0.5, horizon * 0.62, sun[2]), disc=scheme.light.night)
    for k in range(4):
        near = k / 3
        colour = mix(scheme.ground(near), scheme.sky_low, 0.66 * (1 - near))
        base, d, n = horizon + 18 + 60 * near * near, "", 9 - 2 * k
        for x in (np.arange(n) + rng.random(n)) * SIDE / n:
            if k == 3 and abs(x - SIDE / 2) < SIDE * 0.33:
                continue
            half, lean = (5 + 15 * near) * (0.7 + 0.6 * rng.random()), (rng.random() - 0.5) * 34
            left = ("Q", x - half, base - 60, x - half * 0.7 + lean, -10.0, "H", x + half * 0.7 + lean)
            d += trace("M", x - half * 1.5, base + 8, *left, "Q", x + half, base - 60, x + half * 1.5, base + 8, "Z")
        canvas.add(path(d, colour))
        land(canvas, ridge(rng, base, 6 + 5 * near, 1.3), colour, 70 if k < 3 else SIDE)
        if k < 3:
            mist = [(0, scheme.sky_low, 0.0), (0.8, scheme.sky_low, 0.3 * (1 - near)), (1, scheme.sky_low, 0.0)]
            canvas.add(rectangle(0, base - 190, SIDE, 230, canvas.linear((0, base - 190), (0, base + 40), mist)))
    leaves = (rng.random((60, 2)) * (SIDE, 70) - (0, 20)).tolist()
    canvas.add(lines("".join(trace("M", x, y, "h.01") for x, y in leaves), scheme.ground(1.0), 66, 0.9))
    return Stage(horizon + 40)
