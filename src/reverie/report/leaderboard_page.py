"""The leaderboard as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.documents import read_as
from reverie.files import write_text
from reverie.report import page, words
from reverie.report.board import Leaderboard
from reverie.report.cells import ORDER
from reverie.report.decision import decide, facts_to_decide, headline_of, next_commands
from reverie.report.figures import bias_figures, cost_figures, curve_figures, draw_examples, slice_figures
from reverie.report.leaderboard_table import headline, lede, looks, page_metrics, page_table, pair_sentence, row_verdicts
from reverie.report.plan_table import left_out_table
from reverie.report.ranking import leaderboard
from reverie.training.run import Run


def write_report(
    runs: Sequence[Run],
    path: str | Path,
    *,
    split: Split | None = None,
    dataset: Dataset | None = None,
    commands: Sequence[str] = (),
    left_out: Mapping[str, str] | None = None,
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
    left_out : mapping of str to str
        Models that are not compared, and why.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ConfigError
        If there are no runs, or they or the split do not belong together.
    """
    write_text(path, render_report(leaderboard(runs), split=split, dataset=dataset, commands=commands, left_out=left_out))
    return Path(path)


def render_report(
    board: Leaderboard,
    *,
    split: Split | None = None,
    dataset: Dataset | None = None,
    commands: Sequence[str] = (),
    left_out: Mapping[str, str] | None = None,
) -> str:
    """Return the report of a leaderboard as HTML.

    Parameters
    ----------
    board : Leaderboard
        From `reverie.report.leaderboard`.
    split, dataset, commands, left_out
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
    drawn, order = looks(board), words.titled(board.order)
    found = [page.Section("leaderboard", "Leaderboard", [page_table(board)], words.note("leaderboard", order=order))]
    if board.pairs:
        found.append(_differences(board))
    if curves := curve_figures(board):
        found.append(page.Section("training", "Training", [page.Legend(drawn), *curves], words.note("training")))
    if board.pairs:
        found.append(page.Section("bias", "Accuracy and popularity bias", bias_figures(board), words.note("bias"), "Popularity"))
    if split is not None:
        figures, table = slice_figures(board, split)
        if table.columns:
            folded = page.Folded("The same as a table", table, not figures)
            found.append(page.Section("slices", "Slices", [*figures, folded], words.note("slices", order=words.titled(ORDER))))
    if board.pairs:
        found.append(page.Section("cost", "Accuracy and cost", cost_figures(board), words.note("cost"), "Cost"))
    if split is not None:
        found.append(_examples(board, split))
    found += [_reading(board), _again(board, dataset, commands)]
    facts = (board.dataset, board.protocol, f"{len(board.rows)} {'model' if len(board.rows) == 1 else 'models'}")
    if split is None or not (board.pairs and board.stored):
        opening: list[page.Block] = [page.Prose(lede(board)), page.Tiles(_tiles(board))]
        return page.page_html(headline(board), found, "report", board.dataset, facts, opening, page.FOOTER)
    decision = decide(board)
    known = page.Facts(facts_to_decide(board, decision, split, dataset))
    opening = [known, page.Commands(next_commands(decision)), page.Tiles(_tiles(board))]
    found[0] = replace(found[0], blocks=[page.Prose([headline(board), *lede(board)]), *found[0].blocks])
    if left_out:
        table = left_out_table(left_out)
        found.insert(1, page.Section("left-out", "Not compared, and why", [table], short="Left out"))
    return page.page_html(headline_of(decision, board), found, "report", board.dataset, facts, opening, page.FOOTER)


def _differences(board: Leaderboard) -> page.Section:
    """Return every pair of rows, as a matrix and in words."""
    names = [row.label for row in board.rows]

    def cell(row: str, column: str) -> page.HeatCell | None:
        pair = board.pair(row, column) if names.index(column) > names.index(row) else None
        if pair is None:
            return None
        said = pair_sentence(board, row, column)
        return page.HeatCell(words.number(pair.difference, 3), words.p_value(pair.p_holm, pair.at_floor), said, shown=pair.shown)

    order = words.titled(board.order)
    rows = [(row, [cell(row, column) for column in names[1:]]) for row in names[:-1]]
    matrix = page.HeatMap(f"{order} of the row minus that of the column", "", names[1:], rows, looks(board))
    note = words.note("differences", order=order, pairs=len(board.pairs), detectable=words.number(board.detectable))
    blocks = [matrix, page.Verdicts(row_verdicts(board), looks(board))]
    return page.Section("differences", "Who differs from whom", blocks, note, "Differences")


def _examples(board: Leaderboard, split: Split) -> page.Section:
    """Return people's histories, what they chose next, and what each model shows them."""
    shown, hits, queries = draw_examples(board, split)
    note = words.note("examples", share=f"{hits:,} of {queries:,}, {words.percent(hits / queries)}")
    if split.vocabulary.titles is None:
        note += words.note("untitled")
    return page.Section("examples", f"{len(shown)} histories, and what each model shows next", shown, note, "Examples")


