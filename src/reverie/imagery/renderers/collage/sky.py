"""Skies: gradients, sun or moon, clouds, stars, rays and birds."""

from __future__ import annotations

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, circle, everywhere, lines, path, smooth
from reverie.imagery.renderers.collage.colour import mix
from reverie.imagery.renderers.collage.lighting import Scheme


def paint_sky(
    canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float], disc: bool = True
) -> None:
    """Paint the sky down to below the horizon, with its sun at (x, y, radius)."""
    middle = mix(scheme.sky_top, scheme.sky_low, 0.55)
    stops = [(0, scheme.sky_top, 1.0), (0.62, middle, 1.0), (1, scheme.sky_low, 1.0)]
    canvas.add(everywhere(canvas.linear((0, 0), (0, horizon * 1.04), stops)))
    if scheme.light.night:
        stars(canvas, scheme, rng, horizon)
    x, y, radius = sun
    glow = scheme.palette.glow
    stops = [(0, glow, 0.85 * scheme.light.glow), (0.35, glow, 0.35 * scheme.light.glow), (1, glow, 0.0)]
    canvas.add(circle(x, y, radius * 4.2, canvas.radial((x, y), radius * 4.2, stops)))
    if scheme.light is RAYS:
        rays(canvas, scheme, rng, (x, y))
    if disc:
        face = mix(glow, scheme.palette.accent, 0.0 if scheme.light.night else 0.42 * float(rng.random() < 0.6))
        canvas.add(
            circle(
                x,
                y,
                radius,
                canvas.linear((x, y - radius), (x, y + radius), [(0, mix(face, "#ffffff", 0.25), 1.0), (1, face, 1.0)]),
            )
        )
    if not scheme.light.night or rng.random() < 0.5:
        clouds(canvas, scheme, rng, horizon)


def stars(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float) -> None:
    """Scatter stars of three sizes."""
    for radius, n, opacity in ((0.9, 90, 0.55), (1.6, 34, 0.8), (2.6, 9, 1.0)):
        places = rng.random((n, 2)) * (SIDE, horizon)
        d = "".join(f"M{x:.0f} {y:.0f}h.01" for x, y in places)
        canvas.add(lines(d, scheme.palette.glow, 2 * radius, f' opacity="{opacity}"'))


def clouds(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float) -> None:
    """Lay flat banks of cloud, lit on their upper side."""
    for _ in range(int(rng.integers(2, 5))):
        x, y, width = rng.random() * SIDE, horizon * (0.12 + 0.62 * rng.random()), SIDE * (0.22 + 0.3 * rng.random())
        share = y / horizon
        colour = mix(
            mix(scheme.sky_top, scheme.sky_low, share), scheme.palette.paper if not scheme.light.night else scheme.tone(0.6), 0.42
        )
        d = ""
        for k in range(int(rng.integers(2, 5))):
            half, thick = width * (0.5 - 0.09 * k) * (0.8 + 0.4 * rng.random()), 7 + 9 * rng.random()
            left, level = x - half + width * 0.16 * (rng.random() - 0.5), y - k * 12
            d += f"M{left:.0f} {level:.0f}h{2 * half:.0f}a{thick:.1f} {thick:.1f} 0 0 1 0 {2 * thick:.1f}h{-2 * half:.0f}a{thick:.1f} {thick:.1f} 0 0 1 0 {-2 * thick:.1f}Z"
        canvas.add(path(d, colour, f' opacity="{0.35 + 0.4 * rng.random():.2f}"'))


def rays(
    canvas: Canvas, scheme: Scheme, rng: np.random.Generator, centre: tuple[float, float], n: int = 13, strength: float = 0.34
) -> None:
    """Let beams fall from a point."""
    x, y = centre
    paint = canvas.radial(
        centre,
        SIDE * 1.05,
        [(0, scheme.palette.glow, strength), (0.6, scheme.palette.glow, strength * 0.5), (1, scheme.palette.glow, 0.0)],
    )
    angles = np.sort(rng.random(n)) * 2 * np.pi
    d = ""
    for angle, width in zip(angles, 0.05 + 0.1 * rng.random(n), strict=True):
        ends = [(x + 1.5 * SIDE * np.cos(angle + turn), y + 1.5 * SIDE * np.sin(angle + turn)) for turn in (-width, width)]
        d += f"M{x:.0f} {y:.0f}" + "".join(f"L{a:.0f} {b:.0f}" for a, b in ends) + "Z"
    canvas.add(path(d, paint))


def birds(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float) -> None:
    """Draw a small flight of birds far off."""
    x, y = SIDE * (0.15 + 0.6 * rng.random()), horizon * (0.25 + 0.35 * rng.random())
    d = ""
    for k in range(int(rng.integers(3, 8))):
        a, b, wing = x + 26 * k * (0.7 + rng.random()), y + 34 * (rng.random() - 0.5) - 7 * k, 6 + 6 * rng.random()
        d += f"M{a - wing:.0f} {b - wing * 0.3:.0f}q{wing * 0.6:.1f} {-wing * 0.5:.1f} {wing:.1f} {wing * 0.45:.1f}q{wing * 0.4:.1f} {-wing:.1f} {wing:.1f} {-wing * 0.45:.1f}"
    canvas.add(lines(d, mix(scheme.ground(1.0), scheme.sky_low, 0.2), 2.2))


def ridge(rng: np.random.Generator, level: float, swing: float, waves: float, points: int = 40, rough: float = 0.0) -> np.ndarray:
    """Return a line of hills across the picture → [points, 2]."""
    x = np.linspace(-20, SIDE + 20, points)
    phase = rng.random(4) * 2 * np.pi
    heights = sum(np.sin(x / SIDE * 2 * np.pi * waves * (k + 1) * 0.73 + phase[k]) / (k + 1) for k in range(4))
    return np.stack([x, level - swing * heights / 1.6 + rough * (rng.random(points) - 0.5)], axis=1)


def land(points: np.ndarray, curved: bool = True) -> str:
    """Return the path data of everything below a ridge."""
    top = smooth(points) if curved else "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f"{top}L{SIDE + 20} {SIDE + 20}L-20 {SIDE + 20}Z"


from reverie.imagery.renderers.collage.lighting import LIGHTS  # noqa: E402

RAYS = LIGHTS["rays"]
