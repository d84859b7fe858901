"""Skies: gradients, sun or moon, clouds, stars, rays and birds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, circle, lines, path, rectangle, smooth, trace
from reverie.imagery.renderers.collage.colour import mix, tinted
from reverie.imagery.renderers.collage.lighting import LIGHTS, Scheme

Sun = tuple[float, float, float]
"""Place and radius."""
Floats = NDArray[np.float64]


def paint_sky(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: Sun, disc: bool = True) -> None:
    """Paint the sky down to below the horizon, with its sun or moon."""
    middle = mix(scheme.sky_top, scheme.sky_low, 0.55)
    stops = [(0, scheme.sky_top, 1.0), (0.62, middle, 1.0), (1, scheme.sky_low, 1.0)]
    canvas.add(rectangle(0, 0, SIDE, horizon + 60, canvas.linear((0, 0), (0, horizon * 1.04), stops)))
    if scheme.light.night:
        stars(canvas, scheme, rng, horizon)
    shine(canvas, scheme, sun)
    if scheme.light is LIGHTS["rays"]:
        rays(canvas, scheme, rng, sun[:2])
    if disc:
        x, y, radius = sun
        warm = 0.0 if scheme.light.night else 0.42 * float(rng.random() < 0.6)
        face = mix(scheme.palette.glow, scheme.palette.accent, warm)
        stops = [(0, mix(face, "#ffffff", 0.25), 1.0), (1, face, 1.0)]
        canvas.add(circle(x, y, radius, canvas.linear((x, y - radius), (x, y + radius), stops)))
        if scheme.light.night:
            shade = tinted(face, -0.09)
            canvas.add(
                *(
                    circle(x + radius * a, y + radius * b, radius * c, shade, 0.5)
                    for a, b, c in ((-0.3, -0.2, 0.2), (0.3, 0.3, 0.27), (0.2, -0.45, 0.12))
                )
            )
    if not scheme.light.night or rng.random() < 0.5:
        clouds(canvas, scheme, rng, horizon)


def shine(canvas: Canvas, scheme: Scheme, sun: Sun, reach: float = 2.7) -> None:
    """Let the air glow around a light."""
    x, y, radius = sun
    glow, strength = scheme.palette.glow, scheme.light.glow
    stops = [(0, glow, 0.85 * strength), (0.35, glow, 0.35 * strength), (1, glow, 0.0)]
    canvas.add(circle(x, y, radius * reach, canvas.radial((x, y), radius * reach, stops)))


def stars(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float) -> None:
    """Scatter stars of three sizes."""
    for radius, n, opacity in ((0.9, 90, 0.55), (1.6, 34, 0.8), (2.6, 9, 1.0)):
        places = (rng.random((n, 2)) * (SIDE, horizon)).tolist()
        canvas.add(lines("".join(trace("M", x, y, "h.01") for x, y in places), scheme.palette.glow, 2 * radius, opacity))


def clouds(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float) -> None:
    """Lay flat banks of cloud."""
    for _ in range(int(rng.integers(2, 5))):
        x, y, width = rng.random() * SIDE, horizon * (0.12 + 0.62 * rng.random()), SIDE * (0.22 + 0.3 * rng.random())
        lit = scheme.palette.paper if not scheme.light.night else scheme.tone(0.6)
        colour = mix(mix(scheme.sky_top, scheme.sky_low, y / horizon), lit, 0.42)
        d = ""
        for k in range(int(rng.integers(2, 5))):
            half, thick = width * (0.5 - 0.09 * k) * (0.8 + 0.4 * rng.random()), 7 + 9 * rng.random()
            left, level = x - half + width * 0.16 * (rng.random() - 0.5), y - k * 12
            bend = ("a", thick, thick, " 0 0 1 0", 2 * thick), ("a", thick, thick, " 0 0 1 0", -2 * thick, "Z")
            d += trace("M", left, level, "h", 2 * half, *bend[0], "h", -2 * half, *bend[1])
        canvas.add(path(d, colour, 0.35 + 0.4 * rng.random()))


def rays(
    canvas: Canvas, scheme: Scheme, rng: np.random.Generator, centre: tuple[float, float], n: int = 13, strength: float = 0.34
) -> None:
    """Let beams fall from a point."""
    x, y = centre
    glow = scheme.palette.glow
    paint = canvas.radial(centre, SIDE * 1.05, [(0, glow, strength), (0.6, glow, strength * 0.5), (1, glow, 0.0)])
    angles, widths = np.sort(rng.random(n)) * 2 * np.pi, 0.05 + 0.1 * rng.random(n)
    d = ""
    for angle, width in zip(angles, widths, strict=True):
        ends = [(x + 1.5 * SIDE * np.cos(angle + turn), y + 1.5 * SIDE * np.sin(angle + turn)) for turn in (-width, width)]
        d += trace("M", x, y, "L", *ends[0], "L", *ends[1], "Z")
    canvas.add(path(d, paint))


def birds(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float) -> None:
    """Draw a small flight of birds far off."""
    x, y = SIDE * (0.15 + 0.6 * rng.random()), horizon * (0.25 + 0.35 * rng.random())
    d = ""
    for k in range(int(rng.integers(3, 8))):
        a, b, wing = x + 26 * k * (0.7 + rng.random()), y + 34 * (rng.random() - 0.5) - 7 * k, 6 + 6 * rng.random()
        d += trace(
            "M",
            a - wing,
            b - wing * 0.3,
            "q",
            wing * 0.6,
            -wing * 0.5,
            wing,
            wing * 0.45,
            "q",
            wing * 0.4,
            -wing,
            wing,
            -wing * 0.45,
        )
    canvas.add(lines(d, mix(scheme.ground(1.0), scheme.sky_low, 0.2), 2.2))


def ridge(rng: np.random.Generator, level: float, swing: float, waves: float, points: int = 40) -> Floats:
    """Return a line of hills across the picture → [points, 2]."""
    x = np.linspace(-20, SIDE + 20, points)
    phase = rng.random(4) * 2 * np.pi
    heights = sum(np.sin(x / SIDE * 2 * np.pi * waves * (k + 1) * 0.73 + phase[k]) / (k + 1) for k in range(4))
    return np.stack([x, level - swing * heights / 1.6], axis=1)


def land(canvas: Canvas, points: Floats, colour: str, depth: float, curved: bool = True, contrast: float = 0.06) -> None:
    """Paint ground below a ridge, so far down as the next ridge needs; lighter at its crest."""
    top = float(points[:, 1].min())
    bottom = min(float(points[:, 1].max()) + depth, SIDE + 2.0)
    line = smooth(points) if curved else polygon_line(points)
    stops = [(0, tinted(colour, contrast), 1.0), (1, tinted(colour, -contrast * 1.1), 1.0)]
    canvas.add(path(line + trace("L", SIDE + 20.0, bottom, "L", -20.0, bottom, "Z"), canvas.linear((0, top), (0, bottom), stops)))


def polygon_line(points: Floats) -> str:
    """Return path data of an open line of straight parts."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist())
