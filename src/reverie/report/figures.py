"""The figures of a report, section by section, from a leaderboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.evaluation import pooled, sliced
from reverie.report.leaderboard_table import looks, value_cell
from reverie.report.page import Figure
from reverie.report.plots import Curve, Group, Point, curve_plot, dot_plot, scatter_plot
from reverie.report.ranking import ORDER, cells
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, titled

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverie.data.split import Split
    from reverie.report.plots import Look
    from reverie.report.ranking import Cell, Leaderboard, Row

_PANELS = {
    "popularity": ("How popular the held-out item is", ("target:popular", "target:rare")),
    "history": ("How long the history is", ("history:short", "history:long")),
    "cold": ("Whether training holds the item", ("target:warm", "target:cold")),
}
FEWEST = 20
"""Questions that a slice needs to be drawn; the table shows smaller ones too."""
_SLICES = {
    "target:popular": "most popular fifth of the items",
    "target:rare": "all other items",
    "history:short": "short, up to the median",
    "history:long": "long, above the median",
    "target:warm": "warm: seen in training",
    "target:cold": "cold: never in training",
}


def curve_figures(board: Leaderboard) -> list[Figure]:
    """Draw validation metric and loss over epochs; one curve per seed."""
    drawn = looks(board)
    metric = next((run.recipe.training.metric for row in board.rows for run in row.runs if run.fitted.history), ORDER)

    def curves(column: str, mark: bool) -> list[Curve]:
        found = []
        for row in board.rows:
            for run in row.runs:
                seen = [(entry["epoch"], entry[column]) for entry in run.fitted.history if column in entry]
                if seen:
                    epochs, values = (tuple(float(value) for value in column_) for column_ in zip(*seen, strict=True))
                    found.append(Curve(row.label, drawn[row.label], epochs, values, run.fitted.best_epoch if mark else None))
        return found

    figures = []
    if valid := curves(f"valid_{metric}", mark=True):
        levels = [_level(row, drawn[row.label], metric) for row in board.rows if not row.best_epochs]
        note = "The ring is the epoch that was kept." + (" Dashed lines: models without epochs." if levels else "")
        ends = "; ".join(f"{c.label} from {number(c.values[0])} to at best {number(max(c.values))}" for c in valid)
        name = titled(metric)
        svg = curve_plot(valid, "curve-valid", name, f"{name} on validation by epoch: {ends}", levels)
        figures.append(Figure(f"{name} on validation", note, svg))
    if loss := curves("loss", mark=False):
        ends = "; ".join(f"{c.label} from {c.values[0]:.3g} to {c.values[-1]:.3g}" for c in loss)
        note = "Losses of different objectives cannot be compared."
        figures.append(Figure("Training loss", note, curve_plot(loss, "curve-loss", "loss", f"Training loss by epoch: {ends}")))
    return figures


def bias_figures(board: Leaderboard) -> list[Figure]:
    """Draw accuracy against the popularity of what is recommended, and against coverage."""
    figures = []
    if "popularity@10" in board.metrics:
        title, note = "Accuracy and popularity", "Further left: less popular items are shown. Top left is best."
        x = "mean training events of a recommended item"
        figures.append(_against(board, "bias-popularity", title, note, x, lambda row: row.cells["popularity@10"].value))
    if "coverage@10" in board.metrics:
        title, note = "Accuracy and coverage", "Further right: more of the catalogue is shown to somebody. Top right is best."
        x = "share of the catalogue recommended, in %"
        figures.append(_against(board, "bias-coverage", title, note, x, lambda row: 100 * row.cells["coverage@10"].value))
    return figures


def cost_figures(board: Leaderboard) -> list[Figure]:
    """Draw accuracy against the time and the memory of a fit."""
    note = "On the machine named below. Top left is best."
    x = "seconds of fitting"
    time = _against(board, "cost-time", "Accuracy and time", note, x, lambda row: max(row.seconds, 1e-3), log=True)
    note = "Largest memory of the process during the fit."
    return [time, _against(board, "cost-memory", "Accuracy and memory", note, "peak memory in MB", lambda row: row.peak_mb)]


def slice_figures(board: Leaderboard, split: Split) -> tuple[list[Figure], Table]:
    """Draw accuracy on parts of the queries, and return it as a table without columns where there are no parts."""
    drawn = looks(board)
    by_row = {row.label: _slice_cells(row, split) for row in board.rows}
    present = by_row[board.best.label]
    panels = {key: (title, names) for key, (title, names) in _PANELS.items() if all(name in present for name in names)}
    figures = []
    for key, (title, names) in panels.items():
        groups, said = [], []
        for name in names:
            points = tuple(
                Point(label, drawn[label], 0, found[name].value, _ends(found[name]))
                for label, found in by_row.items()
                if name in found
            )
            groups.append(Group(f"{_SLICES[name]} · {present[name].n:,}", points))
            said.append(f"{_SLICES[name]}: " + ", ".join(f"{point.label} {number(point.y)}" for point in points))
        alt = f"{titled(ORDER)} by slice. " + "; ".join(said)
        if min(present[name].n for name in names) >= FEWEST:
            figures.append(Figure(title, "", dot_plot(groups, f"slice-{key}", titled(ORDER), alt)))
    shown = [name for _, names in panels.values() for name in names]
    columns = [Column("Model"), *(Column(_SLICES[name], "right", f"{present[name].n:,}") for name in shown)]
    rows = [
        [TableCell(label), *(value_cell(found[name]) if name in found else TableCell("–") for name in shown)]
        for label, found in by_row.items()
    ]
    return figures, Table("", columns if shown else [], rows)


def _slice_cells(row: Row, split: Split) -> dict[str, Cell]:
    parts = [sliced(test, split.train) for test in row.tests]
    return {name: cells(pooled([part[name] for part in parts], [ORDER]))[ORDER] for name in parts[0]}


def _against(
    board: Leaderboard, key: str, title: str, note: str, x: str, at: Callable[[Row], float], *, log: bool = False
) -> Figure:
    drawn = looks(board)
    points = [Point(row.label, drawn[row.label], at(row), row.cells[ORDER].value, _ends(row.cells[ORDER])) for row in board.rows]
    alt = f"{titled(ORDER)} against {x}: " + "; ".join(f"{point.label} {number(point.y)} at {point.x:.4g}" for point in points)
    return Figure(title, note, scatter_plot(points, key, x, titled(ORDER), alt, log))


def _level(row: Row, drawn: Look, metric: str) -> Point:
    return Point(row.label, drawn, 0, sum(run.valid.value(metric) for run in row.runs) / len(row.runs))


def _ends(cell: Cell) -> tuple[float, float] | None:
    return None if cell.low is None or cell.high is None else (cell.low, cell.high)
