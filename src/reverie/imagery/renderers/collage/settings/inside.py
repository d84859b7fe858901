"""Within walls: a table by a window, an arch in a frame, a plain backdrop."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, circle, everywhere, lines, path, rectangle, trace
from reverie.imagery.renderers.collage.colour import mix, tinted
from reverie.imagery.renderers.collage.lighting import Scheme
from reverie.imagery.renderers.collage.settings.stage import Stage, clipped
from reverie.imagery.renderers.collage.sky import Sun, rays


def interior(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint a table before a wall, window light falling across both."""
    level, night = SIDE * 0.64, scheme.light.night
    wall = scheme.tone(0.24 if night else scheme.light.low * 0.78)
    glow, strength = scheme.palette.glow, scheme.light.glow
    x = SIDE * (0.2 if scheme.sun_left else 0.8)
    stops = [(0, mix(wall, glow, 0.75 * strength), 1.0), (0.5, tinted(wall, 0.03), 1.0), (1, tinted(wall, -0.14), 1.0)]
    canvas.add(rectangle(0, 0, SIDE, level, canvas.radial((x, SIDE * 0.3), SIDE * 0.95, stops)))
    panes, slant = "", 27 * scheme.side
    for column in range(2):
        for row in range(3):
            a, b = x - 95 + scheme.side * 170 + column * 103, 100 + row * 112 + column * slant
            panes += trace("M", a, b, "l", 95.0, float(slant), "v", 104.0, "l", -95.0, float(-slant), "Z")
    canvas.add(path(panes, glow, 0.34 + 0.2 * strength * (not night)))
    front = scheme.tone(0.14 if night else 0.36)
    stops = [(0, tinted(front, 0.14), 1.0), (0.5, front, 1.0), (1, tinted(front, -0.06), 1.0)]
    canvas.add(rectangle(0, level, SIDE, SIDE - level, canvas.linear((0, level), (0, SIDE), stops)))
    pool = (x + scheme.side * 190, level + 40)
    canvas.add(rectangle(0, level, SIDE, SIDE - level, canvas.radial(pool, 330, [(0, glow, 0.45 * strength), (1, glow, 0.0)])))
    grain = ""
    for y in np.sort(rng.random(14)):
        grain += trace(
            "M",
            -10.0,
            level + 12 + 200 * y,
            "q",
            200 + 200 * rng.random(),
            20 * (rng.random() - 0.5),
            SIDE + 20.0,
            8 * (rng.random() - 0.5),
        )
    canvas.add(lines(grain, tinted(front, -0.08), 1.6, 0.6), rectangle(0, level - 1.5, SIDE, 4, tinted(front, 0.2)))
    return Stage(level)


def niche(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint an arch (round, pointed or square) in an ornamented frame, light behind it."""
    night = scheme.light.night
    outer, inner, gold = scheme.tone(0.12 if night else 0.3), scheme.tone(0.3 if night else 0.88), scheme.tone(0.78)
    canvas.add(everywhere(outer))
    border(canvas, gold, int(rng.integers(0, 3)))
    left, right, spring, level, foot = 118.0, SIDE - 118.0, 350.0, SIDE - 128.0, SIDE - 60.0
    half = (right - left) / 2
    heads = (
        ("A", half, half * 1.02, " 0 0 1", right, spring),
        ("Q", left + 8, 190.0, SIDE / 2, 84.0, "Q", right - 8, 190.0, right, spring),
        ("V", 170.0, "L", left + 62, 108.0, "H", right - 62, "L", right, 170.0, "V", spring),
    )
    arch = trace("M", left, foot, "V", spring, *heads[int(rng.integers(0, 3))], "V", foot, "Z")
    stops = [(0, scheme.sky_top, 1.0), (1, mix(inner, scheme.sky_low, 0.6), 1.0)]
    parts, middle, glow = Canvas(), (SIDE / 2, 330.0), scheme.palette.glow
    parts.defs = canvas.defs
    rays(parts, scheme, rng, middle, 22, 0.5)
    parts.add(circle(*middle, 200, canvas.radial(middle, 200, [(0, glow, 0.95), (0.8, glow, 0.35), (1, glow, 0.0)])))
    floor = scheme.ground(0.75)
    stops_floor = [(0, tinted(floor, 0.12), 1.0), (1, tinted(floor, -0.04), 1.0)]
    parts.add(rectangle(0, level - 40, SIDE, 120, canvas.linear((0, level - 40), (0, foot), stops_floor)))
    canvas.add(path(arch, canvas.linear((0, 80), (0, level), stops)), clipped(canvas, arch, "".join(parts.body)))
    canvas.add(lines(arch, gold, 9), lines(arch, outer, 3))
    return Stage(level - 6)


def border(canvas: Canvas, gold: str, kind: int) -> None:
    """Draw a double line around the picture with lozenges, dots or steps between, and curls in the upper corners."""
    d, step = "", (SIDE - 44) / 19
    for k in range(20):
        a, end = 22 + k * step, SIDE - 22.0
        for x, y in ((a, 22.0), (a, end), (22.0, a), (end, a)):
            if kind == 0:
                d += trace("M", x, y - 7, "l7 7l-7 7l-7 -7Z")
            elif kind == 1:
                d += trace("M", x - 4, y, "a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z")
            elif k % 2 == 0:
                d += trace("M", x - 9, y - 9, "h18v18h-18ZM", x - 4, y - 4, "v8h8v-8Z")
    canvas.add(path(d, gold, 0.8))
    for inset, width in ((40.0, 5.0), (50.0, 1.8)):
        canvas.add(lines(trace("M", inset, inset, "H", SIDE - inset, "V", SIDE - inset, "H", inset, "Z"), gold, width))
    for x, way in ((74.0, 1), (SIDE - 74.0, -1)):
        first = (
            "q",
            way * 70.0,
            -6.0,
            way * 62.0,
            62.0,
            "q",
            way * -6.0,
            34.0,
            way * -34.0,
            22.0,
            "q",
            way * -16.0,
            -12.0,
            way * -2.0,
            -26.0,
        )
        second = ("q", way * -4.0, 70.0, way * 8.0, 130.0, "q", way * 4.0, 26.0, way * -8.0, 40.0)
        canvas.add(lines(trace("M", x - way * 12, 72.0, *first, "M", x - way * 12, 72.0, *second), gold, 5))


def studio(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint a plain backdrop that runs into its floor."""
    x = SIDE * (0.3 if scheme.sun_left else 0.7)
    stops = [(0, mix(scheme.tone(0.97), "#ffffff", 0.5), 1.0), (0.7, scheme.tone(0.94), 1.0), (1, scheme.tone(0.8), 1.0)]
    canvas.add(everywhere(canvas.radial((x, SIDE * 0.3), SIDE * 0.95, stops)))
    level = SIDE * 0.66
    stops = [(0, scheme.tone(0.7), 0.0), (0.25, scheme.tone(0.72), 0.45), (1, scheme.tone(0.62), 0.75)]
    canvas.add(rectangle(0, level, SIDE, SIDE - level, canvas.linear((0, level), (0, SIDE), stops)))
    return Stage(level)
