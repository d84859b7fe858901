"""Plots as inline SVG: colours, markers, curves, scatter and dot plots."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes


N_COLOURS = 8
"""Series colours that the style sheet defines, for light and for dark pages."""
_MARKERS = {
    "o": "M6 1.6a4.4 4.4 0 1 0 .01 0z", "s": "M2.2 2.2h7.6v7.6h-7.6z", "^": "M6 1.4l4.8 8.8h-9.6z",
    "D": "M6 .9l5.1 5.1-5.1 5.1-5.1-5.1z", "v": "M6 10.6l-4.8-8.8h9.6z", "P": "M4.4 1.4h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3z",
    "X": "M3.4 1.2l2.6 2.5 2.6-2.5 2.2 2.2-2.5 2.6 2.5 2.6-2.2 2.2-2.6-2.5-2.6 2.5-2.2-2.2 2.5-2.6-2.5-2.6z",
    "h": "M6 .9l4.4 2.55v5.1l-4.4 2.55-4.4-2.55v-5.1z",
}  # fmt: skip
"""Markers as matplotlib names them, and their outlines in a box of 12 × 12 for legends."""


@dataclass(frozen=True)
class Look:
    """How one row is drawn."""

    colour: int
    marker: str
    hollow: bool

    @property
    def code(self) -> str:
        """The colour that stands for it until `reverie.report.plots` puts the style sheet's name there."""
        return f"#0000{self.colour:02x}"

    @property
    def outline(self) -> str:
        """The marker as an SVG path in a box of 12 × 12."""
        return _MARKERS[self.marker]


def look(position: int, hollow: bool = False) -> Look:
    """Return how the row at a position of the leaderboard is drawn."""
    markers = list(_MARKERS)
    return Look(position % N_COLOURS + 1, markers[(position + position // N_COLOURS) % len(markers)], hollow)


INK, MUTED, LINE, CARD = "#010101", "#020202", "#030303", "#040404"
"""Colours that stand for the page's own until the figure is finished."""
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", CARD: "card"} | {f"#0000{n:02x}": f"s{n}" for n in range(1, N_COLOURS + 1)}


def inline_svg(paint: Callable[[Axes], None], key: str, alt: str, width: float = 400, height: float = 290) -> Markup:
    """Draw one plot and return it as SVG for the inside of a page."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style = mpl.rc_params_from_file(Path(__file__).with_name("plots.mplstyle"), use_default_template=False)
    with mpl.rc_context(style):
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        paint(figure.add_subplot())
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return Markup(_tidy(out.getvalue(), key, alt))  # noqa: S704  # matplotlib escapes text, and `alt` is escaped below


def _tidy(text: str, key: str, alt: str) -> str:
    """Keep the drawing; drop what is for stand-alone files, and put the page's colours and font in."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<(style|metadata)\b.*?</\1>|<!--.*?-->", "", body, flags=re.DOTALL)
    box = re.search(r'viewBox="[^"]*"', body)
    inner = body[body.index(">") + 1 :]
    inner = re.sub(r'\bid="([^"]*)"', rf'id="{key}-\1"', inner)
    inner = inner.replace('xlink:href="#', f'href="#{key}-').replace("url(#", f"url(#{key}-")
    inner = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", inner)
    inner = re.sub("|".join(_VARIABLES), lambda found: f"var(--{_VARIABLES[found[0]]})", inner)
    inner = re.sub(r"\s*\n\s*", " ", inner)
    head = f'<svg {box[0] if box else ""} role="img" aria-label="{escape(alt)}" stroke-linejoin="round">'
    return f"{head}<title>{escape(alt)}</title>{inner}"


Interval = tuple[float, float]
Box = tuple[float, float, float, float]
_SHIFTS = (0.0, 7.0, -7.0, 13.0, -13.0, 19.0, -19.0)


@dataclass(frozen=True)
class Point:
    """A row of the leaderboard as a point."""

    label: str
    look: Look
    x: float
    y: float
    interval: Interval | None = None


@dataclass(frozen=True)
class Curve:
    """A training as a curve."""

    label: str
    look: Look
    epochs: tuple[float, ...]
    values: tuple[float, ...]
    best: int | None = None


def scatter_plot(points: Sequence[Point], key: str, x: str, y: str, alt: str, log: bool = False) -> Markup:
    """Draw rows as labelled points with vertical intervals."""
    from matplotlib.ticker import LogLocator, NullFormatter

    def paint(axes: Axes) -> None:
        for point in points:
            if point.interval:
                axes.plot([point.x] * 2, point.interval, color=point.look.code, linewidth=1.4, alpha=0.7)
            _mark(axes, point.x, point.y, point.look)
        axes.margins(x=0.16, y=0.1)
        axes.set(xlabel=x, ylabel=y)
        if log:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0,), numticks=8))
            axes.xaxis.set_major_formatter("{x:g}")
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.tick_params(labelcolor=MUTED)
        _name_points(axes, points)

    return inline_svg(paint, key, alt)


