"""The leaderboard as a table and in sentences: values over their 95 % intervals, and who differs from whom."""

from math import isnan
from statistics import fmean

from rich.console import Console

from reverie.report.cells import METRICS, Cell, Difference
from reverie.report.plots import Look, look
from reverie.report.row import Board, Row
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import duration, listed, number, options, p_value, percent, span, titled

WIDTH = 102
"""Widest table on a terminal, in characters."""
_SHOWN = ("recall@10", "ndcg@10", "mrr@10", "coverage@10")


def print_leaderboard(board: Board, console: Console) -> None:
    """Print a leaderboard: values over their 95 % intervals, and each row's difference from the best.

    Parameters
    ----------
    board : Leaderboard
        From `reverie.report.leaderboard` or `reverie.compare`.
    console : rich.console.Console
        Where to; a terminal or a pipe.
    """
    board_table(board).print(console, WIDTH)


def board_table(board: Board) -> Table:
    """Return the leaderboard as terminals and notebooks show it."""
    names = [name for name in board.metrics if name in _SHOWN or name not in METRICS] or [board.order]
    heads = [name.removesuffix("@10") if name == "coverage@10" else name for name in names]
    columns = [Column("model", width=(18, 40)), *(Column(head, "right", wrap=False) for head in heads)]
    columns += [Column("behind the best"), Column("fit", "right", wrap=False)]
    rows = []
    for row in board.rows:
        label = TableCell(row.label, " · ".join(_about(row)), emphasis="bold" if row is board.best else "none")
        values = [value_cell(row.cells[name]) for name in names]
        rows.append([label, *values, behind_cell(board.pair(board.best.label, row.label)), _cost(row)])
    n = board.best.cells[board.order].n
    seen = board.best.runs[0].test.seen_note
    head = f"{board.dataset} · {board.protocol} · {seen} · {n:,} queries · sorted by {board.order} on test"
    return Table(head, columns, rows, _notes(board))


def page_table(board: Board) -> Table:
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
            verdict = f"{'differs' if pair.shown else 'not shown'}, {p_value(pair.p_holm, pair.at_floor)}"
            behind = TableCell(number(pair.difference), verdict, span(pair.low, pair.high), pair.difference, pair.low, pair.high)
        rows.append([label, *values, *([behind] if board.pairs else []), _cost(row, processor=True)])
    return Table("", columns, rows)


def page_metrics(board: Board) -> list[str]:
    """Return the metrics that pages show as columns."""
    return [name for name in board.metrics if name != "popularity@10"]


def looks(board: Board) -> dict[str, Look]:
    """Return how each row is drawn on the whole page."""
    return {row.label: look(place, row.baseline) for place, row in enumerate(board.rows)}


def value_cell(cell: Cell, without: str = "") -> TableCell:
    """Return a metric over its interval."""
    return TableCell(number(cell.value), span(cell.low, cell.high) or without, value=cell.value, low=cell.low, high=cell.high)


def behind_cell(pair: Difference | None) -> TableCell:
    """Return how far a row is behind the best, and whether that is shown."""
    if pair is None:
        return TableCell("best")
    verdict = p_value(pair.p_holm, pair.at_floor) if pair.shown else f"not shown, {p_value(pair.p_holm, pair.at_floor)}"
    return TableCell(number(pair.difference), verdict, value=pair.difference, low=pair.low, high=pair.high)


def _cost(row: Row, processor: bool = False) -> TableCell:
    spent = [run.fitted.processor_seconds for run in row.runs if run.fitted.processor_seconds is not None]
    more = f"\n{duration(fmean(spent))} processor" if processor and spent else ""
    if isnan(row.seconds):
        return TableCell("fitted before")
    return TableCell(duration(row.seconds), f"{row.peak_mb:,.0f} MB{more}", value=row.seconds)


def _spent(board: Board) -> list[str]:
    """Return what all fits took of the clock and of the processor, where each run tells."""
    fits = [run.fitted for row in board.rows for run in row.runs]
    loads = [fitted.load for fitted in fits if fitted.load is not None]
    spent = [fitted.processor_seconds for fitted in fits if fitted.processor_seconds is not None]
    if not len(loads) == len(spent) == len(fits):
        return []
    wall = duration(sum(fitted.seconds for fitted in fits))
    return [f"All fits: {wall}, of the processor {duration(sum(spent))}; {fmean(loads):.1f} processes wanted a core meanwhile."]


