"""Icons ready for a picture: what is filled and what is drawn, their colours and their true outline."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.renderers.collage.colour import to_lab

_COLOUR = re.compile(r'(fill|stroke)="(#[0-9a-fA-F]{3,6})"')
_WIDTH = re.compile(r'stroke-width="([\d.]+)"')
_NAMED = re.compile(r'(\bid="|href="#|url\(#)([^")]+)')
_RASTER = 72


@dataclass(frozen=True)
class Sprite:
    """An icon as drawn in a picture.

    Parameters
    ----------
    phrase, label, group : str
        What it shows in the words of the object, its own label and the group of its set.
    body : str
        SVG elements.
    side : float
        Units of the icon's square.
    """

    phrase: str
    label: str
    group: str
    body: str
    side: float

    @cached_property
    def pixels(self) -> NDArray[np.uint8]:
        """RGBA of the icon alone → [72, 72, 4]."""
        import resvg_py
        from PIL import Image

        size = f'width="{_RASTER}" height="{_RASTER}" viewBox="0 0 {self.side:g} {self.side:g}"'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
        png = resvg_py.svg_to_bytes(svg_string=f"{head}{self.body}</svg>", skip_system_fonts=True)
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what is drawn, in the icon's units."""
        seen = self.pixels[..., 3] > 40
        if not seen.any():
            return 0.0, 0.0, self.side, self.side
        rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
        scale = self.side / _RASTER
        return columns[0] * scale, rows[0] * scale, (columns[-1] + 1) * scale, (rows[-1] + 1) * scale

    @cached_property
    def light(self) -> float:
        """Mean lightness of what is drawn, from 0 to 1."""
        seen = self.pixels[self.pixels[..., 3] > 128][:, :3]
        return float(to_lab(seen / 255.0)[:, 0].mean()) if len(seen) else 0.5

    @cached_property
    def solid(self) -> float:
        """Share of its box that is filled: small for things of thin lines."""
        left, top, right, bottom = self.box
        area = max((right - left) * (bottom - top), 1.0)
        return float((self.pixels[..., 3] > 128).sum()) * (self.side / _RASTER) ** 2 / area

    @property
    def thin(self) -> bool:
        """Whether it is mostly lines: its lines must be bold to be seen."""
        return self.solid < 0.25 or (self.solid < 0.4 and self.light < 0.3)

    @cached_property
    def colours(self) -> tuple[str, ...]:
        """Colours of fills and strokes, in order of the alphabet."""
        return tuple(sorted({found[2].lower() for found in _COLOUR.finditer(self.body)}))

    def drawn(self, paints: dict[str, str], line: str, width: float, prefix: str) -> str:
        """Return the elements with other paints; black lines get a colour and their widths are multiplied.

        Names inside get a prefix, so that several icons stand in one document.
        """

        def paint(found: re.Match[str]) -> str:
            kind, colour = found[1], found[2].lower()
            if kind == "stroke" and colour in ("#000", "#000000"):
                return f'stroke="{line}"'
            return f'{kind}="{paints.get(colour, colour)}"'

        body = _NAMED.sub(lambda found: f"{found[1]}{prefix}{found[2]}", self.body)
        body = _WIDTH.sub(lambda found: f'stroke-width="{float(found[1]) * width:.3g}"', _COLOUR.sub(paint, body))
        return f'<g fill="{line}" stroke-width="{width:.3g}">{body}</g>'

    def silhouette(self, paint: str, width: float, prefix: str) -> str:
        """Return everything in one paint, edges grown by half a width."""
        return self._plain(paint, paint, width, prefix)

    def outlines(self, paint: str, width: float, prefix: str, fill: str = "none") -> str:
        """Return the lines alone, all of one width, over one fill where there is one."""
        return self._plain(fill, paint, width, prefix)

    def _plain(self, fill: str, stroke: str, width: float, prefix: str) -> str:
        body = _NAMED.sub(lambda found: f"{found[1]}{prefix}{found[2]}", self.body)
        body = _COLOUR.sub(lambda found: f'{found[1]}="{fill if found[1] == "fill" else stroke}"', body)
        body = _WIDTH.sub(f'stroke-width="{width:.3g}"', body)
        around = f' stroke="{stroke}" stroke-linejoin="round"' if fill == stroke else ""
        return f'<g fill="{fill}" stroke-width="{width:.3g}"{around}>{body}</g>'
