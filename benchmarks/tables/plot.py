"""Accuracy against training seconds, one point per row of the suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.files import atomic_path

if TYPE_CHECKING:
    from standing import Standing

COLOURS = {True: "#d1495b", False: "#2e5eaa"}
"""Of counting and of trained models."""


def draw(standings: Sequence[Standing], metric: str, title: str, path: Path) -> None:
    """Draw a metric on test against the seconds of training; the same values give the same file.

    Parameters
    ----------
    standings : sequence of Standing
        On one dataset; all have the metric.
    metric : str
        E.g. ``"ndcg@10"``.
    title : str
        Above the plot.
    path : Path
        An SVG file.
    """
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "reverie"
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(7.6, 4.6), layout="constrained")
    labelled: set[bool] = set()
    for standing in standings:
        value = standing.value(metric)
        assert value is not None
        seconds, counts = standing.average("seconds"), standing.counts
        axis.errorbar(
            seconds,
            value.mean,
            yerr=[[max(value.mean - value.low, 0.0)], [max(value.high - value.mean, 0.0)]],
            fmt="s" if counts else "o",
            markersize=5,
            elinewidth=0.9,
            capsize=2,
            color=COLOURS[counts],
            label=None if counts in labelled else ("counted" if counts else "trained"),
        )
        labelled.add(counts)
        axis.annotate(standing.row, (seconds, value.mean), xytext=(6, 4), textcoords="offset points", fontsize=7.5)
    axis.set_xscale("log")
    axis.set_ylim(bottom=0)
    axis.margins(x=0.15)
    axis.set_xlabel("seconds of training, its choice on validation included (wall clock)")
    axis.set_ylabel(f"{metric} on test")
    axis.set_title(title)
    axis.xaxis.set_major_formatter("{x:g}")
    axis.grid(which="major", linewidth=0.3, alpha=0.6)
    axis.legend(loc="lower right", fontsize=8)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})
    plt.close(figure)
