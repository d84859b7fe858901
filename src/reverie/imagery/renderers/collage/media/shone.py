"""Made of light: a photograph with a shallow depth of field, neon tubes in the dark."""

from __future__ import annotations

import base64
import io

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, circle, everywhere
from reverie.imagery.renderers.collage.colour import lightness, mix, tinted
from reverie.imagery.renderers.collage.figures import Manner
from reverie.imagery.renderers.collage.media.base import Base, raster
from reverie.imagery.renderers.collage.media.marks import flecks


def photo(base: Base, rng: np.random.Generator) -> str:
    """Let the setting go out of focus, lights become discs, and the figures stand sharp against the light, with grain."""
    composition = base.composition
    scheme, canvas, horizon = composition.scheme, composition.canvas, composition.stage.horizon
    parts = [_blurred(composition.document(composition.setting()))]
    x, y, _ = composition.sun
    flare = canvas.radial(
        (x, y), SIDE * 0.6, [(0, scheme.palette.glow, 0.75), (0.3, scheme.palette.glow, 0.28), (1, scheme.palette.glow, 0.0)]
    )
    parts.append(everywhere(flare))
    for _ in range(30):
        a, b, radius = SIDE * rng.random(), horizon * (0.15 + 0.95 * rng.random()), 6 + 30 * rng.random() ** 2
        colour = scheme.palette.accent if rng.random() < 0.25 else scheme.palette.glow
        parts += [circle(a, b, radius, colour, 0.1 + 0.16 * rng.random()), circle(a, b, radius * 0.86, colour, 0.07)]
    for number, one in enumerate(composition.placements):
        parts.append(composition.shape(one, mix(scheme.palette.glow, "#ffffff", 0.3), 1.1 * (1 - one.haze), f"r{number}"))
        parts.append(composition.repainted(Manner(pull=0.5, line=0.8, relief=0.17), f"p{number}-", only=number))
    dark = canvas.radial((SIDE / 2, SIDE * 0.48), SIDE * 0.74, [(0.55, "#000000", 0.0), (1, "#000000", 0.5)])
    return "".join([*parts, everywhere(dark), flecks(rng, 1500, "#000000", 1.1, 0.16), flecks(rng, 1500, "#ffffff", 1.1, 0.14)])


def neon(base: Base, rng: np.random.Generator) -> str:
    """Bend the outlines from glowing tubes before a dark room with a floor of lines."""
    composition = base.composition
    scheme = composition.scheme
    night = mix(scheme.palette.ink, "#07060f", 0.55)
    parts = [composition.setting(), everywhere(night, 0.8)]
    horizon = max(composition.stage.horizon, SIDE * 0.58) + 10
    tubes = [
        tinted(one, max(0.72 - lightness(one), 0.0), 1.35)
        for one in (scheme.palette.accent, scheme.tone(0.66), scheme.palette.glow, scheme.tone(0.5))
    ]
    grid = "".join(f"M{SIDE / 2 + a * 40:.0f} {horizon:.0f}L{SIDE / 2 + a * 330:.0f} {SIDE}" for a in range(-12, 13))
    grid += "".join(f"M0 {horizon + (SIDE - horizon) * t**2.2:.0f}H{SIDE}" for t in np.linspace(0.06, 1, 11))
    for width, opacity in ((6, 0.16), (1.6, 0.75)):
        parts.append(f'<path d="{grid}" stroke="{tubes[1]}" stroke-width="{width}" stroke-opacity="{opacity}" fill="none"/>')
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
    return "".join(parts) + f'<path d="{scan}" stroke="#000000" stroke-width="1" stroke-opacity=".22"/>'


def _blurred(svg: str, side: int = 72) -> str:
    """Return a document as a small raster drawn large."""
    from PIL import Image, ImageFilter

    small = Image.fromarray(raster(svg)[..., :3]).resize((side, side), Image.Resampling.BOX).filter(ImageFilter.GaussianBlur(1.1))
    out = io.BytesIO()
    small.save(out, "PNG")
    data = base64.b64encode(out.getvalue()).decode()
    return f'<image x="-6" y="-6" width="{SIDE + 12}" height="{SIDE + 12}" href="data:image/png;base64,{data}"/>'
