"""Made of light: a photograph with a shallow depth of field, neon tubes in the dark."""

from __future__ import annotations

import base64
import io

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, circle, everywhere
from reverie.imagery.renderers.collage.colour import lightness, mix, tinted
from reverie.imagery.renderers.collage.media.base import Base, raster
from reverie.imagery.renderers.collage.media.marks import flecks


def photo(base: Base, rng: np.random.Generator) -> str:
    """Let the setting go out of focus, lights become discs, and the figures stand sharp, with grain."""
    composition = base.composition
    scheme = composition.scheme
    parts = [_blurred(composition.document(composition.setting()))]
    for _ in range(34):
        x, y, radius = SIDE * rng.random(), composition.stage.horizon * (0.15 + 0.95 * rng.random()), 6 + 30 * rng.random() ** 2
        colour = scheme.palette.accent if rng.random() < 0.25 else scheme.palette.glow
        parts.append(
            circle(
                x,
                y,
                radius,
                colour,
                f' opacity="{0.07 + 0.16 * rng.random():.2f}" stroke="{colour}" stroke-opacity=".5" stroke-width="1.5"',
            )
        )
    parts.append(composition.canvas.body[composition.behind])
    sun = composition.sun
    flare = composition.canvas.radial(
        sun[:2], SIDE * 0.7, [(0, scheme.palette.glow, 0.55), (0.3, scheme.palette.glow, 0.2), (1, scheme.palette.glow, 0.0)]
    )
    dark = composition.canvas.radial((SIDE / 2, SIDE / 2), SIDE * 0.72, [(0.5, "#000000", 0.0), (1, "#000000", 0.62)])
    tint = composition.canvas.linear(
        (0, 0), (0, SIDE), [(0, scheme.tone(0.3), 0.22), (0.5, scheme.tone(0.6), 0.0), (1, scheme.tone(0.1), 0.3)]
    )
    return "".join(
        [
            *parts,
            everywhere(flare),
            everywhere(tint),
            everywhere(dark),
            flecks(rng, 2600, "#000000", 0.9, 0.16),
            flecks(rng, 2600, "#ffffff", 0.9, 0.14),
        ]
    )


def neon(base: Base, rng: np.random.Generator) -> str:
    """Bend the outlines from glowing tubes before a dark room with a floor of lines."""
    composition = base.composition
    scheme = composition.scheme
    night = mix(scheme.palette.ink, "#07060f", 0.55)
    parts = [everywhere(night), f'<g opacity=".2">{composition.setting()}</g>']
    horizon = max(composition.stage.horizon, SIDE * 0.58) + 10
    tubes = [
        tinted(one, max(0.72 - lightness(one), 0.0), 1.35)
        for one in (scheme.palette.accent, scheme.tone(0.66), scheme.palette.glow, scheme.tone(0.5))
    ]
    grid = "".join(f"M{SIDE / 2 + a * 40:.0f} {horizon:.0f}L{SIDE / 2 + a * 330:.0f} {SIDE}" for a in range(-12, 13))
    grid += "".join(f"M0 {horizon + (SIDE - horizon) * t**2.2:.0f}H{SIDE}" for t in np.linspace(0.06, 1, 11))
    for width, opacity in ((6, 0.16), (1.6, 0.75)):
        parts.append(f'<path d="{grid}" stroke="{tubes[1]}" stroke-width="{width}" opacity="{opacity}" fill="none"/>')
    x, y = SIDE / 2, SIDE * 0.44
    halo = composition.canvas.radial((x, y), SIDE * 0.5, [(0, tubes[0], 0.42), (0.6, tubes[1], 0.14), (1, tubes[1], 0.0)])
    parts.append(everywhere(halo))
    for number, one in enumerate(composition.placements):
        colour = tubes[one.index % len(tubes)]
        parts.append(f'<g opacity=".55">{composition.shape(one, mix(night, colour, 0.14), 0, f"b{number}")}</g>')
        for width, opacity, paint in (
            (20, 0.10, colour),
            (12, 0.2, colour),
            (6.5, 0.75, colour),
            (2.4, 1.0, mix(colour, "#ffffff", 0.75)),
        ):
            parts.append(f'<g opacity="{opacity}">{composition.outlines(paint, width, f"n{number}-{width}-", only=number)}</g>')
    scan = "".join(f"M0 {level}H{SIDE}" for level in range(0, SIDE, 4))
    return "".join(parts) + f'<path d="{scan}" stroke="#000000" stroke-width="1" opacity=".22"/>'


def _blurred(svg: str, side: int = 72) -> str:
    """Return a document as a small raster drawn large."""
    from PIL import Image, ImageFilter

    small = Image.fromarray(raster(svg)[..., :3]).resize((side, side), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1.1))
    out = io.BytesIO()
    small.save(out, "PNG")
    data = base64.b64encode(out.getvalue()).decode()
    return f'<image x="-6" y="-6" width="{SIDE + 12}" height="{SIDE + 12}" preserveAspectRatio="none" href="data:image/png;base64,{data}"/>'
