"""Watercolour: transparent washes on white paper, pigment at their edges, one over the other."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, everywhere, lines, path, smooth
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.figures import Manner
from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import flecks, jittered_grid, names, ragged_frame

PAPER = "#fbf8f0"


def watercolour(base: Base, rng: np.random.Generator) -> str:
    """Lay washes in the colours of the setting, then the figures three times, shaken, thin as glaze."""
    composition = base.composition
    parts = [composition.setting(), everywhere(PAPER, 0.58)]
    parts += [_washes(base, rng, 92, 116, 0.34), _washes(base, rng, 62, 56, 0.24)]
    if composition.placements:
        flat = composition.repainted(Manner(pull=0.9, line=0.0, relief=0.0), "u", plain=True)
        parts.append(f'<g opacity=".6">{flat}</g>')
    for number, opacity in enumerate((0.62, 0.5) if composition.placements else ()):
        x, y = 2.6 * rng.standard_normal(2)
        figures = composition.repainted(Manner(line=0.0 if number else 1.5, relief=0.18), f"w{number}-", plain=number > 0)
        turn = f"translate({x:.1f} {y:.1f}) rotate({0.3 * rng.standard_normal():.2f} 384 384)"
        parts.append(f'<g transform="{turn}" opacity="{opacity}">{figures}</g>')
    parts += [_blooms(base, rng), flecks(rng, 600, PAPER, 1.8, 0.55), _spatter(base, rng), ragged_frame(rng, 38, 7, PAPER)]
    return "".join(parts)


def _blob(rng: np.random.Generator, x: float, y: float, radius: float, n: int = 13) -> str:
    """Return an uneven closed curve around a point."""
    angles = np.sort(rng.random(n)) * 2 * np.pi
    radii = radius * (0.72 + 0.5 * rng.random(n))
    return smooth(np.stack([x + radii * np.cos(angles), y + 0.8 * radii * np.sin(angles)], axis=1), closed=True)


def _washes(base: Base, rng: np.random.Generator, spacing: float, radius: float, opacity: float) -> str:
    """Return blots in the colours below them, each darker along its edge."""
    points = jittered_grid(rng, spacing)
    colours = names(base.at(base.colours, points))
    parts = []
    for (x, y), colour in zip(points.tolist(), colours, strict=True):
        d = _blob(rng, x, y, radius * (0.6 + 0.6 * rng.random()))
        parts.append(f'<path d="{d}" fill="{colour}" stroke="{mix(colour, "#000000", 0.12)}" stroke-opacity=".5"/>')
    return f'<g fill-opacity="{opacity}" stroke-width="1.3">{"".join(parts)}</g>'


def _blooms(base: Base, rng: np.random.Generator) -> str:
    """Return pale blots where water ran back into a wash."""
    parts = []
    for _ in range(7):
        x, y, radius = *(rng.random(2) * SIDE), 24 + 50 * rng.random()
        ring = _blob(rng, x, y, radius, 30)
        parts += [path(ring, PAPER, 0.16), lines(ring, base.composition.scheme.tone(0.4), 2, 0.16)]
    return "".join(parts)


def _spatter(base: Base, rng: np.random.Generator) -> str:
    """Return drops that fell from the brush."""
    tones = base.composition.scheme.palette
    parts = []
    for _ in range(26):
        x, y = rng.random(2) * SIDE
        colour = tones.accent if rng.random() < 0.35 else tones.tones[int(rng.integers(1, 4))]
        parts.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{0.8 + 3.4 * rng.random() ** 3:.1f}" fill="{colour}" fill-opacity=".5"/>'
        )
    return "".join(parts)