def curve_plot(curves: Sequence[Curve], key: str, y: str, alt: str, levels: Sequence[Point] = ()) -> Markup:
    """Draw learning curves; a ring marks the epoch that was kept."""
    from matplotlib.ticker import MaxNLocator

    def paint(axes: Axes) -> None:
        for level in levels:
            axes.axhline(level.y, color=level.look.code, linewidth=1.2, linestyle=(0, (4, 3)), alpha=0.8)
        for curve in curves:
            marker = curve.look.marker if len(curve.values) == 1 else None
            axes.plot(curve.epochs, curve.values, color=curve.look.code, linewidth=1.8, marker=marker)
            kept = [v for e, v in zip(curve.epochs, curve.values, strict=True) if e == curve.best]
            if kept and curve.best is not None:
                axes.plot(curve.best, kept[0], "o", markersize=9, color=curve.look.code, markerfacecolor=CARD, mew=2)
        axes.set(xlabel="epoch", ylabel=y)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.margins(x=0.04, y=0.08)

    return inline_svg(paint, key, alt)


def dot_plot(groups: Mapping[str, Sequence[Point]], key: str, x: str, alt: str) -> Markup:
    """Draw values with horizontal intervals under the names of their groups, from 0 on; the points' `x` is unused."""
    lowest = min((min((point.y, *(point.interval or ()))) for points in groups.values() for point in points), default=0.0)
    rows = sum(len(points) + 1.8 for points in groups.values())

    def paint(axes: Axes) -> None:
        at, ticks = 0.0, []
        for name, points in groups.items():
            at += 1
            axes.text(0, at, name, transform=axes.get_yaxis_transform(), va="center", fontweight="bold", fontsize=11)
            for point in points:
                at += 1
                ticks.append((at, point.label))
                if point.interval:
                    axes.plot(point.interval, [at] * 2, color=point.look.code, linewidth=1.6, alpha=0.75, solid_capstyle="round")
                _mark(axes, point.y, at, point.look)
            at += 0.8
        axes.set_ylim(at, 0.3)
        axes.set_yticks([place for place, _ in ticks], [label for _, label in ticks])
        axes.tick_params(axis="y", pad=9)
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.06)
        if lowest < 0:
            axes.axvline(0, color=LINE, linewidth=1.2)
        else:
            axes.set_xlim(left=0)
        axes.set_xlabel(x)

    return inline_svg(paint, key, alt, height=60 + 18 * rows)


def _mark(axes: Axes, x: float, y: float, look: Look) -> None:
    face = CARD if look.hollow else look.code
    axes.plot(x, y, look.marker, markersize=7.5, color=look.code, markerfacecolor=face, mew=1.8, zorder=3, clip_on=False)


def _name_points(axes: Axes, points: Sequence[Point]) -> None:
    """Write each name beside its point, where it covers least of the other names, markers and intervals."""
    figure = axes.get_figure(root=True)
    if figure is None:
        return
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    frame = np.asarray(axes.get_window_extent().extents) * scale
    marks = axes.transData.transform([(point.x, point.y) for point in points]) * scale
    bars = [axes.transData.transform([(p.x, y) for y in p.interval or (p.y, p.y)])[:, 1] * scale for p in points]
    boxes = [(x - 6, y - 6, x + 6, y + 6) for x, y in marks]
    lines = [(x - 1, low, x + 1, high) for (x, _), (low, high) in zip(marks, bars, strict=True)]
    for index in sorted(range(len(points)), key=lambda i: -marks[i, 1]):
        x, y = marks[index]
        places = [_place(x, y, 6.2 * len(points[index].label), shift, side) for shift in _SHIFTS for side in (1, -1)]
        others = [box for i, box in enumerate(boxes) if i != index]
        crossed = [line for i, line in enumerate(lines) if i != index]
        costs = [
            100 * (box[0] < frame[0] or box[2] > frame[2])
            + 10 * sum(_overlap(box, other) for other in others)
            + 3 * sum(_overlap(box, line) for line in crossed)
            + abs(shift) / 12
            for box, shift, _ in places
        ]
        box, shift, side = places[costs.index(min(costs))]
        boxes.append(box)
        axes.annotate(
            points[index].label, (points[index].x, points[index].y), xytext=(9 * side, shift), textcoords="offset points",
            ha="left" if side > 0 else "right", va="center", fontsize=11, color=INK,
        )  # fmt: skip


def _place(x: float, y: float, width: float, shift: float, side: int) -> tuple[Box, float, int]:
    begin = x + 9 if side > 0 else x - 9 - width
    return (begin, y + shift - 6.5, begin + width, y + shift + 6.5), shift, side


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
