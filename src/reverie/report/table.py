"""The leaderboard on a terminal, at most 100 columns wide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.report.leaderboard import ORDER
from reverie.report.words import duration, number, options, p_value, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from reverie.report.leaderboard import Difference, Leaderboard
    from reverie.report.rows import Cell, Row

WIDTH = 100
"""Widest table, in characters."""
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
    from rich import box
    from rich.table import Table
    from rich.text import Text

    names = [name for name in _SHOWN if name in board.metrics] or [ORDER]
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, collapse_padding=True)
    table.add_column("model", min_width=18, max_width=26, overflow="fold")
    for name in names:
        table.add_column(name.removesuffix("@10") if name == "coverage@10" else name, justify="right", no_wrap=True)
    table.add_column("behind the best", no_wrap=True)
    table.add_column("fit", justify="right", no_wrap=True)
    for place, row in enumerate(board.rows):
        model = Text.assemble((row.label, "bold" if place == 0 else ""), "\n", (_about(row), "dim"))
        behind = _behind(board.pair(board.best.label, row.label))
        cost = Text.assemble(duration(row.seconds), "\n", (f"{row.peak_mb:,.0f} MB", "dim"))
        table.add_row(model, *(_cell(row.cells[name]) for name in names), behind, cost)
    cell = board.best.cells[ORDER]
    head = f"{board.dataset} · {board.protocol} · seen items: {board.seen} · {cell.n:,} queries · sorted by {ORDER} on test"
    for line in (head, table, *_notes(board)):
        console.print(line, markup=False, highlight=False, width=min(WIDTH, console.width))


def _cell(cell: Cell) -> Text:
    from rich.text import Text

    return Text.assemble(number(cell.value), "\n", (span(cell.low, cell.high), "dim"))


def _behind(pair: Difference | None) -> Text:
    from rich.text import Text

    if pair is None:
        return Text("best")
    verdict = p_value(pair.p_holm) if pair.shown else f"not shown, {p_value(pair.p_holm)}"
    return Text.assemble(number(pair.difference), "\n", (verdict, "dim"))


def _about(row: Row) -> str:
    parts = ["baseline"] if row.baseline else []
    if row.best_epochs:
        parts.append("best epoch " + ", ".join(str(epoch) for epoch in row.best_epochs))
    if len(row.seeds) > 1:
        parts.append(f"{len(row.seeds)} seeds")
    return " · ".join(parts)


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
