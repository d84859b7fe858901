"""The plots of a report, from plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reverie.report.svg import CARD, INK, MUTED, inline_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes

    from reverie.report.palette import Look

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


@dataclass(frozen=True)
class Group:
    """One category of a dot plot, with a point per row of the leaderboard; `x` is unused."""

    name: str
    points: tuple[Point, ...]


def scatter_plot(points: Sequence[Point], key: str, x: str, y: str, alt: str, log: bool = False) -> Markup:
    """Draw rows as labelled points with vertical intervals."""

    def paint(axes: Axes) -> None:
        if log:
            axes.set_xscale("log")
        for point in points:
            if point.interval:
                axes.plot([point.x] * 2, point.interval, color=point.look.code, linewidth=1.4, alpha=0.7)
            _mark(axes, point.x, point.y, point.look)
        axes.margins(x=0.16, y=0.1)
        axes.set(xlabel=x, ylabel=y)
        if log:
            _plain_log_ticks(axes)
        _name_points(axes, points)

    return inline_svg(paint, key, alt)


def curve_plot(curves: Sequence[Curve], key: str, y: str, alt: str, levels: Sequence[Point] = ()) -> Markup:
    """Draw learning curves; a ring marks the epoch that was kept."""
    from matplotlib.ticker import MaxNLocator

    def paint(axes: Axes) -> None:
        for level in levels:
            axes.axhline(level.y, color=level.look.code, linewidth=1.2, linestyle=(0, (4, 3)), alpha=0.8)
        for curve in curves:
            single = len(curve.values) == 1
            axes.plot(
                curve.epochs, curve.values, color=curve.look.code, linewidth=1.8, marker=curve.look.marker if single else None
            )
            kept = [v for e, v in zip(curve.epochs, curve.values, strict=True) if e == curve.best]
            if kept and curve.best is not None:
                axes.plot(curve.best, kept[0], "o", markersize=9, color=curve.look.code, markerfacecolor=CARD, mew=2)
        axes.set(xlabel="epoch", ylabel=y)
        axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
        axes.margins(x=0.04, y=0.08)

    return inline_svg(paint, key, alt)


def dot_plot(groups: Sequence[Group], key: str, x: str, alt: str) -> Markup:
    """Draw values with horizontal intervals, grouped by category."""
    rows = sum(len(group.points) + 1.8 for group in groups)

    def paint(axes: Axes) -> None:
        at, ticks = 0.0, []
        for group in groups:
            at += 1
            axes.text(0, at, group.name, transform=axes.get_yaxis_transform(), va="center", fontweight="bold", fontsize=11)
            for point in group.points:
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
            points[index].label,
            (points[index].x, points[index].y),
            xytext=(9 * side, shift),
            textcoords="offset points",
            ha="left" if side > 0 else "right",
            va="center",
            fontsize=11,
            color=INK,
        )


def _place(x: float, y: float, width: float, shift: float, side: int) -> tuple[Box, float, int]:
    begin = x + 9 if side > 0 else x - 9 - width
    return (begin, y + shift - 6.5, begin + width, y + shift + 6.5), shift, side


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _plain_log_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0,), numticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelcolor=MUTED)
