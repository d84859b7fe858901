"""The figures of a report and its example histories, from a leaderboard."""

from collections.abc import Callable
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.split import Split
from reverie.errors import ConfigError
from reverie.evaluation import pooled, sliced
from reverie.report.board import Leaderboard
from reverie.report.cells import ORDER, Cell, cells, kinds_of
from reverie.report.leaderboard_table import looks, value_cell
from reverie.report.page import Example, Figure, Item, ItemList
from reverie.report.plots import Curve, Look, Point, curve_plot, dot_plot, scatter_plot
from reverie.report.row import Row
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import PROSE, note, number, titled
from reverie.seeds import numpy_generator

FEWEST = 20
"""Questions that a slice needs to be drawn; the table shows smaller ones too."""


def curve_figures(board: Leaderboard) -> list[Figure]:
    """Draw validation metric and loss over epochs; one curve per seed."""
    drawn = looks(board)
    metric = next((run.training.metric for row in board.rows for run in row.runs if run.fitted.history), ORDER)

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
        counting = {row.label: fmean(run.valid.value(metric) for run in row.runs) for row in board.rows if not row.best_epochs}
        levels = [Point(label, drawn[label], 0, value) for label, value in counting.items()]
        ring = "The ring is the epoch that was kept." + (" Dashed lines: models without epochs." if levels else "")
        ends = "; ".join(f"{c.label} from {number(c.values[0])} to at best {number(max(c.values))}" for c in valid)
        name = titled(metric)
        svg = curve_plot(valid, "curve-valid", name, f"{name} on validation by epoch: {ends}", levels)
        figures.append(Figure(f"{name} on validation", ring, svg))
    if loss := curves("loss", mark=False):
        ends = "; ".join(f"{c.label} from {c.values[0]:.3g} to {c.values[-1]:.3g}" for c in loss)
        svg = curve_plot(loss, "curve-loss", "loss", f"Training loss by epoch: {ends}")
        figures.append(Figure("Training loss", note("loss"), svg))
    return figures


def bias_figures(board: Leaderboard) -> list[Figure]:
    """Draw accuracy against the popularity of what is recommended, and against coverage."""
    figures = []
    if "popularity@10" in board.metrics:
        x = "mean training events of a recommended item"
        figures.append(_against(board, "bias-popularity", x, lambda row: row.cells["popularity@10"].value))
    if "coverage@10" in board.metrics:
        x = "share of the catalogue recommended, in %"
        figures.append(_against(board, "bias-coverage", x, lambda row: 100 * row.cells["coverage@10"].value))
    return figures


def cost_figures(board: Leaderboard) -> list[Figure]:
    """Draw accuracy against the time and the memory of a fit."""
    time = _against(board, "cost-time", "seconds of fitting", lambda row: max(row.seconds, 1e-3), log=True)
    return [time, _against(board, "cost-memory", "peak memory in MB", lambda row: row.peak_mb)]


def slice_figures(board: Leaderboard, split: Split) -> tuple[list[Figure], Table]:
    """Draw accuracy on parts of the queries, and return it as a table without columns where there are no parts."""
    drawn = looks(board)
    by_row = {row.label: _slice_cells(row, split) for row in board.rows}
    present = by_row[board.best.label]
    parts, figures, shown = dict(PROSE["slices"]), list[Figure](), list[str]()
    for key, panel in PROSE["panels"].items():
        names, groups, said = panel["slices"] or kinds_of(present), {}, []
        if len(names) < 2 or not all(name in present for name in names):
            continue
        shown += names
        parts |= {name: name.partition(":")[2] for name in names if name not in parts}
        large = [name for name in names if present[name].n >= FEWEST]
        for name in large:
            points = [_point(label, drawn[label], 0, found[name]) for label, found in by_row.items() if name in found]
            groups[f"{parts[name]} · {present[name].n:,}"] = points
            said.append(f"{parts[name]}: " + ", ".join(f"{point.label} {number(point.y)}" for point in points))
        alt = f"{titled(ORDER)} by slice. " + "; ".join(said)
        if len(large) > 1:
            figures.append(Figure(panel["title"], "", dot_plot(groups, f"slice-{key}", titled(ORDER), alt)))
    columns = [Column("Model"), *(Column(parts[name], "right", f"{present[name].n:,}") for name in shown)]
    rows = [
        [TableCell(label), *(value_cell(found[name]) if name in found else TableCell("–") for name in shown)]
        for label, found in by_row.items()
    ]
    return figures, Table("", columns if shown else [], rows)


def _slice_cells(row: Row, split: Split) -> dict[str, Cell]:
    parts = [sliced(test, split.train) for test in row.tests]
    return {name: cells(pooled([part[name] for part in parts], [ORDER]))[ORDER] for name in parts[0]}


