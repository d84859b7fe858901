"""Objects painted into a picture: colours of the palette, light from one side, shadows, haze."""

from __future__ import annotations

from dataclasses import dataclass

from reverie.imagery.renderers.collage.canvas import Canvas, circle
from reverie.imagery.renderers.collage.colour import distance, lightness, mix, tinted
from reverie.imagery.renderers.collage.lighting import Scheme
from reverie.imagery.renderers.collage.placement import Placement
from reverie.imagery.renderers.collage.settings.stage import Stage
from reverie.imagery.renderers.collage.sprites import Sprite


@dataclass(frozen=True)
class Manner:
    """How objects are painted.

    Parameters
    ----------
    pull : float
        How far colours go towards the palette, from 0 to 1.
    line : float
        Width of outlines in units of the picture; 0 leaves them out where a thing is filled.
    relief : float
        Difference of lightness between the lit and the shaded side.
    leaded : bool
        Whether lines are dark whatever the light.
    """

    pull: float = 0.5
    line: float = 3.0
    relief: float = 0.1
    leaded: bool = False


def scale_of(sprite: Sprite, one: Placement) -> float:
    """Return units of the picture for one unit of the icon."""
    left, top, right, bottom = sprite.box
    return one.height / max(right - left, bottom - top, 1.0)


def transform_of(sprite: Sprite, one: Placement) -> str:
    """Return the transform that puts an icon in its place."""
    left, top, right, bottom = sprite.box
    scale, foot = scale_of(sprite, one), (top + bottom) / 2 if one.air else bottom
    turn = f"translate({one.x:.1f} {one.y:.1f}) rotate({one.angle:.1f})"
    return f"{turn} scale({-scale if one.flip else scale:.4f} {scale:.4f}) translate({-(left + right) / 2:.2f} {-foot:.2f})"


def paint_figure(
    canvas: Canvas, scheme: Scheme, manner: Manner, stage: Stage, sprite: Sprite, one: Placement, name: str, plain: bool = False
) -> None:
    """Paint one object; unless plain with its shadow, and light behind the main one where it would be lost."""
    left, top, right, bottom = sprite.box
    scale, middle = scale_of(sprite, one), (left + right) / 2
    if one.index == 0 and not plain:
        _halo(canvas, scheme, sprite, one)
    if not one.air and not plain:
        _shadow(canvas, scheme, stage, sprite, one, scale, name)
    thin = sprite.thin
    line = mix(
        scheme.tone(0.86) if thin and scheme.light.night and not manner.leaded else scheme.palette.ink,
        scheme.sky_low,
        one.haze * 0.8,
    )
    width = max(manner.line * (0.75 + 0.25 * min(one.height / 300, 1)), 0.017 * one.height if thin else 0.8) / (2 * scale)
    sun = -1 if scheme.sun_left != one.flip else 1
    start, end = (middle + sun * (right - left) / 2, top), (middle - sun * (right - left) / 2, bottom)
    paints = {}
    for colour in sprite.colours:
        tone = mix(recoloured(colour, scheme, manner.pull), scheme.sky_low, one.haze)
        if scheme.light.night:
            tone = tinted(tone, 0.4 * max(0.58 - lightness(tone), 0.0) - 0.03)
        if manner.relief:
            lit = mix(tinted(tone, manner.relief), scheme.palette.glow, 0.16)
            shaded = mix(tinted(tone, -manner.relief), scheme.tone(0.18), 0.14)
            tone = canvas.linear(start, end, [(0, lit, 1.0), (0.5, tone, 1.0), (1, shaded, 1.0)])
        paints[colour] = tone
    canvas.add(f'<g transform="{transform_of(sprite, one)}">{sprite.drawn(paints, line, width, name)}</g>')


def _halo(canvas: Canvas, scheme: Scheme, sprite: Sprite, one: Placement) -> None:
    """Let light, or by day a shade for what is pale, stand behind an object."""
    y, reach = one.y if one.air else one.y - one.height * 0.5, one.height * 0.6
    if scheme.light.night:
        stops = [(0, scheme.palette.glow, 0.5), (0.5, scheme.tone(0.62), 0.26), (1, scheme.tone(0.5), 0.0)]
    elif sprite.light > 0.8:
        stops = [(0, scheme.tone(0.42), 0.5), (0.5, scheme.tone(0.5), 0.24), (1, scheme.tone(0.5), 0.0)]
    else:
        return
    canvas.add(circle(one.x, y, reach, canvas.radial((one.x, y), reach, stops)))


def recoloured(colour: str, scheme: Scheme, pull: float) -> str:
    """Return a colour of an icon pulled to the nearest one of the palette, its own lightness kept in part."""
    palette = scheme.palette
    target = min((*palette.tones, palette.accent, palette.glow), key=lambda one: distance(colour, one, 3.0))
    mixed = mix(colour, target, pull)
    return tinted(mixed, (lightness(colour) - lightness(mixed)) * 0.35)


def _shadow(canvas: Canvas, scheme: Scheme, stage: Stage, sprite: Sprite, one: Placement, scale: float, name: str) -> None:
    """Lay its shadow on the ground, or its reflection on water, and darken the ground at its foot."""
    left, _, right, bottom = sprite.box
    dark = mix(scheme.palette.ink, scheme.ground(1.0), 0.15)
    strength, half = scheme.light.shadow * (1 - one.haze), (right - left) * scale / 2
    origin = f"scale({-scale if one.flip else scale:.4f} {scale:.4f}) translate({-(left + right) / 2:.2f} {-bottom:.2f})"
    if stage.water:
        flat = sprite.silhouette(dark, 0.5, name + "m")
        canvas.add(
            f'<g transform="translate({one.x:.1f} {one.y:.1f}) scale(1 -0.55) {origin}" opacity="{0.6 * strength:.2f}">{flat}</g>'
        )
        return
    length = 0.5 / (0.35 + scheme.light.height)
    skew = f"translate({one.x:.1f} {one.y - 3:.1f}) matrix(1 0 {scheme.side * -0.9 * length:.2f} {0.3 * length:.2f} 0 0)"
    flat = sprite.silhouette(dark, 1.0, name + "s")
    canvas.add(f'<g transform="{skew} {origin}" opacity="{0.8 * strength:.2f}">{flat}</g>')
    shade = canvas.radial((0, 0), half * 0.95, [(0, dark, min(1.4 * strength, 0.8)), (0.6, dark, 0.5 * strength), (1, dark, 0.0)])
    canvas.add(
        f'<g transform="translate({one.x:.1f} {one.y - 2:.1f}) scale(1 0.17)"><circle r="{half * 0.95:.1f}" fill="{shade}"/></g>'
    )
