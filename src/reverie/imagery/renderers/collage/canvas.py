"""A sheet on which SVG is written: definitions with names of their own, and elements in their order."""

from __future__ import annotations

from collections.abc import Iterable

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
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}" width="{SIDE}" height="{SIDE}">'
    return f"{head}{metadata}{inner}</svg>"


def trace(*parts: str | float) -> str:
    """Return path data of letters and numbers, with one digit after the point."""
    return "".join(part if isinstance(part, str) else f" {part:.1f}" for part in parts)


def rectangle(x: float, y: float, width: float, height: float, fill: str, opacity: float = 1.0) -> str:
    """Return a rectangle."""
    return f'<rect x="{x:.5g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}" fill="{fill}"{_opacity("fill", opacity)}/>'


def everywhere(fill: str, opacity: float = 1.0) -> str:
    """Return a rectangle over the whole picture."""
    return rectangle(0, 0, SIDE, SIDE, fill, opacity)


def circle(x: float, y: float, radius: float, fill: str, opacity: float = 1.0) -> str:
    """Return a disc."""
    return f'<circle cx="{x:.5g}" cy="{y:.5g}" r="{radius:.5g}" fill="{fill}"{_opacity("fill", opacity)}/>'


def path(d: str, fill: str, opacity: float = 1.0) -> str:
    """Return a filled path."""
    return f'<path d="{d}" fill="{fill}"{_opacity("fill", opacity)}/>'


def lines(d: str, stroke: str, width: float, opacity: float = 1.0) -> str:
    """Return a stroked path with round ends."""
    ends = f'stroke-width="{width:.4g}" stroke-linecap="round" stroke-linejoin="round"'
    return f'<path d="{d}" fill="none" stroke="{stroke}" {ends}{_opacity("stroke", opacity)}/>'


def polygon(points: NDArray[np.float64]) -> str:
    """Return the path data of a polygon of [N, 2] points."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist()) + "Z"


def smooth(points: NDArray[np.float64], closed: bool = False) -> str:
    """Return path data of a curve through the middles of the sides of [N, 2] points."""
    if closed:
        points = np.concatenate([points, points[:1]])
    middles = ((points[1:] + points[:-1]) / 2).tolist()
    rows = points.tolist()
    first = middles[0] if closed else rows[0]
    parts = [trace("M", *first)]
    parts += [trace("Q", *corner, *middle) for corner, middle in zip(rows[1:-1], middles[1:], strict=True)]
    return "".join(parts) + (trace("Q", *rows[0], *first, "Z") if closed else trace("L", *rows[-1]))


def _opacity(kind: str, value: float) -> str:
    """Return the attribute; of the paint rather than of the element, which would need a layer of its own."""
    return "" if value >= 1 else f' {kind}-opacity="{value:.3g}"'


def _stops(stops: Iterable[Stop]) -> str:
    return "".join(
        f'<stop offset="{place:.4g}" stop-color="{colour}"{_opacity("stop", opacity)}/>' for place, colour, opacity in stops
    )
