"""The study of an interpreter: train the recommender, teach the adapter, ask the language model, measure its answers; its page."""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reverie.data.splits.config import split_dataset
from reverie.files import read_json, write_json
from reverie.llm.config import MORE
from reverie.llm.interpreter import table
from reverie.llm.interpreter.answers import AnswerGenerator, describe_imagined
from reverie.llm.interpreter.measure import Mention
from reverie.llm.interpreter.recipe import INTERPRETER, InterpreterRecipe
from reverie.llm.interpreter.session import Session, open_session, teach
from reverie.llm.interpreter.table import Interpreted
from reverie.protocols import Imagines
from reverie.report.page import Commands, Example, Item, ItemList, Prose, Section, Tiles, write_page
from reverie.report.rooms import added_sections
from reverie.report.table import Column, StudyReport, Table, TableCell
from reverie.report.words import duration, number
from reverie.study.call import Call
from reverie.study.environment import commit, environment, peak_mb, reset_peak
from reverie.study.progress import progress
from reverie.study.run import SingleCell, run_single
from reverie.study.store import held
from reverie.training.checkpoint import MetricsLog
from reverie.training.event_log import open_recipe_dataset

PEOPLE, ORACLES = 6, 8
"""Test users shown, and imagined vectors put into words."""
TASKS = {
    "recovery": ("Recovery", "From the states of a history, write its titles. Untaught: titles the adapter never saw."),
    "residual": ("Residual", "From the state before and after one item, name the item."),
}
HOW = {"free": "written freely", "constrained": "titles of the catalogue only", "": "no language model"}


def sections(done: Interpreted, command: str) -> list[Section]:
    """Return an interpreter as sections of a page."""
    people = Section(
        "people",
        "What a state says",
        _people(done),
        "Test users, the first of the draw, none chosen. The language model reads nothing but the recommender's states of the "
        "history; it wrote freely. Green titles stand in the history.",
        "People",
    )
    names = dict.fromkeys(row.task for row in done.table.rows)
    tasks = [Section(name, TASKS[name][0], [_task(done, name)], TASKS[name][1]) for name in names]
    return [
        people,
        *tasks,
        *_imagined(done),
        *added_sections(done.session.folder),
        Section("again", "Again", [Commands([command])]),
    ]


def _words(done: Interpreted) -> tuple[str, list[str]]:
    """Say in plain words what was found, and what was not."""
    rows = {(row.row, row.decoding): row for row in done.table.rows if row.task == "recovery"}
    model = done.session.run.recipe.model_name
    free = rows["model", "free"]
    length = done.session.recipe.windows.length
    recall = free.metrics["recall"]
    headline = f"From {model}'s states alone, the language model names {recall['value']:.0%} of a person's last {length} titles"
    sentences = []
    beaten: list[str] = []
    level: list[str] = []
    for name in table.MUST_BEAT:
        control = rows.get((name, "free")) or rows.get((name, ""))
        if control is not None and control.against is not None:
            (beaten if control.against["recall"]["low"] > 0 else level).append(f"{name} ({control.metrics['recall']['value']:.0%})")
    if beaten:
        sentences.append(f"That is more than {', '.join(beaten)} by more than the interval.")
    if level:
        sentences.append(f"It is not shown to be more than {', '.join(level)}: the result does not count.")
    best = max((row for (name, _), row in rows.items() if name.startswith("nearest")), key=lambda r: r.metrics["recall"]["value"])
    share = recall["value"] / best.metrics["recall"]["value"] if best.metrics["recall"]["value"] else float("nan")
    sentences.append(
        f"{best.row} reads {best.metrics['recall']['value']:.0%} without any language model; the words carry {share:.0%} of that."
    )
    invented = free.metrics["hallucination"]["value"]
    if np.isfinite(invented):
        sentences.append(f"Of the titles that were written, {invented:.0%} exist nowhere in the catalogue.")
    untaught = free.metrics.get("recall_held_out")
    if untaught is not None and np.isfinite(untaught["value"]):
        sentences.append(f"Of titles that the adapter was never taught, {untaught['value']:.0%} are named.")
    return headline, sentences


