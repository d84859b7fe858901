"""Settings: where the objects stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from reverie.imagery.renderers.collage.canvas import SIDE, Canvas, circle, everywhere, lines, path, rectangle
from reverie.imagery.renderers.collage.colour import mix, tinted
from reverie.imagery.renderers.collage.lighting import Scheme
from reverie.imagery.renderers.collage.sky import birds, land, paint_sky, rays, ridge, stars


@dataclass(frozen=True)
class Stage:
    """What a setting offers to objects: its horizon, and whether things stand on a ground."""

    horizon: float
    grounded: bool = True
    water: bool = False


def clipped(canvas: Canvas, shape: str, drawn: str) -> str:
    """Return what is drawn within a shape, by its path data."""
    reference = canvas.clip(path(shape, "#000"))
    return f'<g clip-path="{reference}">{drawn}</g>'


Setting = Callable[[Canvas, Scheme, np.random.Generator, float, tuple[float, float, float]], Stage]


def hills(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint rolling hills, each nearer one darker, with fields and a few trees."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    birds(canvas, scheme, rng, horizon)
    levels = np.linspace(horizon - 26, SIDE * 0.93, 5)
    for k, level in enumerate(levels):
        near = k / (len(levels) - 1)
        points = ridge(rng, level, 20 + 16 * near, 0.5 + 0.5 * rng.random())
        colour = mix(scheme.ground(near), scheme.sky_low, 0.45 * (1 - near) ** 1.5)
        paint = canvas.linear((0, level - 40), (0, level + 190), [(0, tinted(colour, 0.06), 1.0), (1, tinted(colour, -0.07), 1.0)])
        shape = land(points)
        canvas.add(path(shape, paint))
        furrows = "".join(
            f"M-10 {level + d:.0f}Q{SIDE / 2:.0f} {level + d - 18 + 30 * rng.random():.0f} {SIDE + 10} {level + d * (1 + rng.random() * 0.6):.0f}"
            for d in np.arange(20, 150, 14 + 10 * near)
        )
        drawn = lines(furrows, tinted(colour, 0.09 if k % 2 else -0.06), 2.2, ' opacity=".45"')
        canvas.add(clipped(canvas, shape, drawn))
        if k in (1, 2, 3):
            trees(canvas, rng, points, tinted(colour, -0.12), 10 + 11 * k, int(rng.integers(2, 6)))
    return Stage(horizon)


def trees(canvas: Canvas, rng: np.random.Generator, points: np.ndarray, colour: str, size: float, n: int) -> None:
    """Plant small trees in groups on a ridge."""
    centre = rng.integers(3, len(points) - 3)
    d = ""
    for index in np.clip(centre + rng.integers(-3, 4, n), 0, len(points) - 1):
        x, y = points[index] + (rng.random() * 16 - 8, 3)
        high = size * (1.4 + rng.random())
        d += f"M{x - size * 0.34:.1f} {y:.1f}Q{x - size * 0.42:.1f} {y - high * 0.7:.1f} {x:.1f} {y - high:.1f}Q{x + size * 0.42:.1f} {y - high * 0.7:.1f} {x + size * 0.34:.1f} {y:.1f}Z"
    canvas.add(path(d, colour))


def mountains(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint ranges of peaks in haze above a dark plain."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    for k in range(3):
        near = k / 3
        colour = mix(scheme.ground(near), scheme.sky_low, 0.55 * (1 - near))
        x, points, shades = -60.0, [(-60.0, horizon + 30)], ""
        while x < SIDE + 60:
            width, high = 90 + 120 * rng.random(), (200 - 48 * k) * (0.35 + 0.65 * rng.random())
            foot, peak = horizon + 14 * k + 10, (x + width * (0.4 + 0.2 * rng.random()), horizon + 22 * k - high)
            shade = peak[0] + scheme.side * width * 0.5
            shades += f"M{peak[0]:.0f} {peak[1]:.0f}L{shade:.0f} {foot:.0f}L{peak[0] + scheme.side * width * 0.06:.0f} {foot:.0f}L{peak[0] - scheme.side * width * 0.06:.0f} {peak[1] + high * 0.45:.0f}Z"
            points += [peak, (x + width, foot - high * 0.25)]
            x += width
        shape = land(np.array(points), curved=False)
        canvas.add(
            path(
                shape,
                canvas.linear(
                    (0, horizon - 200), (0, horizon + 60), [(0, colour, 1.0), (1, mix(colour, scheme.sky_low, 0.5), 1.0)]
                ),
            )
        )
        canvas.add(path(shades, tinted(colour, -0.09), ' opacity=".75"'))
    for k, level in enumerate((horizon + 24, horizon + 120, SIDE * 0.93)):
        colour = scheme.ground(0.4 + 0.3 * k)
        canvas.add(
            path(
                land(ridge(rng, level, 10 + 8 * k, 0.6)),
                canvas.linear((0, level - 20), (0, level + 190), [(0, tinted(colour, 0.05), 1.0), (1, tinted(colour, -0.07), 1.0)]),
            )
        )
    return Stage(horizon)


def sea(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint open water under a low sun, with its path of light."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    birds(canvas, scheme, rng, horizon)
    stops = [(0, mix(scheme.ground(0.1), scheme.sky_low, 0.5), 1.0), (0.3, scheme.ground(0.5), 1.0), (1, scheme.ground(1.0), 1.0)]
    canvas.add(rectangle(0, horizon, SIDE, SIDE - horizon, canvas.linear((0, horizon), (0, SIDE), stops)))
    for share, colour, width in (
        (1.0, scheme.palette.glow, 1.0),
        (0.0, tinted(scheme.ground(0.6), 0.1), 2.4),
        (0.0, tinted(scheme.ground(1.0), -0.06), 2.4),
    ):
        d = ""
        for _ in range(70):
            depth = rng.random() ** 1.6
            y = horizon + 4 + depth * (SIDE - horizon)
            x = sun[0] + (rng.random() - 0.5) * sun[2] * (1.2 + 3.5 * depth) if share else rng.random() * SIDE
            half = (6 + 40 * depth) * (0.4 + rng.random())
            d += f"M{x - half:.0f} {y:.0f}q{half:.0f} {-(1 + 7 * depth):.1f} {2 * half:.0f} 0q{-half:.0f} {1 + 5 * depth:.1f} {-2 * half:.0f} 0Z"
        canvas.add(path(d, colour, f' opacity="{0.75 if share else 0.5}"'))
    return Stage(horizon, water=True)


def desert(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint dunes with a lit and a shaded side."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    for k, level in enumerate(np.linspace(horizon, SIDE * 0.86, 4)):
        near = k / 3
        colour = mix(
            scheme.tone(0.74 - 0.34 * near if not scheme.light.night else scheme.light.far - 0.2 * near),
            scheme.sky_low,
            0.3 * (1 - near),
        )
        points = ridge(rng, level, 16 + 30 * near, 0.35 + 0.3 * rng.random())
        canvas.add(
            path(land(points), canvas.linear((0, level - 40), (0, level + 170), [(0, tinted(colour, 0.07), 1.0), (1, colour, 1.0)]))
        )
        crest = points[int(rng.integers(10, 30))]
        reach = 190 + 160 * near
        shade = f"M{crest[0]:.0f} {crest[1]:.0f}Q{crest[0] + scheme.side * reach * 0.4:.0f} {crest[1] + 30:.0f} {crest[0] + scheme.side * reach:.0f} {crest[1] + 120:.0f}Q{crest[0] + scheme.side * reach * 0.2:.0f} {crest[1] + 120:.0f} {crest[0] - scheme.side * 30:.0f} {crest[1] + 150:.0f}Q{crest[0] + scheme.side * 40:.0f} {crest[1] + 70:.0f} {crest[0]:.0f} {crest[1]:.0f}Z"
        canvas.add(clipped(canvas, land(points), path(shade, tinted(colour, -0.1), ' opacity=".7"')))
    return Stage(horizon)


def forest(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint trunks in depth, mist between them."""
    paint_sky(canvas, scheme, rng, SIDE * 0.8, (SIDE * 0.5, horizon * 0.62, sun[2]), disc=scheme.light.night)
    for k in range(4):
        near = k / 3
        colour = mix(scheme.ground(near), scheme.sky_low, 0.66 * (1 - near))
        base, d = horizon + 18 + 60 * near * near, ""
        for x in (np.arange(9 - 2 * k) + rng.random(9 - 2 * k)) * SIDE / (9 - 2 * k):
            if k == 3 and abs(x - SIDE / 2) < SIDE * 0.33:
                continue
            half, lean = (5 + 15 * near) * (0.7 + 0.6 * rng.random()), (rng.random() - 0.5) * 34
            d += f"M{x - half * 1.5:.0f} {base + 8:.0f}Q{x - half:.0f} {base - 60:.0f} {x - half * 0.7 + lean:.0f} -10H{x + half * 0.7 + lean:.0f}Q{x + half:.0f} {base - 60:.0f} {x + half * 1.5:.0f} {base + 8:.0f}Z"
        canvas.add(path(d, colour))
        canvas.add(
            path(
                land(ridge(rng, base, 6 + 5 * near, 1.3)),
                canvas.linear((0, base), (0, base + 200), [(0, tinted(colour, 0.05), 1.0), (1, tinted(colour, -0.08), 1.0)]),
            )
        )
        canvas.add(
            rectangle(
                0,
                base - 190,
                SIDE,
                230,
                canvas.linear(
                    (0, base - 190),
                    (0, base + 40),
                    [(0, scheme.sky_low, 0.0), (0.8, scheme.sky_low, 0.3 * (1 - near)), (1, scheme.sky_low, 0.0)],
                ),
            )
        )
    canopy = "".join(f"M{x:.0f} {y:.0f}h.01" for x, y in rng.random((60, 2)) * (SIDE, 70) - (0, 20))
    canvas.add(lines(canopy, scheme.ground(1.0), 66, ' opacity=".9"'))
    return Stage(horizon + 40)