def _about(row: Row, fitted: bool = False) -> list[str]:
    parts = ["baseline"] if row.baseline else []
    parts += [f"fitted on {row.fit_on}"] if fitted and row.fit_on != "train" else []
    parts += ["best epoch " + ", ".join(map(str, row.best_epochs))] if row.best_epochs else []
    return parts + ([f"{len(row.seeds)} seeds"] if len(row.seeds) > 1 else [])


def _notes(board: Board) -> list[str]:
    several = any(len(row.seeds) > 1 for row in board.rows)
    over = "users, and seeds where a row has several" if several else "users"
    notes = [f"Intervals: 95 %, resampling {over}."]
    if board.detectable is not None:
        notes[0] += (
            f" Behind the best: paired test in {board.order}, Holm-corrected over all {len(board.pairs)} pairs."
            f" A true difference below {number(board.detectable)} could go unnoticed."
        )
    notes += _spent(board)
    notes += [f"{row.label} chose on validation: {options(chosen)}" for row in board.rows for chosen in row.chosen]
    return notes


HEAD = "recall@10"
"""The metric that the headline puts in words."""


def headline(board: Board) -> str:
    """Return the result in one sentence."""
    best, ranks = board.best, board.best.tests[0].ranks
    cell = best.cells.get(HEAD, best.cells[board.order])
    if ranks["query"].is_duplicated().any():
        what, share = "the items people choose next", f"of the held-out items ({cell.n:,} questions)"
    else:
        people = ranks["query"].n_unique() == ranks["cluster"].n_unique()
        what, share = "the item a person chose next", f"of {cell.n:,} {'people' if people else 'questions'}"
    return f"On {board.dataset}, {best.label} ranks {what} among its first ten for {percent(cell.value)} {share}."


def lede(board: Board) -> list[str]:
    """Return what a reader should know next: uncertainty, the baselines, who differs from whom."""
    best = board.best
    said = []
    cell = best.cells.get(HEAD)
    if cell is not None and cell.low is not None and cell.high is not None:
        kind = "users" if len(best.seeds) == 1 else "users and seeds"
        ends = f"{100 * cell.low:.1f} to {percent(cell.high)}"
        said.append(f"Had other {kind} been drawn, it could as well be {ends} (95\u00a0% interval).")
    popular = next((row for row in board.rows if row.model_name == "popularity" and row is not best), None)
    if popular is not None and HEAD in popular.cells:
        said.append(f"Showing everybody the same most popular items reaches {percent(popular.cells[HEAD].value)}.")
    if best.baseline and len(board.rows) > 1:
        said.append(f"The leader is a baseline: no other model here does better than {best.label}.")
    if not any(row.baseline for row in board.rows):
        said.append("No baseline stands beside it, so this alone does not say whether it is good; 'reverie compare' adds them.")
    ahead, level = _ahead_and_level(board, best.label)
    if ahead:
        said.append(f"In {titled(board.order)} it is ahead of {listed(ahead)} beyond chance.")
    if level:
        said.append(f"Its lead over {listed(level)} may be chance.")
    return said


def row_verdicts(board: Board) -> list[tuple[str, str]]:
    """Return for every row, in words, which rows below it it is ahead of."""
    said = []
    for row in board.rows[:-1]:
        ahead, level = _ahead_and_level(board, row.label)
        parts = ([f"ahead of {listed(ahead)}"] if ahead else []) + ([f"not shown to differ from {listed(level)}"] if level else [])
        said.append((row.label, "; ".join(parts)))
    return said


def pair_sentence(board: Board, first: str, other: str) -> str:
    """Return the comparison of two rows as a sentence."""
    pair = board.pair(first, other)
    if pair is None:
        return f"{first} and itself"
    verdict = "the difference is shown" if pair.shown else "no difference is shown"
    return (
        f"{pair.first} minus {pair.other}: {number(pair.difference)} in {titled(board.order)}, "
        f"95 % interval {span(pair.low, pair.high, 4)}, corrected {p_value(pair.p_holm, pair.at_floor)}; {verdict}"
    )


def _ahead_and_level(board: Board, label: str) -> tuple[list[str], list[str]]:
    """Return the rows below one that it is shown to be ahead of, and the others."""
    below = [pair for pair in board.pairs if pair.first == label]
    return [pair.other for pair in below if pair.shown], [pair.other for pair in below if not pair.shown]