def _reading(board: Leaderboard) -> page.Section:
    meanings, reading = words.PROSE["meanings"], words.PROSE["reading"]
    leaks, seen = words.PROSE["leaks"].get(board.protocol.partition("(")[0], ""), words.PROSE["seen"].get(board.seen, "")
    note = board.best.runs[0].test.seen_note.removeprefix("seen items: ")
    facts = [(words.titled(name), meanings[name]) for name in page_metrics(board) if name in meanings]
    facts += [(name, reading[name]) for name in ("Intervals", "Ties", *(["Differences"] if board.pairs else []))]
    facts += [
        ("Protocol", f"`{board.protocol}` {leaks}".strip()),
        ("Seen items", f"{note}: held-out items that stand in their own history. {seen}"),
    ]
    facts.append(("Candidates", reading["Candidates"]))
    return page.Section("reading", "How to read the numbers", [page.Facts(facts)], short="Reading")


def _again(board: Leaderboard, dataset: Dataset | None, commands: Sequence[str]) -> page.Section:
    facts = [("Data", board.dataset + (f". Licence: {dataset.licence}" if dataset else ""))]
    if dataset:
        facts += [("Citation", dataset.citation)] if dataset.citation else []
        facts += [("Note", note) for note in dataset.notes]
    commits = sorted({str(run.facts.get("commit") or "not known") for row in board.rows for run in row.runs})
    facts += [("SHA-256 of the events", f"`{board.sha256}`"), ("Commit", " ".join(f"`{commit}`" for commit in commits))]
    machines = _machines(board)
    blocks = [*([page.Commands(commands)] if commands else []), page.Facts(facts)]
    for labels, known in machines:
        title = "Environment" if len(machines) == 1 else f"Environment of {', '.join(labels)}"
        blocks.append(page.Facts([(key.capitalize(), value) for key, value in known.items()], title, tight=True))
    return page.Section("again", "Data, environment, and how to get this again", blocks, short="Reproduce")


def _tiles(board: Leaderboard) -> list[tuple[str, str]]:
    """Return the facts beside the headline: value and what it is."""
    test = board.best.tests[0]
    queries, clusters = test.ranks["query"].n_unique(), test.ranks["cluster"].n_unique()
    tiles = [(f"{clusters:,}", "people asked" if queries == clusters else f"clusters, {queries:,} questions")]
    tiles.append((f"{test.n_items:,}", "items to rank"))
    if test.train_events is not None:
        tiles.append((f"{test.train_events:,}", "training events"))
    if board.detectable is not None:
        what = f"smallest difference in {words.titled(board.order)} that the tests could find"
        tiles.append((words.number(board.detectable), what))
    return tiles


def _machines(board: Leaderboard) -> list[tuple[list[str], dict[str, str]]]:
    """Return the distinct environments of the runs, each with the rows that ran there."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for row in board.rows:
        for run in (one for one in row.runs if isinstance(one, Run)):
            path = run.folder / "environment.json"
            facts = read_as(dict[str, Any], path, "delete it") if path.exists() else {}
            labels = found.setdefault(tuple((key, _readable(value)) for key, value in facts.items() if key != "commit"), [])
            if row.label not in labels:
                labels.append(row.label)
    return [(labels, dict(facts)) for facts, labels in found.items() if facts]


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
