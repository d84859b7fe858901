"""A sheet on which SVG is written: definitions with names of their own, and elements in their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

SIDE = 768
"""Units of a picture's width and height, whatever its size in pixels."""
Stop = tuple[float, str, float]
"""Of a gradient: place, colour, opacity."""


class Canvas:
    """Collects definitions and elements."""

    def __init__(self) -> None:
        self.defs: list[str] = []
        self.body: list[str] = []

    def define(self, element: str, kind: str = "d") -> str:
        """Add a definition written with ``{id}`` and return its name."""
        name = f"{kind}{len(self.defs)}"
        self.defs.append(element.replace("{id}", name))
        return name

    def add(self, *elements: str) -> None:
        """Add elements on top."""
        self.body.extend(elements)

    def linear(self, start: tuple[float, float], end: tuple[float, float], stops: Iterable[Stop]) -> str:
        """Define a linear gradient in units of the user and return the paint."""
        ends = f'x1="{start[0]:.5g}" y1="{start[1]:.5g}" x2="{end[0]:.5g}" y2="{end[1]:.5g}"'
        return self._paint(f'<linearGradient id="{{id}}" gradientUnits="userSpaceOnUse" {ends}>{_stops(stops)}</linearGradient>')

    def radial(self, centre: tuple[float, float], radius: float, stops: Iterable[Stop]) -> str:
        """Define a radial gradient in units of the user and return the paint."""
        place = f'cx="{centre[0]:.5g}" cy="{centre[1]:.5g}" r="{radius:.5g}"'
        return self._paint(f'<radialGradient id="{{id}}" gradientUnits="userSpaceOnUse" {place}>{_stops(stops)}</radialGradient>')

    def clip(self, shape: str) -> str:
        """Define a clip path and return the reference."""
        return self._paint(f'<clipPath id="{{id}}">{shape}</clipPath>')

    def _paint(self, element: str) -> str:
        return f"url(#{self.define(element)})"

    def inner(self) -> str:
        """Return everything between the tags of the document."""
        return f"<defs>{''.join(self.defs)}</defs>{''.join(self.body)}"


def document(inner: str, metadata: str = "") -> str:
    """Return a whole SVG document of `SIDE` units."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}">{metadata}{inner}</svg>'


def rectangle(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    """Return a rectangle."""
    return f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" fill="{fill}"{more}/>'


def everywhere(fill: str, more: str = "") -> str:
    """Return a rectangle over the whole picture."""
    return rectangle(0, 0, SIDE, SIDE, fill, more)


def circle(x: float, y: float, radius: float, fill: str, more: str = "") -> str:
    """Return a disc."""
    return f'<circle cx="{x:.5g}" cy="{y:.5g}" r="{radius:.5g}" fill="{fill}"{more}/>'


def path(d: str, fill: str, more: str = "") -> str:
    """Return a filled path."""
    return f'<path d="{d}" fill="{fill}"{more}/>'


def lines(d: str, stroke: str, width: float, more: str = "") -> str:
    """Return a stroked path with round ends."""
    return f'<path d="{d}" fill="none" stroke="{stroke}" stroke-width="{width:.4g}" stroke-linecap="round" stroke-linejoin="round"{more}/>'


def polygon(points: NDArray[np.float64] | Sequence[tuple[float, float]], closed: bool = True) -> str:
    """Return the path data of a polygon of [N, 2] points."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + ("Z" if closed else "")


def smooth(points: NDArray[np.float64], closed: bool = False) -> str:
    """Return path data of a curve through the middles of the sides of [N, 2] points."""
    if closed:
        points = np.concatenate([points, points[:1]])
    middles = (points[1:] + points[:-1]) / 2
    first = middles[0] if closed else points[0]
    parts = [f"M{first[0]:.1f} {first[1]:.1f}"]
    inner = zip(points[1:-1], middles[1:], strict=True)
    parts += [f"Q{p[0]:.1f} {p[1]:.1f} {m[0]:.1f} {m[1]:.1f}" for p, m in inner]
    if closed:
        return "".join(parts) + f"Q{points[0][0]:.1f} {points[0][1]:.1f} {first[0]:.1f} {first[1]:.1f}Z"
    return "".join(parts) + f"L{points[-1][0]:.1f} {points[-1][1]:.1f}"


def _stops(stops: Iterable[Stop]) -> str:
    return "".join(
        f'<stop offset="{place:.4g}" stop-color="{colour}" stop-opacity="{opacity:.3g}"/>' for place, colour, opacity in stops
    )
