"""The table of a study on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.report.words import number, p_value, span

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from reverie.contrast.summary import RowSummary, Summary

WIDTH = 100
"""Widest table, in characters."""


def print_study(summary: Summary, console: Console) -> None:
    """Print the table of a study: no row is set off but by a difference that its interval supports."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, collapse_padding=True)
    table.add_column("row", min_width=18, max_width=38, overflow="fold")
    table.add_column(summary.metric, justify="right", no_wrap=True)
    table.add_column("one seed", no_wrap=True)
    table.add_column("trials", justify="right", no_wrap=True)
    table.add_column(f"minus {summary.against}", no_wrap=True)
    for row in summary.rows:
        table.add_row(_name(row), _value(row), row.spread, "–" if row.baseline else str(row.trials), _difference(row))
    for line in (summary.title, table, *summary.notes):
        console.print(line, markup=False, highlight=False, width=min(WIDTH, console.width))


def difference_words(row: RowSummary) -> str:
    """Return a row's mean difference."""
    return "" if row.difference is None else number(round(row.difference.value, 4) + 0.0)


def verdict(row: RowSummary) -> str:
    """Return what may be said of a row's difference."""
    difference = row.difference
    if difference is None or difference.p_holm is None:
        return ""
    word = ("higher" if difference.value > 0 else "lower") if difference.shown else "not shown"
    return f"{word}, {p_value(difference.p_holm)}"


def _name(row: RowSummary) -> Text:
    from rich.text import Text

    return Text.assemble(row.name, "\n", ("baseline" if row.baseline else row.setting, "dim"))


def _value(row: RowSummary) -> Text:
    from rich.text import Text

    return Text.assemble(number(row.mean), "\n", ("" if row.std is None else f"± {number(row.std)}", "dim"))


def _difference(row: RowSummary) -> Text:
    from rich.text import Text

    found = row.difference
    if found is None:
        return Text("")
    shown = "bold" if found.shown else ""
    interval = span(found.low, found.high, 4)
    head = f"  {interval}" if interval else ""
    return Text.assemble((difference_words(row), shown), head, "\n", (verdict(row), shown or "dim"))
