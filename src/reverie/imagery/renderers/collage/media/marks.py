"""Marks of many colours written briefly: those of one colour share one path."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.renderers.collage.canvas import SIDE, smooth

Floats = NDArray[np.float64]


def names(colours: Floats, steps: int = 16) -> list[str]:
    """Return ``#rrggbb`` of sRGB colours rounded to a number of steps a channel, [N, 3] → N."""
    levels = np.round(np.clip(colours, 0, 1) * (steps - 1)) * (255 / (steps - 1))
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in levels.round().astype(int).tolist()]


def gathered(pieces: Sequence[str], colours: Sequence[str]) -> list[tuple[str, str]]:
    """Return path data by colour, colours in order of their first piece."""
    found: dict[str, list[str]] = defaultdict(list)
    for piece, colour in zip(pieces, colours, strict=True):
        found[colour].append(piece)
    return [(colour, "".join(parts)) for colour, parts in found.items()]


def strokes(starts: Floats, bends: Floats, ends: Floats) -> list[str]:
    """Return path data of curved strokes, three of [N, 2] → N."""
    rows = np.concatenate([starts, bends, ends], axis=1).round(1).tolist()
    return [f"M{a:g} {b:g}Q{c:g} {d:g} {e:g} {f:g}" for a, b, c, d, e, f in rows]


def drawn(pieces: Sequence[str], colours: Sequence[str], width: float, more: str = "", batch: int = 500) -> str:
    """Return strokes as paths, in batches so that later ones lie on earlier ones."""
    out = []
    for start in range(0, len(pieces), batch):
        for colour, d in gathered(pieces[start : start + batch], colours[start : start + batch]):
            out.append(f'<path d="{d}" stroke="{colour}"/>')
    return f'<g fill="none" stroke-width="{width:.3g}" stroke-linecap="round"{more}>{"".join(out)}</g>'


def filled(pieces: Sequence[str], colours: Sequence[str], more: str = "") -> str:
    """Return closed shapes as paths by colour."""
    return f"<g{more}>" + "".join(f'<path d="{d}" fill="{colour}"/>' for colour, d in gathered(pieces, colours)) + "</g>"


def jittered_grid(rng: np.random.Generator, spacing: float, jitter: float = 1.0) -> Floats:
    """Return points on a shaken grid over the picture, in random order → [N, 2]."""
    ticks = np.arange(spacing / 2, SIDE + spacing / 2, spacing)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    points = grid + (rng.random(grid.shape) - 0.5) * spacing * jitter
    return np.asarray(points[rng.permutation(len(points))])


def ragged_frame(rng: np.random.Generator, margin: float, rough: float, colour: str) -> str:
    """Return a margin of paper whose inner edge wanders."""
    n = 72
    ticks = np.linspace(0, 2 * np.pi, 4 * n, endpoint=False)
    wander = sum(np.sin(ticks * k + 2 * np.pi * rng.random()) / k**0.7 for k in (3, 7, 13, 29))
    wander = rough * (0.42 * wander + 0.9 * (rng.random(4 * n) - 0.5) * (rng.random(4 * n) < 0.4))
    t, near = np.linspace(margin, SIDE - margin, n), margin + wander
    sides = (t, near[:n]), (SIDE - near[n : 2 * n], t), (t[::-1], SIDE - near[2 * n : 3 * n]), (near[3 * n :], t[::-1])
    inner = np.concatenate([np.stack(side, axis=1)[1:] for side in sides])
    return f'<path fill-rule="evenodd" fill="{colour}" d="M-2 -2H{SIDE + 2}V{SIDE + 2}H-2Z{smooth(inner, closed=True)}"/>'


def flecks(rng: np.random.Generator, n: int, colour: str, width: float, opacity: float) -> str:
    """Return small grains scattered over the picture."""
    places = (rng.random((n, 2)) * SIDE).round().astype(int).tolist()
    d = "".join(f"M{x} {y}h{width:g}v{width:g}h-{width:g}Z" for x, y in places)
    return f'<path d="{d}" fill="{colour}" fill-opacity="{opacity:g}" shape-rendering="crispEdges"/>'
