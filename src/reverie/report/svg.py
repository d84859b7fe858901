"""Matplotlib figures as inline SVG that takes fonts and colours from the page, and so follows its light and dark schemes."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from reverie.report.palette import N_COLOURS

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

INK, MUTED, LINE, CARD = "#010101", "#020202", "#030303", "#040404"
"""Colours that stand for the page's own until the figure is finished."""
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", CARD: "card"} | {f"#0000{n:02x}": f"s{n}" for n in range(1, N_COLOURS + 1)}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "reverie",
    "text.parse_math": False,
    "text.color": INK,
    "font.size": 11,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 11,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "legend.frameon": False,
}


def inline_svg(paint: Callable[[Axes], None], key: str, alt: str, width: float = 400, height: float = 290) -> Markup:
    """Draw one plot and return it as SVG for the inside of a page."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]  # the keys are matplotlib's
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
    inner = re.sub(r"#[0-9a-f]{6}", lambda found: _colour(found[0]), inner)
    inner = re.sub(r"\s*\n\s*", " ", inner)
    head = f'<svg {box[0] if box else ""} role="img" aria-label="{escape(alt)}" stroke-linejoin="round">'
    return f"{head}<title>{escape(alt)}</title>{inner}"


def _colour(code: str) -> str:
    return f"var(--{_VARIABLES[code]})" if code in _VARIABLES else code