def _against(board: Leaderboard, key: str, x: str, at: Callable[[Row], float], *, log: bool = False) -> Figure:
    drawn = looks(board)
    points = [_point(row.label, drawn[row.label], at(row), row.cells[ORDER]) for row in board.rows]
    alt = f"{titled(ORDER)} against {x}: " + "; ".join(f"{point.label} {number(point.y)} at {point.x:.4g}" for point in points)
    what = key.partition("-")[2]
    return Figure(f"Accuracy and {what}", note(what), scatter_plot(points, key, x, titled(ORDER), alt, log))


def _point(label: str, look: Look, x: float, cell: Cell) -> Point:
    return Point(label, look, x, cell.value, None if cell.low is None or cell.high is None else (cell.low, cell.high))


TOP = 5
"""Items shown of each model."""
HISTORY = 8
"""Most recent events shown of each person."""
HIT: dict[str, Any] = {"mark": "found", "words": "the held-out item"}


def draw_examples(board: Leaderboard, split: Split, n: int = 10, seed: int = 0) -> tuple[list[Example], int, int]:
    """Draw queries by a seed: half of those that some model answers with a hit among its first five, half of the others.

    Returns them, and how many queries of how many have a hit.
    """
    if (split.sha256, split.protocol) != (board.sha256, board.protocol):
        raise ConfigError(
            f"the split ({split.dataset}, {split.protocol}) is not the one that the runs were tested on "
            f"({board.dataset}, {board.protocol}); give theirs, or none"
        )
    tops = {row.label: row.runs[0].test.topk.filter(pl.col("rank") <= TOP) for row in board.rows}
    answered = _answered(board, tops)
    queries = board.best.runs[0].test.ranks["query"].unique().sort().to_numpy()
    hits, misses = np.intersect1d(queries, answered), np.setdiff1d(queries, answered)
    rng = numpy_generator(seed, "examples")
    wanted = min(max(n // 2, n - len(misses)), len(hits))
    picked = [*_draw(rng, hits, wanted), *_draw(rng, misses, min(n - wanted, len(misses)))]
    return [_example(int(query), board, tops, split) for query in picked], len(hits), len(queries)


def _answered(board: Leaderboard, tops: dict[str, pl.DataFrame]) -> NDArray[np.int64]:
    targets = board.best.runs[0].test.ranks.select("query", pl.col("target").alias("item").cast(pl.Int64))
    found = [
        top.with_columns(pl.col("item").cast(pl.Int64)).join(targets, on=["query", "item"], how="semi")["query"].to_numpy()
        for top in tops.values()
    ]
    return np.unique(np.concatenate(found)).astype(np.int64)


def _draw(rng: np.random.Generator, queries: NDArray[np.int64], n: int) -> list[int]:
    return np.sort(rng.choice(queries, n, replace=False)).tolist() if n else []


def _example(query: int, board: Leaderboard, tops: dict[str, pl.DataFrame], split: Split) -> Example:
    """Return a person's history, what they chose next, and what each model shows them."""
    queries, vocabulary, drawn = split.test, split.vocabulary, looks(board)
    start, stop = int(queries.start[query]), int(queries.stop[query])
    recent = queries.sequences.items[max(start, stop - HISTORY) : stop]
    earlier = f"{stop - start - len(recent):,} earlier" if stop - start > len(recent) else "" if len(recent) else "no history"
    user = int(queries.users[query])
    targets = board.rows[0].runs[0].test.ranks.filter(pl.col("query") == query)["target"].to_list()
    lists = []
    for row in board.rows:
        codes = tops[row.label].filter(pl.col("query") == query).sort("rank")["item"].to_list()
        rank = row.runs[0].test.ranks.filter(pl.col("query") == query).sort("greater").row(0, named=True)
        first, last = rank["greater"] + 1, rank["greater"] + 1 + rank["equal"]
        place = f"at place {first:,}" if first == last else f"at places {first:,}–{last:,}"
        place = place if rank["greater"] < rank["n_candidates"] else "not shown: it stands in the history"
        items = [Item(vocabulary.title(code), **(HIT if code in targets else {})) for code in codes]
        note = f"held-out item {place}"
        lists.append(ItemList(row.label, items, note, drawn[row.label], not set(codes).isdisjoint(targets)))
    who = f"User {vocabulary.users[user] if user >= 0 else f'unknown (query {query})'}"
    history, chosen = (tuple(vocabulary.title(int(code)) for code in codes) for codes in (recent, targets))
    return Example(who, lists, history=history, earlier=earlier, targets=chosen)
