"""Backdrops without depth: beams from a disc, geometric shapes."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, circle, everywhere, lines, path, rectangle, trace
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.lighting import Scheme
from reverie.imagery.renderers.collage.settings.stage import Stage
from reverie.imagery.renderers.collage.sky import Sun, land, ridge


def burst(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint beams of two tones from behind the main object, ground below."""
    x, y, level = SIDE / 2, horizon * 0.78, SIDE * 0.8
    one, other = mix(scheme.sky_low, scheme.sky_top, 0.25), mix(scheme.sky_low, scheme.sky_top, 0.8)
    n, turn, d = 2 * int(rng.integers(9, 16)), rng.random(), ""
    for k in range(0, n, 2):
        angles = [2 * np.pi * (k + end + turn) / n for end in (0, 1)]
        d += trace("M", x, y, "L", *(part for a in angles for part in (x + 900 * np.cos(a), y + 900 * np.sin(a))), "Z")
    canvas.add(everywhere(one), path(d, other))
    glow = scheme.palette.glow
    canvas.add(
        everywhere(canvas.radial((x, y), 520, [(0, glow, 0.9), (0.4, glow, 0.25), (1, scheme.tone(scheme.light.near), 0.35)]))
    )
    canvas.add(circle(x, y, 218, mix(glow, scheme.palette.accent, 0.75 if rng.random() < 0.6 else 0.15)))
    ring = trace("M", x - 232, y, "a232 232 0 1 0 464 0a232 232 0 1 0 -464 0Z")
    canvas.add(lines(ring, glow, 4))
    for k in range(2):
        land(canvas, ridge(rng, level + 60 * k, 18, 0.5), scheme.ground(0.55 + 0.45 * k), 110 if k == 0 else SIDE)
    return Stage(level + 26)


def field(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun) -> Stage:
    """Paint a flat ground with large geometric shapes."""
    night = scheme.light.night
    paper = scheme.tone(0.1 if night else 0.95)
    colours = [scheme.tone(0.55 if night else 0.15), scheme.palette.accent, scheme.tone(0.5), scheme.tone(0.75), scheme.tone(0.32)]
    x, y = SIDE * (0.42 + 0.16 * rng.random()), SIDE * 0.46
    canvas.add(everywhere(paper), circle(x, y, 232, mix(colours[3], paper, 0.15)))
    for k in range(7):
        angle, colour = float(rng.choice([-28, 62])) + 6 * rng.random(), colours[int(rng.integers(len(colours)))]
        a, b = SIDE * rng.random(), SIDE * rng.random()
        thin = (180 + 420 * rng.random(), 6 + 22 * rng.random())
        width, height = thin if k % 2 else (70 + 120 * rng.random(), 60 + 130 * rng.random())
        bar = rectangle(a - width / 2, b - height / 2, width, height, colour, 0.85)
        canvas.add(f'<g transform="rotate({angle:.0f} {a:.0f} {b:.0f})">{bar}</g>')
    canvas.add(path(trace("M", x - 232, y, "a232 232 0 0 0 464 0Z"), colours[2], 0.35))
    return Stage(SIDE * 0.8, grounded=False)
