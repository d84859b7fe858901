"""A picture from a look and its objects: setting, depth, light; then the medium."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, everywhere
from reverie.imagery.renderers.collage.figures import Manner, paint_figure
from reverie.imagery.renderers.collage.layout import arrange
from reverie.imagery.renderers.collage.lighting import LIGHTS, Scheme
from reverie.imagery.renderers.collage.places import place
from reverie.imagery.renderers.collage.reading import Look
from reverie.imagery.renderers.collage.settings import SETTINGS
from reverie.imagery.renderers.collage.sprites import Sprite


def compose(look: Look, sprites: Sequence[Sprite], rng: np.random.Generator, manner: Manner) -> Canvas:
    """Compose the picture before its medium."""
    scheme = Scheme(look.palette, LIGHTS[look.light], sun_left=bool(rng.random() < 0.5))
    setting = look.setting or choose_setting(look, sprites, rng)
    horizon = SIDE * {"low": 0.70, "high": 0.46, "near": 0.66}.get(look.viewpoint, 0.60)
    canvas = Canvas()
    stage = SETTINGS[setting](canvas, scheme, rng, horizon, _sun(look, scheme, horizon, rng))
    if sprites:
        for number, one in enumerate(arrange(look.composition, look.viewpoint, sprites, stage, rng)):
            paint_figure(canvas, scheme, manner, stage, sprites[one.index], one, f"o{number}-")
    dark = scheme.tone(0.0)
    stops = [(0, dark, 0.0), (0.62, dark, 0.0), (1, dark, scheme.light.edge)]
    canvas.add(everywhere(canvas.radial((SIDE / 2, SIDE * 0.48), SIDE * 0.74, stops)))
    return canvas


def choose_setting(look: Look, sprites: Sequence[Sprite], rng: np.random.Generator) -> str:
    """Return a setting that suits the composition and what is shown, where the form names none."""
    by_layout = {
        "radial": ["burst", "night", "field"],
        "frame": ["niche"],
        "still": ["interior", "interior", "niche"],
        "scattered": ["night", "field", "burst", "sea"],
    }
    if look.composition in by_layout:
        return str(rng.choice(by_layout[look.composition]))
    where = [place(sprite) for sprite in sprites]
    if where and (where[0] == "water" or where.count("water") >= 2):
        return "sea"
    usual = (
        ["night", "night", "hills", "mountains"]
        if look.light == "moon"
        else ["hills", "mountains", "desert", "sea", "forest", "burst"]
    )
    if where and where[0] == "ground":
        usual = [*usual, "interior", "niche", "desert"]
    return str(rng.choice(usual))


def _sun(look: Look, scheme: Scheme, horizon: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return place and radius of the sun or the moon."""
    x = SIDE * (0.5 if look.light in ("back", "rays") or look.composition == "radial" else (0.27 if scheme.sun_left else 0.73))
    radius = SIDE * (0.07 if scheme.light.night else 0.085 + 0.05 * rng.random())
    if look.light in ("back", "dawn", "golden"):
        radius *= 1.7
    return x, max(horizon * (1 - scheme.light.height * 0.9) - radius * 0.4, radius * 1.3), radius
