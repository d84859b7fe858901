"""Wide views: the sea, a city, the sky at night."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, circle, everywhere, lines, path, rectangle, trace
from reverie.imagery.renderers.collage.colour import mix, tinted
from reverie.imagery.renderers.collage.lighting import Scheme
from reverie.imagery.renderers.collage.settings.stage import Stage
from reverie.imagery.renderers.collage.sky import Sun, birds, land, paint_sky, ridge, shine, stars


def sea(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint open water under a low sun, with its path of light."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    birds(canvas, scheme, rng, horizon)
    stops = [(0, mix(scheme.ground(0.1), scheme.sky_low, 0.5), 1.0), (0.3, scheme.ground(0.5), 1.0), (1, scheme.ground(1.0), 1.0)]
    canvas.add(rectangle(0, horizon, SIDE, SIDE - horizon, canvas.linear((0, horizon), (0, SIDE), stops)))
    kinds = (
        (True, scheme.palette.glow, 0.75),
        (False, tinted(scheme.ground(0.6), 0.1), 0.5),
        (False, tinted(scheme.ground(1.0), -0.06), 0.5),
    )
    for lit, colour, opacity in kinds:
        d = ""
        for _ in range(70):
            depth = rng.random() ** 1.6
            y = horizon + 4 + depth * (SIDE - horizon)
            x = sun[0] + (rng.random() - 0.5) * sun[2] * (1.2 + 3.5 * depth) if lit else rng.random() * SIDE
            half = (6 + 40 * depth) * (0.4 + rng.random())
            d += trace("M", x - half, y, "q", half, -(1 + 7 * depth), 2 * half, 0.0, "q", -half, 1 + 5 * depth, -2 * half, 0.0, "Z")
        canvas.add(path(d, colour, opacity))
    return Stage(horizon, water=True)


def shore(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, stage: Stage) -> Stage:
    """Lay a beach before the water for things that do not float."""
    level = stage.horizon + (SIDE - stage.horizon) * 0.42
    points = ridge(rng, level, 12, 0.4)
    foam, sand = mix(scheme.palette.paper, scheme.sky_low, 0.5), scheme.tone(0.62 if not scheme.light.night else 0.2)
    land(canvas, points - (0, 9), foam, 30, contrast=0.02)
    land(canvas, points, sand, SIDE)
    pebbles = "".join(
        trace("M", x, y, "h", w) for x, y, w in (rng.random((50, 3)) * (SIDE, SIDE - level - 40, 5) + (0, level + 40, 0)).tolist()
    )
    canvas.add(lines(pebbles, tinted(sand, -0.1), 2.4, 0.5))
    return Stage(level)


def city(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint a skyline in three depths, windows lit by night, and an empty square before it."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    for k in range(3):
        near = k / 2
        colour = mix(scheme.ground(0.2 + 0.7 * near), scheme.sky_low, 0.5 * (1 - near))
        x, d, windows = -10.0, "", ""
        while x < SIDE:
            width, high = 34 + 56 * rng.random(), (250 - 60 * k) * (0.25 + 0.75 * rng.random() ** 1.5)
            d += trace("M", x, horizon + 8, "v", -high, "h", width, "v", high, "Z")
            for a in np.arange(x + 9, x + width - 8, 13):
                windows += "".join(
                    trace("M", a, b, "v5") for b in np.arange(horizon - high + 12, horizon - 8, 17) if rng.random() < 0.4
                )
            x += width + 4 * rng.random()
        canvas.add(
            path(
                d, canvas.linear((0, horizon - 250), (0, horizon), [(0, colour, 1.0), (1, mix(colour, scheme.sky_low, 0.35), 1.0)])
            )
        )
        canvas.add(lines(windows, scheme.palette.glow if scheme.light.night else tinted(colour, 0.1), 4.5, 0.8 * near + 0.1))
    stops = [(0, scheme.ground(0.35), 1.0), (1, scheme.ground(0.95), 1.0)]
    canvas.add(rectangle(0, horizon, SIDE, SIDE - horizon, canvas.linear((0, horizon), (0, SIDE), stops)))
    paving = "".join(trace("M", SIDE / 2 + a * 60, horizon, "L", SIDE / 2 + a * 330, SIDE) for a in range(-7, 8))
    paving += "".join(trace("M", 0, horizon + (SIDE - horizon) * t * t, "H", SIDE) for t in np.linspace(0.15, 1, 8))
    canvas.add(lines(paving, tinted(scheme.ground(0.6), 0.08), 1.6, 0.5))
    return Stage(horizon)


def night(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint a sky full of stars with a band of light above dark hills."""
    top, low = mix(scheme.tone(0.0), scheme.sky_top, 0.25), mix(scheme.tone(0.42), scheme.sky_low, 0.2)
    stops = [(0, top, 1.0), (0.75, scheme.tone(0.26), 1.0), (1, low, 1.0)]
    canvas.add(everywhere(canvas.linear((0, 0), (0, SIDE), stops)))
    for k in range(6):
        x, y = SIDE * (0.05 + 0.18 * k), SIDE * (0.66 - 0.1 * k) + 50 * (rng.random() - 0.5)
        canvas.add(circle(x, y, 150, canvas.radial((x, y), 150, [(0, scheme.tone(0.62), 0.36), (1, scheme.tone(0.5), 0.0)])))
    for _ in range(3):
        stars(canvas, scheme, rng, SIDE * 0.86)
    x, y, radius = sun
    shine(canvas, scheme, sun, 3.4)
    face = scheme.palette.glow
    canvas.add(circle(x, y, radius, face), circle(x - radius * 0.3, y - radius * 0.2, radius * 0.18, tinted(face, -0.1), 0.5))
    canvas.add(circle(x + radius * 0.3, y + radius * 0.3, radius * 0.26, tinted(face, -0.1), 0.4))
    for k in range(2):
        land(canvas, ridge(rng, SIDE * 0.8 + 66 * k, 26, 0.5), scheme.tone(0.2 - 0.14 * k), 120 if k == 0 else SIDE, contrast=0.04)
    return Stage(SIDE * 0.8 + 20)
