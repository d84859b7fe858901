"""Painted with a brush or a stick of pastel: strokes that follow the forms, coarse first, fine where there is detail."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import everywhere
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import Floats, drawn, flecks, jittered_grid, names, ragged_frame, strokes

COARSE = ' shape-rendering="crispEdges"'
"""For marks that finer ones cover: a third of the time."""


def oil(base: Base, rng: np.random.Generator) -> str:
    """Paint in four layers of strokes, finer ones where there is detail; thick paint catches light along its edge."""
    parts = [everywhere(names(base.colours.mean(axis=(0, 1))[None])[0])]
    for spacing, width, length, least in ((30, 34, 70, 0.0), (17, 17, 44, 0.0), (9.5, 8.5, 24, 0.13)):
        points = _where(base, rng, spacing, least)
        pieces, colours = _strokes(base, points, length, rng, jitter=0.035)
        parts.append(drawn(pieces, names(colours), width, COARSE))
        if width > 10:
            chosen = rng.random(len(points)) < 0.4
            shifted, _ = _strokes(base, points[chosen] + (-width * 0.28, -width * 0.28), length * 0.8, rng, jitter=0.0)
            parts.append(drawn(shifted, names(np.clip(colours[chosen] + 0.09, 0, 1), 12), width * 0.13, ' stroke-opacity=".5"'))
    parts.append(f'<g opacity=".5">{base.composition.figures()}</g>')
    points = _where(base, rng, 6.5, 0.34)
    pieces, colours = _strokes(base, points, 17, rng, jitter=0.045)
    parts.append(drawn(pieces, names(colours), 4.4, ' stroke-opacity=".75"'))
    thin = [number for number, one in enumerate(base.composition.placements) if base.composition.sprites[one.index].thin]
    ink = base.composition.scheme.palette.ink
    parts += [f'<g opacity=".6">{base.composition.outlines(ink, 2.6, "l", only=number)}</g>' for number in thin]
    return "".join(parts)


def pastel(base: Base, rng: np.random.Generator) -> str:
    """Rub broken strokes of chalk over a tinted paper that stays visible."""
    palette = base.composition.scheme.palette
    ground = mix(palette.tones[2], palette.paper, 0.55)
    parts = ["".join(base.composition.canvas.body), everywhere(ground, 0.3)]
    for spacing, width, length, least, more in ((16, 11, 52, 0.0, COARSE), (9, 5.5, 26, 0.12, COARSE), (6.5, 2.8, 15, 0.3, "")):
        points = _where(base, rng, spacing, least)
        pieces, colours = _strokes(base, points, length, rng, jitter=0.06, slant=-0.9 if least == 0 else None)
        parts.append(drawn(pieces, names(colours * 0.92 + 0.08), width, f' stroke-opacity=".6"{more}'))
        if least == 0:
            parts.append(f'<g opacity=".45">{base.composition.figures()}</g>')
    parts += [flecks(rng, 1400, ground, 2.2, 0.55), flecks(rng, 500, palette.paper, 1.4, 0.5), ragged_frame(rng, 28, 4, ground)]
    return "".join(parts)


def _where(base: Base, rng: np.random.Generator, spacing: float, least: float) -> Floats:
    """Return points for strokes: everywhere, or where there is so much detail or a figure → [N, 2]."""
    points = jittered_grid(rng, spacing)
    return points[np.maximum(base.at(base.detail, points), 0.4 * base.at(base.figures, points)) >= least]


def _strokes(
    base: Base, points: Floats, length: float, rng: np.random.Generator, jitter: float, slant: float | None = None
) -> tuple[list[str], Floats]:
    """Return strokes through points along the flow, and their colours → [N, 3]."""
    angle = base.at(base.flow, points) if slant is None else np.full(len(points), slant)
    angle = angle + 0.35 * (rng.random(len(points)) - 0.5)
    half = length * (0.35 + 0.3 * rng.random(len(points)))
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1) * half[:, None]
    bend = np.stack([-way[:, 1], way[:, 0]], axis=1) * (0.3 * (rng.random(len(points)) - 0.5))[:, None]
    colours = base.at(base.colours, points)
    colours = colours + jitter * rng.standard_normal((len(points), 1)) + 0.4 * jitter * rng.standard_normal((len(points), 3))
    return strokes(points - way, points + bend, points + way), np.clip(colours, 0, 1)
