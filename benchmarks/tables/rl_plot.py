"""What each row of a study of long-term value earns, or ranks, by the head that acts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.files import atomic_path

if TYPE_CHECKING:
    from reverie.evaluation import Effect

HEADS = {"ce": ("#2e5eaa", "o"), "q": ("#d1495b", "s"), "ce+q": ("#3b8b5b", "D"), "": ("#555555", "^")}
"""Colour and marker of the head that acts; models without heads come last."""
NAMES = {"ce": "acts by ce", "q": "acts by q", "ce+q": "acts by ce+q", "": "no heads"}
GAP = 0.22
"""Between the heads of one row, in rows."""


def draw(
    rows: Mapping[str, Mapping[str, Effect]], axis: str, title: str, path: Path, levels: Sequence[tuple[str, float]] = ()
) -> None:
    """Draw the heads of each row under one another; the same values give the same file.

    Parameters
    ----------
    rows : mapping
        Mean over seeds by row, then by the head that acts (a key of `HEADS`).
    axis : str
        Name of the number.
    title : str
        Above the plot.
    path : Path
        An SVG file.
    levels : sequence of (str, float)
        Vertical lines and their names, e.g. what the best policy earns.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "reverie", "font.size": 9}):
        figure = Figure(figsize=(7.6, 1.3 + 0.24 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        for head, (colour, marker) in HEADS.items():
            found = [(at + _shift(head, heads), heads[head]) for at, heads in enumerate(rows.values()) if head in heads]
            for at, effect in found:
                if effect.low is not None:
                    axes.plot(effect.ends, [at] * 2, color=colour, linewidth=1.1, alpha=0.7)
            if found:
                places, values = [at for at, _ in found], [effect.value for _, effect in found]
                axes.plot(values, places, marker, color=colour, markersize=4.5, linestyle="none", label=NAMES[head])
        for position, (name, value) in enumerate(sorted(levels, key=lambda level: level[1])):
            axes.axvline(value, color="#777777", linewidth=0.9, linestyle=(0, (4, 3)))
            above = (0, 3 + 10 * (position % 2))  # neighbours at two heights, so that their names do not meet
            where = {"xycoords": ("data", "axes fraction"), "xytext": above, "textcoords": "offset points"}
            axes.annotate(name, (value, 1), ha="center", fontsize=8, **where)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel(axis)
        axes.set_title(title, fontsize=10, pad=28 if levels else 8)
        axes.grid(axis="x", linewidth=0.3, alpha=0.6)
        figure.legend(loc="outside lower center", ncols=4, fontsize=8, frameon=False)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})


def _shift(head: str, heads: Mapping[str, Effect]) -> float:
    """Return how far below its row a head is drawn: heads of one row stand symmetrically about it."""
    order = [name for name in HEADS if name in heads]
    return (order.index(head) - (len(order) - 1) / 2) * GAP
