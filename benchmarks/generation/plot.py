"""Recall of the lists and how alike their items are, method by method."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure

from generation.page import label
from reverie.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from generation.page import Results

COLOURS = {"sasrec": "#1d5fbf", "comirec": "#9d3f94", "daydream": "#c2410c", "daydream-noise-off": "#0b7f62"}
GREY = "#5b6472"
STYLE = {"svg.hashsalt": "reverie", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.linewidth": 0.4}


def draw(path: Path, results: list[Results]) -> None:
    """Draw one row of panels per dataset and length of list; the same table gives the same file.

    Parameters
    ----------
    path : Path
        An SVG file.
    results : list of Results
        At least one.
    """
    panels = [(one, k) for one in results for k in one.lengths]
    heights = [0.24 * len(one.lists(k)) + 0.9 for one, k in panels]
    with mpl.rc_context(STYLE), atomic_path(path) as temporary:
        figure = Figure(figsize=(10.5, sum(heights)), layout="constrained")
        axes = figure.subplots(len(panels), 2, squeeze=False, height_ratios=heights, width_ratios=[3, 2])
        for pair, (one, k) in zip(axes, panels, strict=True):
            _points(pair[0], one, k, f"recall@{k}", f"{one.name}: share of the next five events in a list of {k}")
            _points(pair[1], one, k, f"similarity@{k}", "how alike its items are (co-occurrence)")
            pair[1].set_yticklabels([])
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def _points(axis: Axes, results: Results, k: int, metric: str, title: str) -> None:
    names = []
    for place, (model, method, metrics) in enumerate(results.lists(k)):
        row, colour = metrics[metric], COLOURS.get(model, GREY)
        spread = [[row["value"] - row["low"]], [row["high"] - row["value"]]]
        axis.errorbar(row["value"], -place, xerr=spread, fmt="o", markersize=4, elinewidth=1, color=colour)
        if (model, method) == ("sasrec", "own list"):
            axis.axvline(row["value"], color=colour, linestyle="--", linewidth=0.8)
        names.append(f"{model}, {label(method)}")
    axis.set_yticks([-place for place in range(len(names))], names, fontsize=7)
    axis.set_title(title, fontsize=8.5)
    axis.tick_params(axis="x", labelsize=7)
