"""Printed: lines cut into copper or wood, dots of a screen."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, everywhere, path
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import Floats, flecks, ragged_frame


def engraving(base: Base, rng: np.random.Generator) -> str:
    """Cut swelling lines, level in the setting and slanting on the figures, on toned paper."""
    composition = base.composition
    palette = composition.scheme.palette
    paper, black = mix(palette.paper, "#f3ead6", 0.4), mix(palette.ink, palette.tones[1], 0.15)
    dark = 0.95 * base.darkness
    mask = base.figures
    blank = composition.outlines(black, 2.6, "q", fill=paper)
    parts = [everywhere(mix(paper, palette.tones[3], 0.2)), blank]
    parts.append(path(swelling((1 - mask) * dark, 0.0, 6.2, 5.4, rng, 2.2), black))
    parts.append(path(swelling(mask * dark * 0.9, 0.72, 5.2, 4.4, rng, 0.8), black))
    parts.append(path(swelling(np.clip(dark * 1.55 - 0.82, 0, 1), -0.72, 5.6, 4.2, rng, 0.8), black))
    return "".join([*parts, ragged_frame(rng, 34, 1.2, paper), _plate(black)])


def woodcut(base: Base, rng: np.random.Generator) -> str:
    """Print a block of colour and a block of ink with bold cuts that follow the light."""
    composition = base.composition
    palette = composition.scheme.palette
    dark = base.darkness
    mask = base.figures
    parts = ["".join(composition.canvas.body)]
    angle = 0.16 if composition.scheme.sun_left else -0.16
    parts.append(path(swelling((1 - mask) * np.clip(dark * 1.15 - 0.12, 0, 1), angle, 9.5, 8.0, rng, 4.0), palette.ink, 0.9))
    parts.append(path(swelling(mask * np.clip(dark * 1.3 - 0.55, 0, 0.9), 0.9, 8.0, 6.0, rng, 1.5), palette.ink, 0.9))
    light = np.clip(1.25 * (1 - dark) - 0.72, 0, 0.7)
    parts.append(path(swelling((1 - mask) * light, angle, 15.0, 5.0, rng, 5.0), palette.paper, 0.8))
    return "".join(
        [*parts, flecks(rng, 700, palette.paper, 1.5, 0.6), ragged_frame(rng, 34, 3.5, mix(palette.paper, "#f4ecd8", 0.4))]
    )


def halftone(base: Base, rng: np.random.Generator) -> str:
    """Print flat colour and a screen of ink dots that grow with the darkness, a little out of register."""
    composition = base.composition
    palette = composition.scheme.palette
    paper = mix(palette.paper, "#f7f1e1", 0.4)
    x, y = 2.5 * rng.standard_normal(2)
    moved = f'<g transform="translate({x:.1f} {y:.1f})">{"".join(composition.canvas.body)}</g>'
    parts = [everywhere(paper), moved, everywhere(paper, 0.16)]
    dark = base.darkness
    for colour, angle, pitch, share, opacity in ((palette.accent, 0.26, 10.0, 0.55, 0.35), (palette.ink, 0.785, 8.0, 1.0, 0.72)):
        parts.append(path(_dots(np.clip(dark * 1.25 - 0.25, 0, 1) * share, angle, pitch), colour, opacity))
    return "".join([*parts, flecks(rng, 500, paper, 1.7, 0.6), ragged_frame(rng, 30, 1.0, paper)])


def swelling(dark: Floats, angle: float, spacing: float, most: float, rng: np.random.Generator, wave: float) -> str:
    """Return lines as wide as a raster is dark, up to `most`, gone where it is light."""
    reach, step = SIDE * 0.75, 6.0
    across, along = np.arange(-reach, reach, spacing), np.arange(-reach, reach, step)
    cos, sin = np.cos(angle), np.sin(angle)
    shift = across[:, None] + wave * np.sin(along[None, :] / 95 + across[:, None] / 70)
    x, y = SIDE / 2 + along * cos - shift * sin, SIDE / 2 + along * sin + shift * cos
    inside = (x > -step) & (x < SIDE + step) & (y > -step) & (y < SIDE + step)
    points = np.stack([x, y], axis=-1)
    width = np.where(inside, Base.between(dark, points.reshape(-1, 2)).reshape(x.shape), 0.0) * most / 2
    width = width * (0.86 + 0.28 * rng.random(width.shape))
    width[width < 0.28] = 0.0
    edges = np.diff(np.pad(width > 0, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, begins = np.nonzero(edges == 1)
    _, ends = np.nonzero(edges == -1)
    parts = []
    for row, begin, end in zip(rows.tolist(), begins.tolist(), ends.tolist(), strict=True):
        if end - begin < 2:
            continue
        run, half = points[row, begin:end], width[row, begin:end].copy()
        half[0] = half[-1] = 0.15
        upper = run + np.stack([-sin * half, cos * half], axis=1)
        lower = (run - np.stack([-sin * half, cos * half], axis=1))[::-1]
        values = np.concatenate([upper, lower]).round(1).tolist()
        parts.append("M" + "L".join(f"{a:g} {b:g}" for a, b in values) + "Z")
    return "".join(parts)


def _dots(dark: Floats, angle: float, pitch: float) -> str:
    """Return discs on a turned grid, their area the darkness below."""
    ticks = np.arange(-SIDE * 0.75, SIDE * 0.75, pitch)
    u, v = np.meshgrid(ticks, ticks)
    x, y = SIDE / 2 + u * np.cos(angle) - v * np.sin(angle), SIDE / 2 + u * np.sin(angle) + v * np.cos(angle)
    points = np.stack([x, y], axis=-1).reshape(-1, 2)
    points = points[((points > 0) & (points < SIDE)).all(axis=1)]
    radius = np.sqrt(Base.between(dark, points)) * pitch * 0.62
    kept = radius > 0.55
    rows = np.concatenate([points[kept], radius[kept, None]], axis=1).round(1).tolist()
    return "".join(f"M{a - r:.1f} {b:g}a{r:g} {r:g} 0 1 0 {2 * r:.1f} 0a{r:g} {r:g} 0 1 0 {-2 * r:.1f} 0" for a, b, r in rows)


def _plate(colour: str) -> str:
    return f'<rect x="30" y="30" width="{SIDE - 60}" height="{SIDE - 60}" fill="none" stroke="{colour}" stroke-width="2"/>'
