"""The leaderboard as a table: values over their 95 % intervals, and each row's difference from the best."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.report.plots import Look, look
from reverie.report.ranking import ORDER
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import duration, number, options, p_value, span, titled

if TYPE_CHECKING:
    from rich.console import Console

    from reverie.report.ranking import Cell, Difference, Leaderboard, Row

WIDTH = 100
"""Widest table on a terminal, in characters."""
_SHOWN = ("recall@10", "ndcg@10", "mrr@10", "coverage@10")


def print_leaderboard(board: Leaderboard, console: Console) -> None:
    """Print a leaderboard: values over their 95 % intervals, and each row's difference from the best.

    Parameters
    ----------
    board : Leaderboard
        From `reverie.report.leaderboard`.
    console : rich.console.Console
        Where to; a terminal or a pipe.
    """
    names = [name for name in _SHOWN if name in board.metrics] or [ORDER]
    heads = [name.removesuffix("@10") if name == "coverage@10" else name for name in names]
    columns = [Column("model", width=(18, 26)), *(Column(head, "right", wrap=False) for head in heads)]
    columns += [Column("behind the best", wrap=False), Column("fit", "right", wrap=False)]
    rows = []
    for row in board.rows:
        label = TableCell(row.label, " · ".join(_about(row)), emphasis="bold" if row is board.best else "none")
        values = [value_cell(row.cells[name]) for name in names]
        rows.append([label, *values, behind_cell(board.pair(board.best.label, row.label)), _cost(row)])
    n = board.best.cells[ORDER].n
    head = f"{board.dataset} · {board.protocol} · seen items: {board.seen} · {n:,} queries · sorted by {ORDER} on test"
    Table(head, columns, rows, _notes(board)).print(console, WIDTH)


def page_table(board: Leaderboard) -> Table:
    """Return the leaderboard as pages show it: with bars, with intervals of differences, and with what was chosen."""
    names, drawn, best = page_metrics(board), looks(board), board.best
    columns = [Column("Model"), *(Column(titled(name), "right", bar=True) for name in names)]
    columns += [*([Column("Behind the best")] if board.pairs else []), Column("Fit", "right")]
    rows = []
    for row in board.rows:
        about = _about(row, fitted=True) + [f"chose {options(chosen)}" for chosen in row.chosen]
        label = TableCell(row.label, " · ".join(about), emphasis="bold" if row is best else "none", look=drawn[row.label])
        values = [value_cell(row.cells[name], "no interval") for name in names]
        pair = board.pair(best.label, row.label)
        behind = TableCell("leads", emphasis="bold")
        if pair is not None:
            verdict = f"{'differs' if pair.shown else 'not shown'}, {p_value(pair.p_holm)}"
            behind = TableCell(number(pair.difference), verdict, span(pair.low, pair.high), pair.difference, pair.low, pair.high)
        rows.append([label, *values, *([behind] if board.pairs else []), _cost(row)])
    return Table("", columns, rows)


def page_metrics(board: Leaderboard) -> list[str]:
    """Return the metrics that pages show as columns."""
    return [name for name in board.metrics if name != "popularity@10"]


def looks(board: Leaderboard) -> dict[str, Look]:
    """Return how each row is drawn on the whole page."""
    return {row.label: look(place, row.baseline) for place, row in enumerate(board.rows)}


def value_cell(cell: Cell, without: str = "") -> TableCell:
    """Return a metric over its interval."""
    return TableCell(number(cell.value), span(cell.low, cell.high) or without, value=cell.value, low=cell.low, high=cell.high)


def behind_cell(pair: Difference | None) -> TableCell:
    """Return how far a row is behind the best, and whether that is shown."""
    if pair is None:
        return TableCell("best")
    verdict = p_value(pair.p_holm) if pair.shown else f"not shown, {p_value(pair.p_holm)}"
    return TableCell(number(pair.difference), verdict, value=pair.difference, low=pair.low, high=pair.high)


def _cost(row: Row) -> TableCell:
    return TableCell(duration(row.seconds), f"{row.peak_mb:,.0f} MB", value=row.seconds)


def _about(row: Row, fitted: bool = False) -> list[str]:
    parts = ["baseline"] if row.baseline else []
    parts += [f"fitted on {row.fit_on}"] if fitted and row.fit_on != "train" else []
    parts += ["best epoch " + ", ".join(map(str, row.best_epochs))] if row.best_epochs else []
    return parts + ([f"{len(row.seeds)} seeds"] if len(row.seeds) > 1 else [])


def _notes(board: Leaderboard) -> list[str]:
    several = any(len(row.seeds) > 1 for row in board.rows)
    over = "users, and seeds where a row has several" if several else "users"
    notes = [f"Intervals: 95 %, resampling {over}."]
    if board.detectable is not None:
        notes[0] += (
            f" Behind the best: paired test in {ORDER}, Holm-corrected over all {len(board.pairs)} pairs."
            f" A true difference below {number(board.detectable)} could go unnoticed."
        )
    notes += [f"{row.label} chose on validation: {options(chosen)}" for row in board.rows for chosen in row.chosen]
    return notes
