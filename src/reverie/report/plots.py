"""The plots of a report, from plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reverie.report.svg import CARD, INK, MUTED, inline_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes

    from reverie.report.palette import Look

Interval = tuple[float, float]


@dataclass(frozen=True)
class Point:
    """A row of the leaderboard as a point.

    Parameters
    ----------
    label : str
        Its name.
    look : Look
        How it is drawn.
    x, y : float
        Where.
    interval : (float, float) or None
        95 % interval of `y`.
    """

    label: str
    look: Look
    x: float
    y: float
    interval: Interval | None = None


@dataclass(frozen=True)
class Curve:
    """A training as a curve.

    Parameters
    ----------
    label : str
        Its name.
    look : Look
        How it is drawn.
    epochs, values : tuple of float
        The curve.
    best : int or None
        Epoch whose weights were kept.
    """

    label: str
    look: Look
    epochs: tuple[float, ...]
    values: tuple[float, ...]
    best: int | None = None


@dataclass(frozen=True)
class Group:
    """One category of a dot plot, with a point per row of the leaderboard; `x` is unused.

    Parameters
    ----------
    name : str
        What the category is called.
    points : tuple of Point
        From top to bottom.
    """

    name: str
    points: tuple[Point, ...]


def scatter_plot(points: Sequence[Point], key: str, x: str, y: str, alt: str, log: bool = False) -> Markup:
    """Draw rows as labelled points with vertical intervals.

    Parameters
    ----------
    points : sequence of Point
        At least one.
    key : str
        Name of the figure on the page.
    x, y : str
        Labels of the axes.
    alt : str
        What the figure shows.
    log : bool
        Whether the x axis is logarithmic.

    Returns
    -------
    Markup
        Inline SVG.
    """

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
    """Draw learning curves; a ring marks the epoch that was kept.

    Parameters
    ----------
    curves : sequence of Curve
        At least one.
    key : str
        Name of the figure on the page.
    y : str
        Label of the vertical axis.
    alt : str
        What the figure shows.
    levels : sequence of Point
        Models without epochs: a dashed line at `y`.

    Returns
    -------
    Markup
        Inline SVG.
    """

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
                axes.plot(
                    curve.best, kept[0], marker="o", markersize=9, color=curve.look.code, markerfacecolor=CARD, markeredgewidth=2
                )
        axes.set(xlabel="epoch", ylabel=y)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(x=0.04, y=0.08)

    return inline_svg(paint, key, alt)


def dot_plot(groups: Sequence[Group], key: str, x: str, alt: str) -> Markup:
    """Draw values with horizontal intervals, grouped by category.

    Parameters
    ----------
    groups : sequence of Group
        From top to bottom.
    key : str
        Name of the figure on the page.
    x : str
        Label of the horizontal axis.
    alt : str
        What the figure shows.

    Returns
    -------
    Markup
        Inline SVG.
    """
    rows = sum(len(group.points) + 1.6 for group in groups)

    def paint(axes: Axes) -> None:
        at = 0.0
        for group in groups:
            at += 0.9
            axes.text(0, at, group.name, transform=axes.get_yaxis_transform(), va="center", fontweight="bold", fontsize=11)
            for point in group.points:
                at += 1
                if point.interval:
                    axes.plot(point.interval, [at] * 2, color=point.look.code, linewidth=1.6, alpha=0.75, solid_capstyle="round")
                _mark(axes, point.y, at, point.look)
            at += 0.7
        axes.set_ylim(at, 0.2)
        axes.set_yticks([])
        axes.grid(visible=True, axis="x")
        axes.margins(x=0.06)
        axes.set_xlim(left=0)
        axes.set_xlabel(x)

    return inline_svg(paint, key, alt, height=60 + 17 * rows)


def _mark(axes: Axes, x: float, y: float, look: Look) -> None:
    face = CARD if look.hollow else look.code
    axes.plot(x, y, marker=look.marker, markersize=7.5, color=look.code, markerfacecolor=face, markeredgewidth=1.8, zorder=3)


def _name_points(axes: Axes, points: Sequence[Point]) -> None:
    """Write each name beside its point, on the side with more room, moved up or down where names would collide."""
    size = axes.get_figure().bbox  # type: ignore[union-attr]  # the axes belong to a figure
    places = axes.transData.transform([(point.x, point.y) for point in points])
    low, high = places[:, 0].min(), places[:, 0].max()
    taken: list[tuple[float, float, float]] = []
    dpi = size.width / axes.get_figure().get_size_inches()[0]  # type: ignore[union-attr]  # as above
    for index in sorted(range(len(points)), key=lambda i: -places[i, 1]):
        point, (x, y) = points[index], places[index] * 72 / dpi
        left = places[index, 0] > (low + high) / 2
        width = 6.0 * len(point.label)
        begin = x - width - 9 if left else x + 9
        shift = 0.0
        while any(begin < b + w and b < begin + width and abs(y + shift - t) < 12 for b, w, t in taken):
            shift -= 3
        taken.append((begin, width, y + shift))
        axes.annotate(
            point.label,
            (point.x, point.y),
            xytext=(-9 if left else 9, shift),
            textcoords="offset points",
            ha="right" if left else "left",
            va="center",
            fontsize=11,
            color=INK,
        )


def _plain_log_ticks(axes: Axes) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0,), numticks=8))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelcolor=MUTED)
