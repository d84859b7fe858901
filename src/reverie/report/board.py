"""`Leaderboard`: what was measured of several models on one test, ranked, with who differs from whom."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from reverie.errors import ConfigError, unknown
from reverie.evaluation.plot import plot_bars
from reverie.report.cells import ORDER, Difference, paired_differences
from reverie.report.leaderboard_table import board_table
from reverie.report.row import Row, sorted_rows
from reverie.shown import Shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, repr=False)
class Leaderboard(Shown):
    """Rows in order, best first.

    Parameters
    ----------
    dataset, sha256, protocol, seen : str
        What all rows share.
    metrics : tuple of str
        Those that every row has.
    rows : tuple of Row
        Sorted by `order`, highest first.
    pairs : tuple of Difference
        Every pair of rows, compared in `order`.
    order : str
        The metric that rows are sorted by.
    left_out : mapping of str to str
        Models that could not be measured, and why.
    """

    dataset: str
    sha256: str
    protocol: str
    seen: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    pairs: tuple[Difference, ...]
    order: str = ORDER
    left_out: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def __getitem__(self, row: int | str) -> Row:
        """Return a row by its place, from 0, or by its label."""
        if isinstance(row, str):
            found = next((one for one in self.rows if one.label == row), None)
            if found is None:
                raise unknown("row", row, [one.label for one in self.rows])
            return found
        return self.rows[row]

    @property
    def best(self) -> Row:
        """The first row."""
        return self.rows[0]

    @property
    def differs(self) -> tuple[Difference, ...]:
        """The best row against each other row, in the order of the rows.

        Which row is best was seen on the same test, so the p-values are those corrected for all pairs.
        """
        return tuple(pair for pair in self.pairs if pair.first == self.best.label)

    @property
    def detectable(self) -> float | None:
        """Smallest true difference from the best row that every one of these tests finds with power 80 %; None for one row."""
        return max((pair.detectable for pair in self.differs), default=None)

    @property
    def stored(self) -> bool:
        """Whether every row has a run folder."""
        return all(hasattr(run, "folder") for row in self.rows for run in row.runs)

    @property
    def frame(self) -> pl.DataFrame:
        """The board as a Polars frame: one row per model, in order.

        Columns ``model`` (the label), ``seeds`` (how many), for each metric its value and the ends of its 95 % interval
        (``ndcg@10``, ``ndcg@10_low``, ``ndcg@10_high``; null where it has none), ``behind`` (distance to the best row in `order`)
        with its corrected ``p_holm``, ``seconds`` and ``peak_mb`` of a fit (null for a model that came
        fitted).
        """
        found = []
        for row in self.rows:
            values = {"model": row.label, "seeds": len(row.runs)}
            for name in self.metrics:
                cell = row.cells[name]
                values |= {name: cell.value, f"{name}_low": cell.low, f"{name}_high": cell.high}
            pair = self.pair(self.best.label, row.label)
            values |= {"behind": pair and pair.difference, "p_holm": pair and pair.p_holm}
            found.append(values | {"seconds": row.seconds, "peak_mb": row.peak_mb})
        kinds = dict.fromkeys(("behind", "p_holm", "seconds", "peak_mb"), pl.Float64)
        return pl.DataFrame(found, schema_overrides=kinds, infer_schema_length=None).fill_nan(None)

    def sort(self, metric: str) -> Leaderboard:
        """Return the board sorted by another of its metrics, highest first, every two rows compared in that metric.

        Parameters
        ----------
        metric : str
            One of `metrics` that has an interval.

        Returns
        -------
        Leaderboard
            The same rows.

        Raises
        ------
        ConfigError
            If the board has no such metric, or it has no interval.
        """
        if metric not in self.metrics:
            raise ConfigError(f"{unknown('metric', metric, self.metrics)}; a board has those of rv.compare(metrics=[…])")
        if self.best.cells[metric].low is None:
            raise ConfigError(f"metric '{metric}' has no interval to compare rows by; use board.frame.sort('{metric}')")
        rows = sorted_rows(self.rows, metric)
        pairs = paired_differences({row.label: row.tests for row in rows}, metric)
        return replace(self, rows=rows, pairs=pairs, order=metric)

    def pair(self, one: str, two: str) -> Difference | None:
        """Return the comparison of two rows.

        Parameters
        ----------
        one, two : str
            Labels, in any order.

        Returns
        -------
        Difference or None
            None for a row with itself.
        """
        return next((pair for pair in self.pairs if {pair.first, pair.other} == {one, two}), None)

    def plot(self, metric: str | None = None, axes: Axes | None = None) -> Axes:
        """Draw the rows, in their order, with their intervals.

        Parameters
        ----------
        metric : str, optional
            One of `metrics`; by default the one that rows are sorted by.
        axes : matplotlib Axes, optional
            Where to draw; new ones by default, which a notebook shows.

        Returns
        -------
        matplotlib Axes
            With the plot.

        Raises
        ------
        ConfigError
            If the board has no such metric.
        """
        name = metric or self.order
        if name not in self.metrics:
            raise unknown("metric", name, self.metrics)
        cells = [(row.label, row.cells[name]) for row in self.rows]
        bars = [(label, cell.value, cell.low, cell.high) for label, cell in cells]
        return plot_bars(bars, f"{name} and 95 % interval", f"{self.dataset} · {self.protocol}", axes)

    def _facts(self) -> dict[str, str]:
        """Return what was compared on what, and the first row."""
        best = {"best": self.best.label, self.order: f"{self.best.cells[self.order].value:.4f}"}
        shown = f"{sum(pair.shown for pair in self.differs)} of {len(self.differs)} others"
        return {"dataset": self.dataset, "protocol": self.protocol, "models": str(len(self.rows))} | best | {"differs from": shown}

    def __str__(self) -> str:
        return board_table(self).to_text()

    def _repr_html_(self) -> str:
        return board_table(self)._repr_html_()

    def to_json(self) -> dict[str, Any]:
        """Return the board as plain values.

        Returns
        -------
        dict
            With ``rows``, ``pairs`` and ``differs``; a number that is not finite is None.
        """
        rows = [
            {
                "model": row.model_name, "label": row.label, "recipe": row.runs[0].name, "baseline": row.baseline,
                "fit_on": row.fit_on, "seeds": list(row.seeds), "metrics": {name: asdict(cell) for name, cell in row.cells.items()},
                "best_epochs": list(row.best_epochs), "chosen": list(row.chosen), "seconds": row.seconds, "peak_mb": row.peak_mb,
                "processor_seconds": [run.fitted.processor_seconds for run in row.runs],
                "load": [run.fitted.load for run in row.runs],
            }
            for row in self.rows
        ]  # fmt: skip
        facts: dict[str, Any] = {"dataset": self.dataset, "dataset_sha256": self.sha256, "protocol": self.protocol}
        facts |= {"seen": self.seen, "repeats": self.best.runs[0].test.repeats}
        both = {name: [asdict(pair) for pair in pairs] for name, pairs in (("differs", self.differs), ("pairs", self.pairs))}
        plain: dict[str, Any] = _finite(facts | {"order": self.order, "rows": rows, "detectable": self.detectable} | both)
        return plain


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
