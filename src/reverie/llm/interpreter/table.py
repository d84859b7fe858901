"""The table: an interpreter and all its controls, over the same histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from reverie.files import write_json
from reverie.llm.interpreter.answers import AnswerGenerator, Decoding, RowName
from reverie.llm.interpreter.controls import as_mentions, fit_probe, most_popular, nearest, standardised
from reverie.llm.interpreter.measure import (
    Answered,
    Truth,
    difference,
    popularity_bands,
    recall_by_position,
    recovery_values,
    residual_values,
    with_intervals,
)
from reverie.llm.interpreter.ranking import likelihood_ranks, rank_values, sample_titles, vector_ranks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.evaluation.values import Values
    from reverie.llm.interpreter.prompting import Histories
    from reverie.llm.interpreter.recipe import TaskName
    from reverie.llm.interpreter.session import Session
    from reverie.llm.windows import Windows
    from reverie.study.progress import Progress

MAIN = {"recovery": "recall", "residual": "accuracy"}
"""Metric whose difference to each control is printed."""
MUST_BEAT = ("shuffled", "text-only", "popularity")
"""Controls without which a result does not count (specification, section 6)."""


@dataclass(frozen=True)
class TableRow:
    """One row."""

    task: str
    row: str
    decoding: str
    metrics: dict[str, dict[str, Any]]
    against: dict[str, dict[str, float]] | None


@dataclass(frozen=True)
class AnswerTable:
    """All rows of all tasks."""

    rows: list[TableRow]
    n: int
    by_position: list[float]

    def plain(self) -> dict[str, Any]:
        """Return the table as plain values."""
        return {"n": self.n, "recall_by_position_newest_first": self.by_position, "rows": [vars(row) for row in self.rows]}


@dataclass(frozen=True)
class Interpreted:
    """A finished interpreter."""

    session: Session
    table: AnswerTable
    facts: dict[str, Any]


def generated_rows(session: Session) -> list[tuple[TaskName, RowName, Decoding]]:
    """Return the rows that the language model has to write, the cheap task last."""
    test = session.recipe.test
    tasks: tuple[TaskName, ...] = ("recovery", "residual")
    found: list[tuple[TaskName, RowName, Decoding]] = []
    for task in tasks:
        if task in session.recipe.tasks:
            found += [(task, row, "free") for row in test.free]  # type: ignore[misc]  # checked by the recipe
            found += [(task, "text-history", "free")] if task == "residual" else []
            found += [(task, row, "constrained") for row in test.constrained]  # type: ignore[misc]
    return found


def make_table(session: Session, windows: Windows, progress: Progress) -> AnswerTable:
    """Ask everything and measure it."""
    histories = session.histories(windows)
    generator = AnswerGenerator(session, histories, session.folder / "answers")
    answered = {key: generator.answers(*key, progress) for key in generated_rows(session)}
    rows: list[TableRow] = []
    positions: list[float] = []
    for task in dict.fromkeys(task for task, _, _ in answered):
        truth = _truth(session, windows, task)
        cheap: dict[tuple[str, str, str], Answered] = {
            (task, name, ""): a for name, a in _controls(session, histories, truth, task).items()
        }
        measure = recovery_values if task == "recovery" else residual_values
        everything: dict[tuple[str, str, str], Answered] = {**{k: v for k, v in answered.items() if k[0] == task}, **cheap}
        values = {key: measure(one, truth) for key, one in everything.items()}
        if task == "residual" and session.recipe.test.ranked:
            for key, ranks in _ranks(session, windows, generator).items():
                values[key] = values[key] | rank_values(ranks, windows.users)
        rows += [_row(key, values, MAIN[task]) for key in values]
        if task == "recovery":
            positions = recall_by_position(everything[next(iter(everything))], truth)
    table = AnswerTable(rows, len(windows), positions)
    write_json(session.folder / "table.json", table.plain())
    return table


def _ranks(session: Session, windows: Windows, generator: AnswerGenerator) -> dict[tuple[str, str, str], NDArray[np.float64]]:
    """Rank the added item among drawn titles, by the language model and by vectors."""
    titles, states = sample_titles(session, windows, session.recipe.test.ranked), generator.histories.states
    written: tuple[RowName, ...] = ("model", "shuffled", "text-only")
    rows: list[RowName] = [*(row for row in written if row in session.recipe.test.free), "text-history"]
    found = {("residual", str(row), "free"): likelihood_ranks(generator, row, titles) for row in rows}
    at, every = torch.from_numpy(windows.lengths - 1), torch.arange(len(windows))
    after = states[every, at]
    for name, vectors in (("nearest-after", after), ("nearest-residual", after - states[every, at - 1])):
        for kind, cosine in (("dot", False), ("cosine", True)):
            found["residual", f"{name}-{kind}", ""] = vector_ranks(vectors, session.table, cosine, titles)
    return found


def _row(key: tuple[str, str, str], values: dict[tuple[str, str, str], dict[str, Values]], main: str) -> TableRow:
    """Measure one row; it is compared with the model under its own decoding, a row without decoding with the free one."""
    task, row, decoding = key
    partner = (task, "model", decoding or "free")
    against = None
    if row != "model" and partner in values:
        metrics = [name for name in (main, f"{main}_held_out") if values[key][name].denominator.sum() > 0]
        against = {name: difference(values[partner][name], values[key][name]) for name in metrics}
    return TableRow(task, row, decoding, with_intervals(values[key]), against)


def _truth(session: Session, windows: Windows, task: str) -> Truth:
    canonical = session.titles.canonical
    whole = [canonical[np.array(windows.row(at))].tolist() for at in range(len(windows))]
    rows = whole if task == "recovery" else [row[-1:] for row in whole]
    counts = session.split.train.item_counts()
    band = popularity_bands(np.bincount(canonical, counts, minlength=len(counts)).astype(np.int64))
    return Truth(rows, windows.users, band, np.unique(canonical[session.held_out]))


def _controls(session: Session, histories: Histories, truth: Truth, task: str) -> dict[str, Answered]:
    """Return the rows that need no language model."""
    table, titles, lengths = session.table, session.titles, histories.lengths
    counts = session.split.train.item_counts()
    found = {"popularity": most_popular(counts, [len(set(row)) for row in truth.rows], titles)}
    if task == "recovery":
        states, ends = histories.states, lengths
        probe = fit_probe(session.histories(session.windows("train")), len(table), session.recipe.training.seed)
        with torch.no_grad():
            guess = probe(standardised(states, session.histories(session.windows("train")))).argmax(-1) + 1
        found["linear-probe"] = as_mentions(guess.numpy(), ends, titles)
        sources, asked = {"nearest": states}, states
    else:
        at, rows = torch.from_numpy(lengths - 1), torch.arange(len(lengths))
        after, before = histories.states[rows, at], histories.states[rows, at - 1]
        sources, ends = {"nearest-after": after[:, None], "nearest-residual": (after - before)[:, None]}, np.ones_like(lengths)
        asked = after[:, None]
    if session.prompts.interpreter.recalls:
        found["questions"] = as_mentions(session.prompts.interpreter.recalled(asked).numpy(), ends, titles)
    for name, vectors in sources.items():
        for kind, cosine in (("dot", False), ("cosine", True)):
            found[f"{name}-{kind}"] = as_mentions(nearest(vectors, table, cosine).numpy(), ends, titles)
    return {name: Answered(mentions, []) for name, mentions in found.items()}
