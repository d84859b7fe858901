"""The credit in small type along the lower edge."""

from __future__ import annotations

import textwrap
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import escape

from reverie.imagery.renderers.collage.canvas import SIDE, rectangle

FAMILY = "DejaVu Sans"
_LETTERS, _SIZE = 128, 10.5


def font() -> Path:
    """Return the font file that comes with matplotlib, so that every machine sets the same type."""
    found = find_spec("matplotlib")
    assert found is not None  # noqa: S101 - a dependency of the package
    assert found.origin is not None  # noqa: S101
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"


def caption(text: str) -> str:
    """Return a pale band with a text in at most three lines."""
    lines = textwrap.wrap(text, _LETTERS, max_lines=3, placeholder=" …")
    height = 6 + 1.35 * _SIZE * len(lines)
    rows = "".join(
        f'<text x="8" y="{SIDE - height + 3 + 1.35 * _SIZE * (k + 0.72):.1f}">{escape(line)}</text>' for k, line in enumerate(lines)
    )
    band = rectangle(0, SIDE - height, SIDE, height, "#ffffff", 0.78)
    return f'{band}<g font-family="{FAMILY}" font-size="{_SIZE}" fill="#222222">{rows}</g>'