def city(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint a skyline in three depths, windows lit by night, and an empty square before it."""
    paint_sky(canvas, scheme, rng, horizon, sun)
    for k in range(3):
        near = k / 2
        colour = mix(scheme.ground(0.2 + 0.7 * near), scheme.sky_low, 0.5 * (1 - near))
        x, d, windows = -10.0, "", ""
        while x < SIDE:
            width, high = 34 + 56 * rng.random(), (250 - 60 * k) * (0.25 + 0.75 * rng.random() ** 1.5)
            d += f"M{x:.0f} {horizon + 8:.0f}v{-high:.0f}h{width:.0f}v{high:.0f}Z"
            for wx in np.arange(x + 9, x + width - 8, 13):
                windows += "".join(
                    f"M{wx:.0f} {wy:.0f}v5" for wy in np.arange(horizon - high + 12, horizon - 8, 17) if rng.random() < 0.4
                )
            x += width + 4 * rng.random()
        canvas.add(
            path(
                d, canvas.linear((0, horizon - 250), (0, horizon), [(0, colour, 1.0), (1, mix(colour, scheme.sky_low, 0.35), 1.0)])
            )
        )
        canvas.add(
            lines(
                windows,
                scheme.palette.glow if scheme.light.night else tinted(colour, 0.1),
                4.5,
                f' opacity="{0.8 * near + 0.1:.2f}"',
            )
        )
    canvas.add(
        rectangle(
            0,
            horizon,
            SIDE,
            SIDE - horizon,
            canvas.linear((0, horizon), (0, SIDE), [(0, scheme.ground(0.35), 1.0), (1, scheme.ground(0.95), 1.0)]),
        )
    )
    paving = "".join(f"M{SIDE / 2 + a * 60:.0f} {horizon:.0f}L{SIDE / 2 + a * 330:.0f} {SIDE}" for a in range(-7, 8))
    paving += "".join(f"M0 {horizon + (SIDE - horizon) * t * t:.0f}H{SIDE}" for t in np.linspace(0.15, 1, 8))
    canvas.add(lines(paving, tinted(scheme.ground(0.6), 0.08), 1.6, ' opacity=".5"'))
    return Stage(horizon)


def night(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint a sky full of stars with a band of light above one dark hill."""
    top, low = mix(scheme.tone(0.0), scheme.sky_top, 0.25), mix(scheme.tone(0.42), scheme.sky_low, 0.2)
    canvas.add(everywhere(canvas.linear((0, 0), (0, SIDE), [(0, top, 1.0), (0.75, scheme.tone(0.26), 1.0), (1, low, 1.0)])))
    for k in range(9):
        t = k / 8
        x, y = SIDE * (0.02 + 0.96 * t), SIDE * (0.66 - 0.5 * t) + 50 * (rng.random() - 0.5)
        canvas.add(circle(x, y, 150, canvas.radial((x, y), 150, [(0, scheme.tone(0.62), 0.34), (1, scheme.tone(0.5), 0.0)])))
    for _ in range(3):
        stars(canvas, scheme, rng, SIDE * 0.86)
    x, y, radius = sun
    canvas.add(
        circle(
            x, y, radius * 3.6, canvas.radial((x, y), radius * 3.6, [(0, scheme.palette.glow, 0.6), (1, scheme.palette.glow, 0.0)])
        )
    )
    canvas.add(
        circle(x, y, radius, scheme.palette.glow),
        circle(x - radius * 0.3, y - radius * 0.2, radius * 0.18, scheme.tone(0.75), ' opacity=".5"'),
        circle(x + radius * 0.3, y + radius * 0.3, radius * 0.26, scheme.tone(0.75), ' opacity=".4"'),
    )
    level = SIDE * 0.8
    for k in range(2):
        colour = scheme.tone(0.2 - 0.14 * k)
        canvas.add(
            path(
                land(ridge(rng, level + 66 * k, 26, 0.5)),
                canvas.linear((0, level), (0, SIDE), [(0, tinted(colour, 0.05), 1.0), (1, colour, 1.0)]),
            )
        )
    return Stage(level + 20)


def interior(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint a table before a wall, window light falling across it."""
    level = SIDE * 0.64
    wall = scheme.tone(scheme.light.low * 0.78 if not scheme.light.night else 0.2)
    x = SIDE * (0.2 if scheme.sun_left else 0.8)
    canvas.add(everywhere(wall))
    canvas.add(
        everywhere(
            canvas.radial(
                (x, SIDE * 0.3),
                SIDE * 0.95,
                [(0, scheme.palette.glow, 0.75 * scheme.light.glow), (0.5, tinted(wall, 0.04), 0.4), (1, tinted(wall, -0.16), 0.9)],
            )
        )
    )
    width, left, top = 190.0, x - 95.0, 70.0
    slant = scheme.side * 150
    panes = ""
    for i in range(2):
        for j in range(3):
            a, b = left + scheme.side * 170 + i * (width / 2 + 8), top + 30 + j * 112
            panes += f"M{a:.0f} {b:.0f}l{width / 2:.0f} {slant * 0.18 * scheme.side:.0f}v104l{-width / 2:.0f} {-slant * 0.18 * scheme.side:.0f}Z"
    canvas.add(path(panes, scheme.palette.glow, f' opacity="{0.34 + 0.2 * scheme.light.glow * (not scheme.light.night):.2f}"'))
    front = scheme.tone(0.36 if not scheme.light.night else 0.12)
    canvas.add(
        rectangle(
            0,
            level,
            SIDE,
            SIDE - level,
            canvas.linear(
                (0, level), (0, SIDE), [(0, tinted(front, 0.14), 1.0), (0.5, front, 1.0), (1, tinted(front, -0.06), 1.0)]
            ),
        )
    )
    pool = canvas.radial(
        (x + scheme.side * 190, level + 40),
        330,
        [(0, scheme.palette.glow, 0.45 * scheme.light.glow), (1, scheme.palette.glow, 0.0)],
    )
    canvas.add(rectangle(0, level, SIDE, SIDE - level, pool))
    grain = "".join(
        f"M-10 {level + 12 + 200 * t:.0f}q{200 + 200 * rng.random():.0f} {20 * (rng.random() - 0.5):.0f} {SIDE + 20} {8 * (rng.random() - 0.5):.0f}"
        for t in np.sort(rng.random(14))
    )
    canvas.add(lines(grain, tinted(front, -0.08), 1.6, ' opacity=".6"'), rectangle(0, level - 1.5, SIDE, 4, tinted(front, 0.2)))
    return Stage(level)


def niche(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint an arch in an ornamented frame, light behind it."""
    night_time = scheme.light.night
    outer, inner = scheme.tone(0.12 if night_time else 0.3), scheme.tone(0.3 if night_time else 0.88)
    canvas.add(everywhere(outer))
    d = ""
    for k in range(20):
        a = 22 + k * (SIDE - 44) / 19
        d += f"M{a:.0f} 15l7 7l-7 7l-7 -7ZM{a:.0f} {SIDE - 29}l7 7l-7 7l-7 -7ZM22 {a - 7:.0f}l7 7l-7 7l-7 -7ZM{SIDE - 22} {a - 7:.0f}l7 7l-7 7l-7 -7Z"
    gold = scheme.tone(0.78)
    canvas.add(path(d, gold, ' opacity=".8"'))
    for inset, width in ((40, 5), (50, 1.8)):
        canvas.add(
            f'<rect x="{inset}" y="{inset}" width="{SIDE - 2 * inset}" height="{SIDE - 2 * inset}" fill="none" stroke="{gold}" stroke-width="{width}"/>'
        )
    left, right, spring, level = 118.0, SIDE - 118.0, 350.0, SIDE - 128.0
    arch = f"M{left} {SIDE - 60}V{spring}A{(right - left) / 2} {(right - left) / 2 * 1.02:.0f} 0 0 1 {right} {spring}V{SIDE - 60}Z"
    canvas.add(
        path(arch, canvas.linear((0, 80), (0, level), [(0, scheme.sky_top, 1.0), (1, mix(inner, scheme.sky_low, 0.6), 1.0)]))
    )
    parts = Canvas()
    parts.defs = canvas.defs
    rays(parts, scheme, rng, (SIDE / 2, 330), 22, 0.5)
    parts.add(
        circle(
            SIDE / 2,
            330,
            200,
            canvas.radial(
                (SIDE / 2, 330),
                200,
                [(0, scheme.palette.glow, 0.95), (0.8, scheme.palette.glow, 0.35), (1, scheme.palette.glow, 0.0)],
            ),
        )
    )
    floor = scheme.ground(0.75)
    parts.add(
        rectangle(
            0,
            level - 40,
            SIDE,
            200,
            canvas.linear((0, level - 40), (0, SIDE - 60), [(0, tinted(floor, 0.12), 1.0), (1, tinted(floor, -0.04), 1.0)]),
        )
    )
    canvas.add(clipped(canvas, arch, "".join(parts.body)), lines(arch, gold, 9), lines(arch, outer, 3))
    for x, flip in ((74.0, 1), (SIDE - 74.0, -1)):
        curl = f"M{x - flip * 12} 72q{flip * 70} -6 {flip * 62} 62q{-flip * 6} 34 {-flip * 34} 22q{-flip * 16} -12 {-flip * 2} -26M{x - flip * 12} 72q{-flip * 4} 70 {flip * 8} 130q{flip * 4} 26 {-flip * 8} 40"
        canvas.add(lines(curl, gold, 5))
    return Stage(level - 6)


def burst(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint beams of two tones from behind the main object, ground below."""
    centre = (SIDE / 2, horizon * 0.78)
    one, other = mix(scheme.sky_low, scheme.sky_top, 0.25), mix(scheme.sky_low, scheme.sky_top, 0.8)
    n = 2 * int(rng.integers(9, 16))
    turn = rng.random()
    d = ""
    for k in range(0, n, 2):
        ends = [
            (centre[0] + 900 * np.cos(2 * np.pi * (k + e + turn) / n), centre[1] + 900 * np.sin(2 * np.pi * (k + e + turn) / n))
            for e in (0, 1)
        ]
        d += f"M{centre[0]:.0f} {centre[1]:.0f}" + "".join(f"L{x:.0f} {y:.0f}" for x, y in ends) + "Z"
    canvas.add(everywhere(one), path(d, other))
    canvas.add(
        everywhere(
            canvas.radial(
                centre,
                520,
                [(0, scheme.palette.glow, 0.9), (0.4, scheme.palette.glow, 0.25), (1, scheme.tone(scheme.light.near), 0.35)],
            )
        )
    )
    canvas.add(
        circle(*centre, 218, mix(scheme.palette.glow, scheme.palette.accent, 0.75 if rng.random() < 0.6 else 0.15)),
        circle(*centre, 232, "none", f' stroke="{scheme.palette.glow}" stroke-width="4"'),
    )
    level = SIDE * 0.8
    for k in range(2):
        colour = scheme.ground(0.55 + 0.45 * k)
        canvas.add(
            path(
                land(ridge(rng, level + 60 * k, 18, 0.5)),
                canvas.linear((0, level), (0, SIDE), [(0, tinted(colour, 0.06), 1.0), (1, tinted(colour, -0.04), 1.0)]),
            )
        )
    return Stage(level + 26)


def field(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint a flat ground with large geometric shapes."""
    paper = scheme.tone(0.95 if not scheme.light.night else 0.1)
    canvas.add(everywhere(paper))
    colours = [
        scheme.tone(0.15 if not scheme.light.night else 0.55),
        scheme.palette.accent,
        scheme.tone(0.5),
        scheme.tone(0.75),
        scheme.tone(0.32),
    ]
    x, y = SIDE * (0.42 + 0.16 * rng.random()), SIDE * 0.46
    canvas.add(circle(x, y, 232, mix(colours[3], paper, 0.15)))
    for k in range(7):
        angle, colour = float(rng.choice([-28, 62])) + 6 * rng.random(), colours[int(rng.integers(len(colours)))]
        a, b = SIDE * rng.random(), SIDE * rng.random()
        width, height = (
            (180 + 420 * rng.random(), 6 + 22 * rng.random()) if k % 2 else (70 + 120 * rng.random(), 60 + 130 * rng.random())
        )
        canvas.add(
            f'<g transform="rotate({angle:.0f} {a:.0f} {b:.0f})" opacity=".85">{rectangle(a - width / 2, b - height / 2, width, height, colour)}</g>'
        )
    canvas.add(path(f"M{x - 232:.0f} {y:.0f}a232 232 0 0 0 464 0Z", colours[2], ' opacity=".35"'))
    return Stage(SIDE * 0.8, grounded=False)


def studio(canvas: Canvas, scheme: Scheme, rng: np.random.Generator, horizon: float, sun: tuple[float, float, float]) -> Stage:
    """Paint a plain backdrop that runs into its floor."""
    level = SIDE * 0.66
    canvas.add(
        everywhere(
            canvas.linear(
                (0, 0),
                (0, SIDE),
                [
                    (0, scheme.tone(0.8), 1.0),
                    (0.66, scheme.tone(0.98), 1.0),
                    (0.72, scheme.tone(0.9), 1.0),
                    (1, scheme.tone(0.7), 1.0),
                ],
            )
        )
    )
    x = SIDE * (0.3 if scheme.sun_left else 0.7)
    canvas.add(everywhere(canvas.radial((x, SIDE * 0.3), SIDE * 0.8, [(0, "#ffffff", 0.5), (1, "#ffffff", 0.0)])))
    return Stage(level)


SETTINGS: dict[str, Setting] = {
    "hills": hills, "mountains": mountains, "sea": sea, "desert": desert, "forest": forest, "city": city, "night": night,
    "interior": interior, "niche": niche, "burst": burst, "field": field, "studio": studio,
}  # fmt: skip
