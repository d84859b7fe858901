"""The table of an interpreter and all its controls, as rows of a results table and on a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from reverie.evaluation.values import Values
from reverie.files import read_json, write_json
from reverie.llm.generate import continuation_log_likelihoods
from reverie.llm.interpreter import measure
from reverie.llm.interpreter.answers import AnswerGenerator, Decoding, RowName
from reverie.llm.interpreter.recipe import TaskName
from reverie.llm.interpreter.session import Session
from reverie.llm.windows import Histories, Windows
from reverie.report.table import Table
from reverie.seeds import numpy_generator
from reverie.study.progress import Progress
from reverie.study.rows import common_columns


def sample_titles(session: Session, windows: Windows, others: int) -> NDArray[np.int64]:
    """Draw titles beside the true one → [R, 1 + others]."""
    canonical = session.titles.canonical
    distinct, rows = np.unique(canonical[1:]), []
    for at, row in enumerate(windows.rows()):
        true = int(canonical[row[-1]])
        rest = distinct[distinct != true]
        generator = numpy_generator(session.recipe.training.seed, "ranked", at)
        rows.append([true, *generator.choice(rest, min(others, len(rest)), replace=False).tolist()])
    return np.array(rows, dtype=np.int64)


@torch.no_grad()
def likelihood_ranks(generator: AnswerGenerator, row: RowName, titles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rank the true title by the log-likelihoods of all; titles [R, C] → [R]."""
    path = None if generator.folder is None else generator.folder / f"residual-{row}-ranks.json"
    if path is not None and path.is_file():
        return np.array(read_json(path), dtype=np.float64)
    prompts, ranks = generator.session.prompts, []
    for at, codes in enumerate(titles.tolist()):
        rendered, vectors = generator.prompts("residual", row, np.array([at]))
        answers = [prompts.target([code]) for code in codes]
        scores = continuation_log_likelihoods(prompts.backbone, rendered[0], vectors, answers).cpu().double()
        ranks.append(rank_of_first(scores[None]).item())
    if path is not None:
        write_json(path, ranks)
    return np.array(ranks, dtype=np.float64)