def _people(done: Interpreted) -> list[Example]:
    session, windows = done.session, done.session.windows("test")
    generator = AnswerGenerator(session, session.histories(windows), session.folder / "answers")
    asked = [name for name in ("model", "shuffled") if name in session.recipe.test.free]
    said = {name: generator.answers("recovery", name, "free").mentions for name in asked}
    canonical, found = session.titles.canonical, []
    for at, row in enumerate(windows.rows()[:PEOPLE]):
        history = canonical[row].tolist()
        own, other = (said[name][at] if name in said else [] for name in ("model", "shuffled"))
        named = {mention.code for mention in own}
        before = [
            Item(session.titles.text(code), mark="found" if code in named else "", words="(recovered)" if code in named else "")
            for code in history
        ]
        lists = (
            ItemList("History, oldest first", before),
            ItemList("In words, from the state", _items(own, history, True), "" if own else "nothing", hit=set(history) <= named),
            ItemList("From another person's state", _items(other, history, False), "" if other else "nothing"),
        )
        found.append(Example(f"User {session.split.vocabulary.users[int(windows.users[at])]}", lists))
    return found


def _items(mentions: list[Mention], history: list[int], noted: bool) -> list[Item]:
    """Return what was written, marked by whether it stands in the history or exists at all."""
    found = []
    for mention in mentions:
        if mention.code in history:
            found.append(Item(mention.text, mark="found"))
        elif mention.code:
            found.append(Item(mention.text, "not in the history" if noted else ""))
        else:
            found.append(Item(mention.text, "no title of the catalogue" if noted else "", "invented"))
    return found


def _task(done: Interpreted, name: str) -> Table:
    shown = table.shown_metrics(done, name)
    rows = [
        [
            TableCell(row.row, HOW[row.decoding], emphasis="bold" if row.row == "model" else "none"),
            *(_value(row.metrics.get(metric)) for metric in shown),
            TableCell("") if row.against is None else _value(row.against[table.MAIN[name]], "+"),
        ]
        for row in done.table.rows
        if row.task == name
    ]
    return Table("", ["row", *(Column(said, "right") for said in shown.values()), Column("model less this row", "right")], rows)


def _value(cell: Mapping[str, Any] | None, sign: str = "") -> TableCell:
    if cell is None or cell["value"] is None or not np.isfinite(cell["value"]):
        return TableCell("–")
    value, low, high = cell["value"], cell.get("low"), cell.get("high")
    if low is None or high is None or not np.isfinite(low):
        return TableCell(f"{value:{sign}.3f}", value=value)
    return TableCell(f"{value:{sign}.3f}", f"{low:{sign}.2f} to {high:{sign}.2f}", value=value, low=low, high=high)


def _imagined(done: Interpreted) -> list[Section]:
    """Put imagined vectors into words, once, where the model imagines."""
    session = done.session
    if not isinstance(session.model, Imagines) or "item" not in session.recipe.tasks:
        return []
    path = session.folder / "answers" / "imagined.json"
    if not path.is_file():
        windows = session.windows("test")
        write_json(path, describe_imagined(session, windows.take(np.arange(min(ORACLES, len(windows))))))
    shares = ("category_agreement", "shuffled_agreement")
    rows = [
        [one["title"] or "–", one["in_catalogue"], " · ".join(one["nearest"]), *(number(one[share], 2) for share in shares)]
        for one in read_json(path)
    ]
    heads = ("written freely", "as a title of the catalogue", "nearest items")
    note = (
        f"A vector that {session.run.recipe.model_name} imagines for each person, written freely and as a title of the catalogue, "
        "beside the items whose vectors are nearest. Agreement is the share of categories that the named item has in common with "
        "those, and with the neighbours of another person's vector."
    )
    shown = Table("", [*heads, Column("agreement", "right"), Column("with another's", "right")], rows)
    return [Section("imagined", "Oracle items, in words", [shown], note, "Oracle items")]


