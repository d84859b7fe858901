"""A picture from a look and its objects: setting, depth, light; then the medium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, document, rectangle
from reverie.imagery.renderers.collage.figures import Manner, paint_figure, scale_of, transform_of
from reverie.imagery.renderers.collage.layout import arrange
from reverie.imagery.renderers.collage.lighting import LIGHTS, Scheme
from reverie.imagery.renderers.collage.placement import Placement
from reverie.imagery.renderers.collage.places import place
from reverie.imagery.renderers.collage.reading import Look
from reverie.imagery.renderers.collage.settings.choose import SETTINGS, choose_setting
from reverie.imagery.renderers.collage.settings.stage import Stage
from reverie.imagery.renderers.collage.settings.wide import shore
from reverie.imagery.renderers.collage.sprites import Sprite


@dataclass(frozen=True)
class Composition:
    """A composed picture before its medium.

    Parameters
    ----------
    canvas : Canvas
        Setting and figures; the first `behind` elements are the setting.
    behind : int
    scheme : Scheme
    stage : Stage
    sprites, placements : sequences
    sun : tuple of float
        Place and radius.
    """

    canvas: Canvas
    behind: int
    scheme: Scheme
    stage: Stage
    sprites: Sequence[Sprite]
    placements: Sequence[Placement]
    sun: tuple[float, float, float]

    def setting(self) -> str:
        """Return the setting alone."""
        return "".join(self.canvas.body[: self.behind])

    def figures(self) -> str:
        """Return the objects alone, with their shadows, as they were composed."""
        return self.canvas.body[self.behind]

    def repainted(self, manner: Manner, name: str, only: int | None = None, plain: bool = False) -> str:
        """Return the objects painted in another manner, or only one of them; plain ones without shadow and halo."""
        sheet = Canvas()
        sheet.defs = self.canvas.defs
        for number, one in enumerate(self.placements):
            if only is None or number == only:
                paint_figure(sheet, self.scheme, manner, self.stage, self.sprites[one.index], one, f"{name}{number}-", plain)
        return "".join(sheet.body)

    def outlines(self, colour: str, width: float, name: str, only: int | None = None, fill: str = "none") -> str:
        """Return the lines of the objects, or of only one of them, thinner where they are far; a fill hides what is behind."""
        drawn = []
        for number, one in enumerate(self.placements):
            if only is None or number == only:
                sprite = self.sprites[one.index]
                bold = width * (1 - 0.5 * one.haze) * (1.4 if sprite.thin else 1.0)
                lines = sprite.outlines(colour, bold / scale_of(sprite, one), f"{name}{number}-", fill)
                drawn.append(f'<g transform="{transform_of(sprite, one)}">{lines}</g>')
        return "".join(drawn)

    def shape(self, one: Placement, paint: str, grown: float, name: str) -> str:
        """Return an object as a flat shape, grown at its edge."""
        sprite = self.sprites[one.index]
        flat = sprite.silhouette(paint, 2 * grown / scale_of(sprite, one), f"{name}-")
        return f'<g transform="{transform_of(sprite, one)}">{flat}</g>'

    def document(self, inner: str | None = None) -> str:
        """Return a document of the whole, or of other elements with the same definitions."""
        body = "".join(self.canvas.body) if inner is None else inner
        return document(f"<defs>{''.join(self.canvas.defs)}</defs>{body}")


def compose(look: Look, sprites: Sequence[Sprite], rng: np.random.Generator, manner: Manner) -> Composition:
    """Compose the picture before its medium."""
    scheme = Scheme(look.palette, LIGHTS[look.light], sun_left=bool(rng.random() < 0.5))
    setting = look.setting or choose_setting(look, sprites, rng)
    if setting == "studio" and not sprites:  # nothing to show and no form: shapes that mean nothing
        setting = "field"
    horizon = SIDE * {"low": 0.70, "high": 0.46, "near": 0.66}.get(look.viewpoint, 0.60)
    canvas = Canvas()
    sun = place_sun(look, scheme, horizon, rng)
    stage = SETTINGS[setting](canvas, scheme, rng, horizon, sun)
    if stage.water and sprites and place(sprites[0]) in ("ground", "far"):
        stage = shore(canvas, scheme, rng, stage)
    behind = len(canvas.body)
    placements = arrange(look.composition, look.viewpoint, sprites, stage, rng) if sprites else []
    whole = Composition(canvas, behind, scheme, stage, sprites, placements, sun)
    canvas.add(whole.repainted(manner, "o"))
    return whole


def vignette(canvas: Canvas, scheme: Scheme) -> str:
    """Return a darkening towards the edges, as strong as the light has it."""
    dark, deep, strength = scheme.tone(0.0), SIDE * 0.24, scheme.light.edge * 0.8
    fade = [(0, dark, strength), (1, dark, 0.0)]
    return "".join(
        [
            rectangle(0, 0, deep, SIDE, canvas.linear((0, 0), (deep, 0), fade)),
            rectangle(SIDE - deep, 0, deep, SIDE, canvas.linear((SIDE, 0), (SIDE - deep, 0), fade)),
            rectangle(0, 0, SIDE, deep, canvas.linear((0, 0), (0, deep), fade)),
            rectangle(0, SIDE - deep, SIDE, deep, canvas.linear((0, SIDE), (0, SIDE - deep), fade)),
        ]
    )


def place_sun(look: Look, scheme: Scheme, horizon: float, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return place and radius of the sun or the moon."""
    x = SIDE * (0.5 if look.light in ("back", "rays") or look.composition == "radial" else (0.27 if scheme.sun_left else 0.73))
    radius = SIDE * (0.07 if scheme.light.night else 0.085 + 0.05 * rng.random())
    if look.light in ("back", "dawn", "golden"):
        radius *= 1.7
    return x, max(horizon * (1 - scheme.light.height * 0.9) - radius * 0.4, radius * 1.3), radius
