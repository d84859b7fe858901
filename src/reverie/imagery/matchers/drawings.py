"""Icons as pixels, and their names: what matchers learn from. Tags, glosses and concepts are never among it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.data.sources.packages import require_package
from reverie.errors import DataError
from reverie.imagery.icons import IconSet
from reverie.seeds import numpy_generator

HELD_OUT = 0.15
"""Share of the names that no matcher is taught, whatever family draws them."""


@dataclass(frozen=True)
class Drawings:
    """Drawn icons of several families.

    Parameters
    ----------
    pixels : ndarray of uint8, shape [N, S, S, 4]
        Colours and opacity.
    names : tuple of str, N
        What each shows, in words.
    families : tuple of str, N
        The icon set that each comes from.
    """

    pixels: NDArray[np.uint8]
    names: tuple[str, ...]
    families: tuple[str, ...]

    def chosen(self, families: Sequence[str], names: Sequence[str] | None = None) -> NDArray[np.int64]:
        """Return where drawings of families stand, of all names or of some."""
        kept = None if names is None else set(names)
        rows = zip(self.families, self.names, strict=True)
        return np.array(
            [at for at, (family, name) in enumerate(rows) if family in families and (kept is None or name in kept)], np.int64
        )


def draw_icons(sets: Sequence[IconSet], size: int) -> Drawings:
    """Draw the icons that show a thing, each name of a family once.

    Parameters
    ----------
    sets : sequence of IconSet
    size : int
        Width and height in pixels.
    """
    pixels, names, families = [], [], []
    for icons in sets:
        for name, label in sorted({icon.label: icon.name for icon in reversed(icons.drawable)}.items()):
            pixels.append(rasterised(icons.svg(label), size))
            names.append(name)
            families.append(icons.name)
    if not pixels:
        raise DataError("no icon of these sets shows a thing; give icon sets with drawable icons")
    return Drawings(np.stack(pixels), tuple(names), tuple(families))


def rasterised(svg: str, size: int) -> NDArray[np.uint8]:
    """Return an SVG document as pixels → [S, S, 4]."""
    require_package("resvg_py", "drawing icons")
    import resvg_py
    from PIL import Image

    drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True))))
    return np.asarray(drawn.convert("RGBA").resize((size, size)), dtype=np.uint8)


def held_out(names: Sequence[str], seed: int, share: float = HELD_OUT) -> frozenset[str]:
    """Return the names that are kept from training; each name is drawn by itself, so that a longer list moves none."""
    return frozenset(name for name in names if numpy_generator(seed, "held-out name", name).random() < share)
