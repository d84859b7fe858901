"""Put together from pieces: tesserae, leaded glass, cut paper."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, everywhere, lines, path, trace
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.figures import Manner
from reverie.imagery.renderers.collage.media.base import Base
from reverie.imagery.renderers.collage.media.marks import Floats, filled, flecks, jittered_grid, names, ragged_frame


def mosaic(base: Base, rng: np.random.Generator) -> str:
    """Set tiles along the flow of the forms, small ones for figures; what is drawn shows through them a little."""
    grout = mix(base.composition.scheme.palette.ink, "#6b655c", 0.45)
    parts = [everywhere(grout)]
    for size, chosen in ((13.5, False), (9.0, True)):
        points = jittered_grid(rng, size, 0.16)
        on = np.maximum(base.at(base.figures, points), 1.6 * base.at(base.detail, points)) > 0.5
        points = points[on == chosen]
        noise = 0.035 * rng.standard_normal((len(points), 1)) + 0.012 * rng.standard_normal((len(points), 3))
        colours = base.at(base.colours, points) + noise
        angle = np.where(base.at(base.detail, points) > 0.12, base.at(base.flow, points), 0.0) + 0.12 * (
            rng.random(len(points)) - 0.5
        )
        half = size * (0.45 + 0.05 * rng.random(len(points)))
        parts.append(filled(_tiles(points, angle, half, rng), names(colours, 18)))
        if chosen and base.composition.placements:
            figures = base.composition.repainted(Manner(line=4.0, relief=0.12), "t")
            joints = _tiles(points, angle, half, rng)
            parts += [f'<g opacity=".55">{figures}</g>', lines("".join(joints), grout, 1.2, 0.75)]
        lit = _tiles(points - size * 0.13, angle, half * 0.42, rng)
        parts.append(path("".join(lit), "#ffffff", 0.1))
    return "".join(parts)


def glass(base: Base, rng: np.random.Generator) -> str:
    """Lead coloured panes together; the figures are panes of their own under bold cames."""
    from scipy.spatial import Voronoi

    composition = base.composition
    points = jittered_grid(rng, 58, 0.85)
    outside = points[base.at(base.figures, points) < 0.5]
    frame = np.array(
        [
            (a, b)
            for a in (-400.0, SIDE / 2, SIDE + 400.0)
            for b in (-400.0, SIDE / 2, SIDE + 400.0)
            if (a, b) != (SIDE / 2, SIDE / 2)
        ]
    )
    cells = Voronoi(np.concatenate([outside, frame]))
    pieces, centres = [], []
    for index in range(len(outside)):
        region = cells.regions[cells.point_region[index]]
        if region and -1 not in region:
            pieces.append("M" + "L".join(f"{x:.0f} {y:.0f}" for x, y in np.clip(cells.vertices[region], -60, SIDE + 60)) + "Z")
            centres.append(outside[index])
    at = np.array(centres)
    colours = base.at(base.colours, at)
    grey = colours.mean(axis=1, keepdims=True)
    colours = np.clip(grey + (colours - grey) * 1.45 + 0.06 * rng.standard_normal((len(at), 1)), 0, 1)
    lead = mix(composition.scheme.palette.ink, "#141416", 0.6)
    panes = filled(pieces, names(colours), f' stroke="{lead}" stroke-width="4" stroke-linejoin="round"')
    shine = f'<path d="{"".join(pieces)}" fill="#ffffff" fill-opacity=".07" transform="translate(-5 -6)"/>'
    glow = composition.canvas.radial(
        composition.sun[:2], SIDE * 0.6, [(0, composition.scheme.palette.glow, 0.5), (1, composition.scheme.palette.glow, 0.0)]
    )
    figures = composition.repainted(Manner(pull=0.5, line=6.0, relief=0.08, leaded=True), "g")
    rim = f'<rect x="9" y="9" width="{SIDE - 18}" height="{SIDE - 18}" fill="none" stroke="{lead}" stroke-width="18"/>'
    return panes + shine + everywhere(glow) + figures + rim


def paper(base: Base, rng: np.random.Generator) -> str:
    """Lay cut sheets over each other, each with its shadow; the figures keep a narrow pale edge."""
    composition = base.composition
    palette = composition.scheme.palette
    parts = [composition.setting()]
    for number, one in enumerate(composition.placements):
        grown = 2.0 + 0.008 * one.height
        edge = mix(mix(palette.paper, "#ffffff", 0.5), composition.scheme.sky_low, one.haze)
        for way, opacity in ((9, 0.14), (5.5, 0.18), (2.5, 0.22)):
            shade = composition.shape(one, palette.ink, grown, f"s{number}-{way}")
            parts.append(f'<g transform="translate({composition.scheme.side * way} {way * 1.3})" opacity="{opacity}">{shade}</g>')
        parts.append(composition.shape(one, edge, grown, f"e{number}"))
        parts.append(composition.repainted(Manner(pull=0.75, line=1.2, relief=0.05), f"p{number}-", only=number, plain=True))
    fibres = "".join(trace("M", x, y, "q", 4 * a, 5 * b, 9 * a, 3 * b) for x, y, a, b in _scatter(rng, 300))
    parts.append(lines(fibres, palette.paper, 1.0, 0.35))
    return "".join([*parts, flecks(rng, 400, palette.ink, 1.0, 0.2), ragged_frame(rng, 22, 3, mix(palette.paper, "#ffffff", 0.5))])


def _scatter(rng: np.random.Generator, n: int) -> list[list[float]]:
    places = rng.random((n, 4))
    rows: list[list[float]] = np.concatenate([places[:, :2] * SIDE, places[:, 2:] * 2 - 1], axis=1).tolist()
    return rows


def _tiles(points: Floats, angle: Floats, half: Floats, rng: np.random.Generator) -> list[str]:
    """Return uneven squares around points, turned, as path data."""
    corners = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])[None] * half[:, None, None]
    corners = corners * (1 + 0.1 * (rng.random(corners.shape) - 0.5))
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x = points[:, :1] + corners[..., 0] * cos - corners[..., 1] * sin
    y = points[:, 1:] + corners[..., 0] * sin + corners[..., 1] * cos
    rows = np.stack([x, y], axis=-1).reshape(len(points), 8).round(1).tolist()
    return [f"M{a:g} {b:g}L{c:g} {d:g} {e:g} {f:g} {g:g} {h:g}Z" for a, b, c, d, e, f, g, h in rows]
