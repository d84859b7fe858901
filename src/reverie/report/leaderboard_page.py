"""The leaderboard as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.files import read_json, write_text
from reverie.report import words
from reverie.report.examples import draw_examples
from reverie.report.figures import bias_figures, cost_figures, curve_figures, slice_figures
from reverie.report.headline import headline, lede, pair_sentence, row_verdicts
from reverie.report.leaderboard_table import looks, page_metrics, page_table
from reverie.report.page import (
    Commands,
    Example,
    Facts,
    Folded,
    HeatCell,
    HeatMap,
    Item,
    ItemList,
    Legend,
    Prose,
    Section,
    Tiles,
    Verdicts,
    page_html,
)
from reverie.report.ranking import ORDER, leaderboard

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset
    from reverie.data.split import Split
    from reverie.report.ranking import Leaderboard
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
    opening = (Prose(lede(board)), Tiles(_tiles(board)))
    many = "model" if len(board.rows) == 1 else "models"
    facts = (board.dataset, board.protocol, f"{len(board.rows)} {many}")
    parts = sections(board, split=split, dataset=dataset, commands=commands)
    return page_html(headline(board), parts, name=board.dataset, facts=facts, opening=opening)


def sections(
    board: Leaderboard,
    *,
    split: Split | None = None,
    dataset: Dataset | None = None,
    commands: Sequence[str] = (),
) -> list[Section]:
    """Return a leaderboard as sections of a page."""
    drawn, order = looks(board), words.titled(ORDER)
    found = [
        Section(
            "leaderboard",
            "Leaderboard",
            [page_table(board)],
            "Measured on the test part, against the whole catalogue. Under each value stands its 95\u00a0% interval; the bar "
            f"begins at 0, the band is the interval. Sorted by {order}.",
        )
    ]
    if board.pairs:
        found.append(_differences(board))
    curves = curve_figures(board)
    if curves:
        note = "What to keep was chosen on validation, never on test."
        found.append(Section("training", "Training", [Legend(drawn), *curves], note))
    if board.pairs:
        note = (
            "A model can score well by showing everybody the same few hits. "
            "Bars are 95\u00a0% intervals; hollow markers are baselines."
        )
        found.append(Section("bias", "Accuracy and popularity bias", bias_figures(board), note, "Popularity"))
    if split is not None:
        figures, table = slice_figures(board, split)
        if table.columns:
            note = f"{order} on parts of the test, with 95\u00a0% intervals; the number after each part counts its questions."
            folded = Folded("The same as a table", table, not figures)
            found.append(Section("slices", "Slices", [*figures, folded], note))
    if board.pairs:
        note = "What a fit took, the search for options on validation included."
        found.append(Section("cost", "Accuracy and cost", cost_figures(board), note, "Cost"))
    if split is not None:
        found.append(_examples(board, split))
    return [*found, _reading(board), _again(board, dataset, commands)]


def _differences(board: Leaderboard) -> Section:
    """Return every pair of rows, as a matrix and in words."""
    names = [row.label for row in board.rows]

    def cell(row: str, column: str) -> HeatCell | None:
        pair = board.pair(row, column) if names.index(column) > names.index(row) else None
        if pair is None:
            return None
        return HeatCell(
            words.number(pair.difference, 3), words.p_value(pair.p_holm), pair_sentence(board, row, column), shown=pair.shown
        )

    order = words.titled(ORDER)
    matrix = HeatMap(
        f"{order} of the row minus that of the column",
        "",
        names[1:],
        [(row, [cell(row, column) for column in names[1:]]) for row in names[:-1]],
        looks(board),
    )
    note = (
        f"Both models of a pair answered the same questions, so their differences in {order} are tested pair by pair. p-values are "
        f"corrected for all {len(board.pairs)} pairs after Holm; below 0.05 the difference is called shown. “Not shown” does not "
        f"mean equal: a true difference from the best below {words.number(board.detectable)} could go unnoticed with this "
        "many people."
    )
    blocks = [matrix, Verdicts(row_verdicts(board), looks(board))]
    return Section("differences", "Who differs from whom", blocks, note, "Differences")


def _examples(board: Leaderboard, split: Split) -> Section:
    """Return people's histories, what they chose next, and what each model shows them."""
    drawn = draw_examples(board, split)
    chips = looks(board)
    shown = [
        Example(
            f"User {one.user}",
            [
                ItemList(
                    part.label,
                    [
                        Item(title, mark="found" if hit else "", words="the held-out item" if hit else "")
                        for title, hit in part.titles
                    ],
                    f"held-out item at place {part.place}",
                    chips[part.label],
                    part.hit,
                )
                for part in one.shown
            ],
            history=one.history,
            earlier=f"{one.earlier:,} earlier" if one.earlier else "" if one.history else "no history",
            targets=one.targets,
        )
        for one in drawn.examples
    ]
    share = f"{drawn.hit_queries:,} of {drawn.queries:,}, {words.percent(drawn.hit_queries / drawn.queries)}"
    note = (
        "Drawn by a fixed seed, not picked by hand: first people whose held-out item some model has among its first five "
        f"({share}), then people for whom none has."
    )
    if split.vocabulary.titles is None:
        note += " These data have no titles, so items are named by their ids."
    return Section("examples", f"{len(shown)} histories, and what each model shows next", shown, note, "Examples")


