"""Drawn by hand: pencil in crossing lines, ink with a brush on wet paper."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.renderers.collage.canvas import SIDE, everywhere, lines, trace
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.figures import Manner
from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import flecks, ragged_frame


def pencil(base: Base, rng: np.random.Generator) -> str:
    """Hatch in one to four directions as it gets darker, a hint of colour below, outlines drawn twice."""
    composition = base.composition
    palette = composition.scheme.palette
    paper, lead = mix(palette.paper, "#f7f3ea", 0.6), mix(palette.ink, "#33302e", 0.5)
    parts = ["".join(composition.canvas.body), everywhere(paper, 0.7)]
    dark = base.darkness + 0.04 * base.figures
    for least, angle, spacing in ((0.14, 0.75, 7.2), (0.38, -0.7, 6.8), (0.6, 0.2, 6.4), (0.8, 1.4, 6.0)):
        d = hatching(dark > least, angle, spacing, rng, 1.3)
        parts.append(f'<path d="{d}" fill="none" stroke="{lead}" stroke-width="1.15" stroke-linecap="round" stroke-opacity=".6"/>')
    if composition.placements:
        parts.append(f'<g opacity=".72">{composition.repainted(Manner(pull=0.8, line=2.4), "h")}</g>')
    return "".join([*parts, flecks(rng, 700, paper, 1.8, 0.5), ragged_frame(rng, 30, 4, paper)])


def ink(base: Base, rng: np.random.Generator) -> str:
    """Let a grey wash fade into the paper, one colour kept, outlines by a loaded brush."""
    composition = base.composition
    palette = composition.scheme.palette
    paper, black = mix(palette.paper, "#f6f0e2", 0.7), mix(palette.ink, "#14130f", 0.6)
    fade = composition.canvas.radial((SIDE / 2, SIDE * 0.52), SIDE * 0.62, [(0, paper, 0.0), (0.55, paper, 0.1), (1, paper, 0.96)])
    parts = [composition.setting(), everywhere(paper, 0.5), everywhere(fade)]
    x, y, radius = composition.sun
    parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{radius * 0.9:.0f}" fill="{palette.accent}" fill-opacity=".88"/>')
    if composition.placements:
        parts.append(f'<g opacity=".9">{composition.repainted(Manner(pull=0.85, line=5.0, relief=0.14), "h")}</g>')
    seal = f'<rect x="{SIDE - 104}" y="{SIDE - 116}" width="34" height="38" rx="4" fill="{palette.accent}"/>'
    strokes = trace(
        "M", SIDE - 96, SIDE - 106, "h18M", SIDE - 87, SIDE - 110, "v26M", SIDE - 96, SIDE - 94, "h18M", SIDE - 96, SIDE - 86, "h18"
    )
    cut = lines(strokes, paper, 2.4)
    drops = "".join(
        f'<circle cx="{a:.0f}" cy="{b:.0f}" r="{0.8 + 4 * c**4:.1f}" fill="{black}" fill-opacity=".6"/>'
        for a, b, c in (rng.random((22, 3)) * (SIDE, SIDE, 1)).tolist()
    )
    return "".join([*parts, drops, seal, cut, ragged_frame(rng, 26, 5, paper)])


def hatching(dark: NDArray[np.bool_], angle: float, spacing: float, rng: np.random.Generator, wobble: float) -> str:
    """Return parallel lines at an angle wherever a raster is dark, ends uneven."""
    reach, step = SIDE * 0.75, 5.0
    across = np.arange(-reach, reach, spacing)
    along = np.arange(-reach, reach, step)
    cos, sin = np.cos(angle), np.sin(angle)
    shift = across[:, None] + wobble * 0.6 * np.sin(along[None, :] / 60 + 6 * rng.random((len(across), 1)))
    x = SIDE / 2 + along[None, :] * cos - shift * sin
    y = SIDE / 2 + along[None, :] * sin + shift * cos
    inside = (x >= 0) & (x < SIDE) & (y >= 0) & (y < SIDE)
    points = np.stack([x, y], axis=-1)
    on = inside & Base.at(dark.astype(np.float64), points.reshape(-1, 2)).reshape(x.shape).astype(bool)
    on &= rng.random(x.shape) > 0.02  # the hand lifts now and then
    edges = np.diff(np.pad(on, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, begin = np.nonzero(edges == 1)
    _, end = np.nonzero(edges == -1)
    end = end - 1
    long = end > begin
    rows, begin, end = rows[long], begin[long], end[long]
    first = points[rows, begin] + wobble * (rng.random((len(rows), 2)) - 0.5)
    middle = points[rows, (begin + end) // 2] + wobble * (rng.random((len(rows), 2)) - 0.5)
    last = points[rows, end] + wobble * (rng.random((len(rows), 2)) - 0.5)
    values = np.concatenate([first, 2 * middle - (first + last) / 2, last], axis=1).round(1).tolist()
    return "".join(f"M{a:g} {b:g}Q{c:g} {e:g} {f:g} {g:g}" for a, b, c, e, f, g in values)
