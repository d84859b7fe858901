"""The report: one HTML file that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.files import read_json, write_text
from reverie.report import words
from reverie.report.examples import draw_examples
from reverie.report.headline import headline, lede, pair_sentence, row_verdicts
from reverie.report.leaderboard import ORDER, leaderboard
from reverie.report.rendering import rendered
from reverie.report.sections import bias_figures, cost_figures, curve_figures, looks, slice_figures

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset
    from reverie.data.split import Split
    from reverie.report.leaderboard import Leaderboard
    from reverie.training.run import Run


def write_report(
    runs: Sequence[Run],
    path: str | Path,
    *,
    split: Split | None = None,
    dataset: Dataset | None = None,
    commands: Sequence[str] = (),
) -> Path:
    """Write the report of finished runs as one self-contained HTML file.

    Parameters
    ----------
    runs : sequence of Run
        Of one dataset, protocol and rule for seen items.
    path : path
        The file to write.
    split : Split or None
        The split that they were tested on; without it slices and example histories are left out.
    dataset : Dataset or None
        Tells licence, citation and notes of the data.
    commands : sequence of str
        What to type to get these runs again.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If there are no runs, or they or the split do not belong together.
    """
    write_text(path, render_report(leaderboard(runs), split=split, dataset=dataset, commands=commands))
    return Path(path)


def render_report(
    board: Leaderboard,
    *,
    split: Split | None = None,
    dataset: Dataset | None = None,
    commands: Sequence[str] = (),
) -> str:
    """Return the report of a leaderboard as HTML.

    Parameters
    ----------
    board : Leaderboard
        From `reverie.report.leaderboard`.
    split, dataset, commands
        As in `write_report`.

    Returns
    -------
    str
        A whole page; every text from outside is escaped.

    Raises
    ------
    ConfigError
        If the split is not the one that the runs were tested on.
    """
    columns = [name for name in board.metrics if name != "popularity@10"]
    examples = None if split is None else draw_examples(board, split)
    slices, slice_table = ([], None) if split is None else slice_figures(board, split)
    return rendered(
        "reverie.report",
        "template.html",
        sentence=lambda first, other: pair_sentence(board, first, other),
        board=board,
        order=ORDER,
        title=headline(board),
        lede=lede(board),
        columns={name: words.titled(name) for name in columns},
        scales={name: max(row.cells[name].high or row.cells[name].value for row in board.rows) or 1 for name in board.metrics},
        looks=looks(board),
        verdicts=row_verdicts(board),
        tiles=_tiles(board),
        curves=curve_figures(board),
        bias=bias_figures(board) if board.pairs else [],
        cost=cost_figures(board) if board.pairs else [],
        slices=slices,
        slice_table=slice_table,
        examples=examples,
        titled=split is not None and split.vocabulary.titles is not None,
        machines=_machines(board),
        commits=sorted({str(run.facts.get("commit") or "not known") for row in board.rows for run in row.runs}),
        dataset=dataset,
        commands=list(commands),
        leaks=words.LEAKS.get(board.protocol.partition("(")[0], ""),
        seen=words.SEEN.get(board.seen, ""),
        meanings={words.titled(name): words.MEANINGS[name] for name in columns if name in words.MEANINGS},
    )


def _tiles(board: Leaderboard) -> list[tuple[str, str]]:
    """Return the facts beside the headline: value and what it is."""
    test = board.best.tests[0]
    queries, clusters = test.ranks["query"].n_unique(), test.ranks["cluster"].n_unique()
    tiles = [(f"{clusters:,}", "people asked" if queries == clusters else f"clusters, {queries:,} questions")]
    tiles.append((f"{test.n_items:,}", "items to rank"))
    if test.train_events is not None:
        tiles.append((f"{test.train_events:,}", "training events"))
    if board.detectable is not None:
        tiles.append((words.number(board.detectable), f"smallest difference in {words.titled(ORDER)} that the tests could find"))
    return tiles


def _machines(board: Leaderboard) -> list[tuple[list[str], dict[str, str]]]:
    """Return the distinct environments of the runs, each with the rows that ran there."""
    found: list[tuple[list[str], dict[str, str]]] = []
    for row in board.rows:
        for run in row.runs:
            path = run.folder / "environment.json"
            facts = _readable(read_json(path)) if path.exists() else {}
            labels = next((names for names, known in found if known == facts), None)
            if labels is None:
                found.append(([row.label], facts))
            elif row.label not in labels:
                labels.append(row.label)
    return [(labels, facts) for labels, facts in found if facts]


def _readable(facts: dict[str, Any]) -> dict[str, str]:
    """Return the facts of an environment as text; its commit is printed with the runs."""
    said = {}
    for key, value in facts.items():
        if isinstance(value, dict):
            said[key] = ", ".join(f"{name} {version}" for name, version in value.items())
        elif isinstance(value, list):
            said[key] = ", ".join(map(str, value)) or "none"
        else:
            said[key] = str(value)
    return {key: text for key, text in said.items() if key != "commit"}
