"""How an evaluation shows itself: a line, a table and a plot; boards use the plot, too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from reverie.evaluation.metrics import LABELLED, RANKED, parse
from reverie.shown import SHOWN, Shown, html_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Bar = tuple[str, float, float | None, float | None]
"""A name, its value, and the ends of its interval where it has one."""


def plot_bars(bars: Sequence[Bar], label: str, title: str = "", axes: Axes | None = None) -> Axes:
    """Draw values as points with their intervals, the first one at the top.

    Parameters
    ----------
    bars : sequence of (str, float, float or None, float or None)
        Name, value, low and high.
    label : str
        What the values are.
    title : str
        Stands above.
    axes : matplotlib Axes, optional
        Where to draw; new ones by default, which a notebook shows.

    Returns
    -------
    matplotlib Axes
        With the plot.
    """
    if axes is None:
        import matplotlib.pyplot as plt

        axes = plt.subplots(figsize=(6.4, 0.8 + 0.34 * len(bars)), layout="constrained")[1]
    for at, (_, value, low, high) in enumerate(bars):
        if low is not None and high is not None:
            axes.plot([low, high], [at, at], color="#9aa5b1", linewidth=2, solid_capstyle="round")
        axes.plot(value, at, "o", color="#1f4e79")
    names = [name.replace("$", r"\$") for name, *_ in bars]  # no formulas
    axes.set_yticks(range(len(bars)), names)
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.grid(axis="x", color="#e4e8ec")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(label)
    if title:
        axes.set_title(title.replace("$", r"\$"), loc="left", fontsize="medium")
    return axes


class ShownEvaluation(Shown):
    """An evaluation in a line, as a table and as a plot."""

    ranks: pl.DataFrame
    model: str
    protocol: str
    seen: str
    asked: tuple[str, ...]

    def value(self, name: str) -> float:
        """Return one metric."""
        raise NotImplementedError

    def metrics(self, names: Sequence[str] | str | None = None) -> pl.DataFrame:
        """Return metrics with their intervals."""
        raise NotImplementedError

    def plot(self, names: Sequence[str] | str | None = None, axes: Axes | None = None) -> Axes:
        """Draw metrics with their intervals.

        Parameters
        ----------
        names : str or sequence of str, optional
            Metrics; by default those of accuracy, which all lie between 0 and 1.
        axes : matplotlib Axes, optional
            Where to draw; new ones by default, which a notebook shows.

        Returns
        -------
        matplotlib Axes
            With the plot.

        Raises
        ------
        ConfigError, DataError
            If a metric is not known or cannot be computed from what was kept.
        """
        rows = self.metrics(names).iter_rows(named=True)
        drawn = [row for row in rows if names is not None or parse(row["metric"]).name in (*RANKED, *LABELLED)]
        bars = [(row["metric"], row["value"], row["low"], row["high"]) for row in drawn]
        return plot_bars(bars, "value and 95 % interval", self._said, axes)

    @property
    def _said(self) -> str:
        return " · ".join(part for part in (self.model, self.protocol) if part)

    def _facts(self) -> dict[str, str]:
        """Return model, protocol, size and the metrics that were asked for, or two."""
        known = {
            "model": self.model,
            "protocol": self.protocol,
            "queries": f"{self.ranks['query'].n_unique():,}",
            "seen": self.seen,
        }
        names = self.asked[:SHOWN] or ("recall@10", "ndcg@10")
        return known | {name: f"{self.value(name):.4f}" for name in names if len(self.ranks)}

    def _repr_html_(self) -> str:
        rows = [_cells(row) for row in self.metrics().iter_rows(named=True)]
        return html_table(self._said, ("metric", "value", "95 % interval"), rows)


def _cells(row: dict[str, Any]) -> tuple[str, str, str]:
    """Return a row of metrics as texts."""
    return row["metric"], f"{row['value']:.4f}", "" if row["low"] is None else f"{row['low']:.4f} – {row['high']:.4f}"