def _reading(board: Leaderboard) -> Section:
    facts = [(words.titled(name), words.MEANINGS[name]) for name in page_metrics(board) if name in words.MEANINGS]
    facts += [
        (
            "Intervals",
            "A row with one seed describes one trained model: its interval comes from drawing users (or sessions) again, with "
            "replacement. A row with several seeds describes the method: seeds and users are both drawn again. Coverage describes "
            "all lists together and has no interval.",
        ),
        (
            "Ties",
            "Where several items have the same score, the held-out one counts at the expected value over a random order, so that a "
            "model which scores everything alike does not score well.",
        ),
    ]
    if board.pairs:
        facts.append(
            (
                "Differences",
                "Paired over the same users. With one seed each, p comes from flipping the sign of each user's difference; with "
                "several seeds, from drawing seeds and users again. The smallest detectable difference is the true one that the "
                "uncorrected test finds four times in five.",
            )
        )
    facts += [
        ("Protocol", f"`{board.protocol}` {words.LEAKS.get(board.protocol.partition('(')[0], '')}".strip()),
        ("Seen items", f"`{board.seen}` {words.SEEN.get(board.seen, '')}"),
        (
            "Candidates",
            "Always the whole catalogue, or the questions' own candidates where the data give them; never a sample of negatives.",
        ),
    ]
    return Section("reading", "How to read the numbers", [Facts(facts)], short="Reading")


def _again(board: Leaderboard, dataset: Dataset | None, commands: Sequence[str]) -> Section:
    facts = [("Data", board.dataset + (f". Licence: {dataset.licence}" if dataset else ""))]
    if dataset:
        facts += [("Citation", dataset.citation)] if dataset.citation else []
        facts += [("Note", note) for note in dataset.notes]
    commits = sorted({str(run.facts.get("commit") or "not known") for row in board.rows for run in row.runs})
    facts += [("SHA-256 of the events", f"`{board.sha256}`"), ("Commit", " ".join(f"`{commit}`" for commit in commits))]
    machines = _machines(board)
    environments = [
        Facts(
            [(key.capitalize(), value) for key, value in known.items()],
            "Environment" if len(machines) == 1 else f"Environment of {', '.join(labels)}",
            tight=True,
        )
        for labels, known in machines
    ]
    blocks = [*([Commands(commands)] if commands else []), Facts(facts), *environments]
    return Section("again", "Data, environment, and how to get this again", blocks, short="Reproduce")


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
