"""Painted with a brush or a stick of pastel: strokes that follow the forms, coarse first, fine where there is detail."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import everywhere
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import Floats, drawn, flecks, jittered_grid, names, ragged_frame, strokes


def oil(base: Base, rng: np.random.Generator) -> str:
    """Paint in four layers of strokes, the last ones lit as thick paint is."""
    parts = ["".join(base.composition.canvas.body)]
    for spacing, width, length, least in ((30, 34, 70, 0.0), (17, 17, 44, 0.0), (9, 8.5, 24, 0.13), (5.5, 4.6, 14, 0.3)):
        points = jittered_grid(rng, spacing)
        wanted = np.maximum(base.at(base.detail, points), 0.36 * base.at(base.figures, points)) >= least
        points = points[wanted]
        pieces, colours = _strokes(base, points, length, rng, jitter=0.035)
        parts.append(drawn(pieces, names(colours), width))
        if width > 10:  # the ridge that a brush leaves beside its stroke
            lit = np.clip(colours + 0.09, 0, 1)
            chosen = rng.random(len(points)) < 0.5
            shifted, _ = _strokes(base, points[chosen] + (-width * 0.28, -width * 0.28), length * 0.8, rng, jitter=0.0)
            parts.append(drawn(shifted, names(lit[chosen]), width * 0.13, ' opacity=".55"'))
    return "".join(parts)


def pastel(base: Base, rng: np.random.Generator) -> str:
    """Rub broken strokes of chalk over a tinted paper that stays visible."""
    palette = base.composition.scheme.palette
    ground = mix(palette.tones[2], palette.paper, 0.55)
    parts = [f'<g opacity=".62">{"".join(base.composition.canvas.body)}</g>']
    for spacing, width, length, least, dashes in (
        (13, 10, 46, 0.0, "7 1.5 3 1"),
        (8, 5, 26, 0.1, "5 1 2 1.5"),
        (5, 2.6, 13, 0.26, "4 1"),
    ):
        points = jittered_grid(rng, spacing)
        wanted = np.maximum(base.at(base.detail, points), 0.5 * base.at(base.figures, points)) >= least
        points = points[wanted]
        pieces, colours = _strokes(base, points, length, rng, jitter=0.06, slant=-0.9 if least == 0 else None)
        parts.append(drawn(pieces, names(colours * 0.92 + 0.08, 20), width, f' opacity=".7" stroke-dasharray="{dashes}"'))
    parts += [flecks(rng, 2600, ground, 2.1, 0.5), flecks(rng, 900, palette.paper, 1.3, 0.5), ragged_frame(rng, 26, 5, ground)]
    return everywhere(ground) + "".join(parts)


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