VERSION = 1
"""Of the whole study; raised when the same facts come to mean something else."""


def run_interpreter(
    recipe: InterpreterRecipe,
    folder: Path,
    *,
    device: str | None = None,
    results: Path | None = None,
    offline: bool = False,
    show: bool = True,
) -> Interpreted:
    """Train the recommender, teach the interpreter and measure it; what is there already is not done again."""
    training = recipe.training_recipe()
    dataset = open_recipe_dataset(training.dataset, offline)
    split = split_dataset(dataset, training.split)
    inputs = {
        "recipe": recipe.model_dump(mode="json", exclude={"name", "description", "smoke"}),
        "data": split.sha256, "protocol": split.protocol, "version": VERSION,
    }  # fmt: skip

    def interpret() -> Interpreted:
        session = open_session(recipe, folder, dataset, split, device, offline, show)
        with held(folder, recipe, INTERPRETER, "interpreter", done="table.json"):
            facts = ensure_taught(session, show)
            with progress(len(table.generated_rows(session)), "asking", show) as bar:
                return Interpreted(session, table.make_table(session, session.windows("test"), bar), facts)

    kept = (folder / "table.json").is_file()
    return run_single(SingleCell(recipe.name, MORE, inputs, interpret, table.interpreter_rows, kept), results)


def report(recipe: InterpreterRecipe, call: Call) -> StudyReport:
    """Run a study as the command line asks for it."""
    folder = call.folder
    done = run_interpreter(recipe, folder, device=call.device, results=call.results, offline=call.offline, show=call.show)
    session, (headline, sentences) = done.session, _words(done)
    split = session.split
    tiles = [
        (str(done.table.n), "held-out people, one history each"),
        (f"{len(session.titles.texts):,}", "titles in the catalogue"),
        (str(len(session.held_out)), "titles never taught to the adapter"),
        (duration(done.facts["seconds"]), f"teaching, {recipe.training.steps} steps"),
    ]
    page = write_page(
        folder / "report.html", headline, sections(done, call.command), kind="in words", name=recipe.name,
        facts=(split.dataset, session.run.recipe.model_name, session.backbone.name, f"adapter {recipe.adapter.kind}"),
        opening=(Prose(sentences, listed=True), Tiles(tiles)),
        footer=f"Data {split.dataset} ({split.sha256[:12]}) · {split.protocol} · commit {done.facts['commit']} · "
        f"seed {recipe.training.seed} · intervals are 95\u00a0%, over users",
    )  # fmt: skip
    user = str(split.vocabulary.users[0])
    one = f"one person in words: {shlex.join(['reverie', 'explain', '--run', str(folder), '--user', user])}"
    return StudyReport({"folder": str(folder), **done.facts, "table": done.table.plain()}, [*table.shown_tables(done), one], [page])


def ensure_taught(session: Session, show: bool) -> dict[str, Any]:
    """Teach the adapter where it is not taught, and return what that took."""
    folder, path = session.folder, session.folder / "taught.json"
    done = path.is_file()
    if not done:
        write_json(folder / "environment.json", environment())
        reset_peak()
    begin = time.monotonic()
    with progress(session.recipe.training.steps, f"teaching {session.recipe.name}", show and not done) as bar:
        teach(session, bar)
    if not done:
        file = folder / "metrics.jsonl"
        log = MetricsLog(folder, 2**53).rows if file.is_file() else []
        best: dict[str, Any] = min(log, key=lambda row: row["valid_loss"], default={})
        seconds = max((row["seconds"] for row in log), default=time.monotonic() - begin)
        cost = {"commit": commit(), "seconds": seconds, "peak_mb": peak_mb()}
        write_json(path, cost | {"best_step": best.get("epoch"), "valid_loss": best.get("valid_loss")})
    return dict(read_json(path))
