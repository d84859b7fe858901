"""What a leaderboard says, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.report.ranking import ORDER
from reverie.report.words import listed, number, p_value, percent, span, titled

if TYPE_CHECKING:
    from reverie.report.ranking import Leaderboard, Row

HEAD = "recall@10"
"""The metric that the headline puts in words."""


def headline(board: Leaderboard) -> str:
    """Return the result in one sentence."""
    return f"On {board.dataset}, {board.best.label} ranks {_what(board)} among its first ten for {_share(board, board.best)}."


def lede(board: Leaderboard) -> list[str]:
    """Return what a reader should know next: uncertainty, the baselines, who differs from whom."""
    best = board.best
    said = []
    cell = best.cells.get(HEAD)
    if cell is not None and cell.low is not None and cell.high is not None:
        kind = "users" if len(best.seeds) == 1 else "users and seeds"
        ends = f"{100 * cell.low:.1f} to {percent(cell.high)}"
        said.append(f"Had other {kind} been drawn, it could as well be {ends} (95\u00a0% interval).")
    popular = next((row for row in board.rows if row.model == "popularity" and row is not best), None)
    if popular is not None and HEAD in popular.cells:
        said.append(f"Showing everybody the same most popular items reaches {percent(popular.cells[HEAD].value)}.")
    if best.baseline and len(board.rows) > 1:
        said.append(f"The leader is a baseline: no other model here does better than {best.label}.")
    if not any(row.baseline for row in board.rows):
        said.append("No baseline stands beside it, so this alone does not say whether it is good; 'reverie compare' adds them.")
    said += _verdicts(board)
    return said


def row_verdicts(board: Leaderboard) -> list[tuple[str, str]]:
    """Return for every row, in words, which rows below it it is ahead of."""
    said = []
    for row in board.rows[:-1]:
        below = [pair for pair in board.pairs if pair.first == row.label]
        ahead = [pair.other for pair in below if pair.shown]
        level = [pair.other for pair in below if not pair.shown]
        parts = ([f"ahead of {listed(ahead)}"] if ahead else []) + ([f"not shown to differ from {listed(level)}"] if level else [])
        said.append((row.label, "; ".join(parts)))
    return said


def pair_sentence(board: Leaderboard, first: str, other: str) -> str:
    """Return the comparison of two rows as a sentence."""
    pair = board.pair(first, other)
    if pair is None:
        return f"{first} and itself"
    verdict = "the difference is shown" if pair.shown else "no difference is shown"
    return (
        f"{pair.first} minus {pair.other}: {number(pair.difference)} in {titled(ORDER)}, "
        f"95 % interval {span(pair.low, pair.high, 4)}, corrected {p_value(pair.p_holm)}; {verdict}"
    )


def _verdicts(board: Leaderboard) -> list[str]:
    ahead = [pair.other for pair in board.differs if pair.shown]
    level = [pair.other for pair in board.differs if not pair.shown]
    said = []
    if ahead:
        said.append(f"In {titled(ORDER)} it is ahead of {listed(ahead)} beyond chance.")
    if level:
        said.append(f"Its lead over {listed(level)} may be chance.")
    return said


def _single(board: Leaderboard) -> bool:
    return not bool(board.best.tests[0].ranks["query"].is_duplicated().any())


def _what(board: Leaderboard) -> str:
    return "the item a person chose next" if _single(board) else "the items people chose next"


def _share(board: Leaderboard, row: Row) -> str:
    cell = row.cells.get(HEAD, row.cells[ORDER])
    ranks = board.best.tests[0].ranks
    people = ranks["query"].n_unique() == ranks["cluster"].n_unique()
    if not _single(board):
        return f"{percent(cell.value)} of the held-out items ({cell.n:,} questions)"
    return f"{percent(cell.value)} of {cell.n:,} {'people' if people else 'questions'}"