def vector_ranks(vectors: torch.Tensor, table: torch.Tensor, cosine: bool, titles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rank the true title by the vectors of its item, without a language model.

    vectors [R, D], table [N, D], titles [R, C] → [R].
    """
    if cosine:
        vectors, table = F.normalize(vectors, dim=-1), F.normalize(table, dim=-1)
    scores = torch.einsum("rd,rcd->rc", vectors, table[torch.from_numpy(titles) - 1])
    return rank_of_first(scores).numpy()


def rank_of_first(scores: torch.Tensor) -> torch.Tensor:
    """Return the rank of the first column [R], float64, from 1; ties count half."""
    first, others = scores[:, :1], scores[:, 1:]
    return 1 + (others > first).sum(1).double() + 0.5 * (others == first).sum(1).double()


def rank_values(ranks: NDArray[np.float64], users: NDArray[np.int64]) -> dict[str, Values]:
    """Return ranks as metrics; ranks [R], users [R]."""
    ones = np.ones(len(ranks))
    return {"rank": Values(ranks, ones, users, len(ranks)), "first": Values((ranks < 1.5).astype(float), ones, users, len(ranks))}


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
    canonical, counts = session.titles.canonical, session.split.train.item_counts()
    band = measure.popularity_bands(np.bincount(canonical, counts, minlength=len(counts)).astype(np.int64))
    rows: list[TableRow] = []
    positions: list[float] = []
    for task in dict.fromkeys(task for task, _, _ in answered):
        wanted = [canonical[row if task == "recovery" else row[-1:]].tolist() for row in windows.rows()]
        truth = measure.Truth(wanted, windows.users, band, np.unique(canonical[session.held_out]))
        everything: dict[tuple[str, str, str], measure.Answered] = {key: one for key, one in answered.items() if key[0] == task}
        everything |= {(task, name, ""): one for name, one in _controls(session, histories, truth, task).items()}
        values_of = measure.recovery_values if task == "recovery" else measure.residual_values
        values = {key: values_of(one, truth) for key, one in everything.items()}
        if task == "residual" and session.recipe.test.ranked:
            for key, ranks in _ranks(session, windows, generator).items():
                values[key] = values[key] | rank_values(ranks, windows.users)
        rows += [_row(key, values, MAIN[task]) for key in values]
        if task == "recovery":
            positions = measure.recall_by_position(everything[next(iter(everything))], truth)
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
        against = {name: measure.difference(values[partner][name], values[key][name]) for name in metrics}
    return TableRow(task, row, decoding, measure.with_intervals(values[key]), against)


def _controls(session: Session, histories: Histories, truth: measure.Truth, task: str) -> dict[str, measure.Answered]:
    """Return the rows that need no language model."""
    table, titles, lengths = session.table, session.titles, histories.lengths
    counts = session.split.train.item_counts()
    found = {"popularity": measure.most_popular(counts, [len(set(row)) for row in truth.rows], titles)}
    if task == "recovery":
        states, ends, train = histories.states, lengths, session.histories(session.windows("train"))
        probe = measure.fit_probe(train, len(table), session.recipe.training.seed)
        with torch.no_grad():
            guess = probe(measure.standardised(states, train)).argmax(-1) + 1
        found["linear-probe"] = measure.as_mentions(guess.numpy(), ends, titles)
        sources, asked = {"nearest": states}, states
    else:
        at, rows = torch.from_numpy(lengths - 1), torch.arange(len(lengths))
        after, before = histories.states[rows, at], histories.states[rows, at - 1]
        sources, ends = {"nearest-after": after[:, None], "nearest-residual": (after - before)[:, None]}, np.ones_like(lengths)
        asked = after[:, None]
    if session.prompts.interpreter.recalls:
        found["questions"] = measure.as_mentions(session.prompts.interpreter.recalled(asked).numpy(), ends, titles)
    for name, vectors in sources.items():
        for kind, cosine in (("dot", False), ("cosine", True)):
            found[f"{name}-{kind}"] = measure.as_mentions(measure.nearest(vectors, table, cosine).numpy(), ends, titles)
    return {name: measure.Answered(mentions, []) for name, mentions in found.items()}


SHOWN: dict[str, dict[str, str]] = {
    "recovery": {
        "recall": "recall",
        "precision": "prec.",
        "hallucination": "invented",
        "wrong_but_real": "wrong",
        "recall_held_out": "untaught",
        "unfinished": "cut",
    },
    "residual": {"accuracy": "accuracy", "hallucination": "invented", "accuracy_held_out": "untaught", "rank": "rank"},
}


def interpreter_rows(done: Interpreted) -> list[dict[str, Any]]:
    """Return all metrics of a table as rows of a results table."""
    session, facts = done.session, done.facts
    own = {"model": session.run.recipe.model_name, "seed": session.recipe.training.seed, "interval": "cluster_bootstrap(1000)"}
    cost = {"best_epoch": facts["best_step"]} | {name: facts[name] for name in ("seconds", "peak_mb", "commit")}
    common = common_columns(session.recipe.name, session.split, seen="", **own, **cost)
    found = []
    for row in done.table.rows:
        said = row.decoding != ""
        more = {
            "task": row.task, "row": row.row, "decoding": row.decoding, "backbone": session.backbone.name if said else "",
            "adapter": session.recipe.adapter.kind if said and not row.row.startswith("text") else "",
        }  # fmt: skip
        found += [common | more | {"metric": metric} | cell for metric, cell in row.metrics.items()]
        for name, gain in (row.against or {}).items():
            found.append(common | more | {"metric": f"gain:{name}", "n": row.metrics[name]["n"]} | gain)
    return found


def counts_as_result(done: Interpreted, task: str = "recovery") -> bool:
    """Return whether the model beats shuffled, text-only and popularity by more than the interval, also on untaught titles."""
    rows = [row for row in done.table.rows if row.task == task and row.row in MUST_BEAT and row.decoding in ("", "free")]
    return bool(rows) and all(row.against is not None and all(one["low"] > 0 for one in row.against.values()) for row in rows)


def shown_tables(done: Interpreted) -> list[Table | str]:
    """Return what a terminal shows: a table for each task, and whether the model beats its controls."""
    shown: list[Table | str] = []
    for task in dict.fromkeys(row.task for row in done.table.rows):
        names, main = shown_metrics(done, task), MAIN[task]
        rows = []
        for row in done.table.rows:
            if row.task == task:
                gain = "" if row.against is None else "{value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**row.against[main])
                rows.append([row.row, row.decoding, *(_cell(row.metrics.get(name), name == main) for name in names), gain])
        shown.append(Table(task, ("row", "decoding", *names.values(), "gain of the model"), rows))
    verdict = "beats" if counts_as_result(done) else "does not beat"
    said = (
        f"{done.session.recipe.adapter.kind} adapter, {done.session.backbone.name}, {done.table.n} held-out users, 95 % intervals "
        f"over users; on recovery it {verdict} shuffled, text-only and popularity by more than the interval, untaught titles alone "
        "included"
    )
    return [*shown, said]


def shown_metrics(done: Interpreted, task: str) -> dict[str, str]:
    """Return the metrics of a task that were measured, and how tables head them."""
    measured = {name for row in done.table.rows if row.task == task for name in row.metrics}
    return {name: said for name, said in SHOWN[task].items() if name in measured}


def _cell(found: dict[str, Any] | None, whole: bool) -> str:
    if found is None:
        return ""
    interval = "" if found["low"] is None or not whole else f" [{found['low']:.2f}, {found['high']:.2f}]"
    return f"{found['value']:.2f}{interval}"
