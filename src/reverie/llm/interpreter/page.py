"""An interpreter as one HTML file: what states say, what of it is true, and every control beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.files import read_json, write_json, write_text
from reverie.llm.interpreter.answers import AnswerGenerator
from reverie.llm.interpreter.oracle import describe_imagined
from reverie.llm.interpreter.rows import SHOWN
from reverie.llm.interpreter.table import MAIN, MUST_BEAT
from reverie.protocols import Imagines
from reverie.report.rendering import rendered
from reverie.report.words import duration

if TYPE_CHECKING:
    from reverie.llm.interpreter.matcher import Mention
    from reverie.llm.interpreter.study import Interpreted
    from reverie.llm.interpreter.table import TableRow

PEOPLE, ORACLES = 6, 8
"""Test users shown, and imagined vectors put into words."""
STYLE = """
.example .lists { display: grid; overflow: visible; grid-auto-flow: row; grid-auto-columns: auto;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); }
.example .invented { color: var(--muted); font-style: italic; } .example h3 { margin-bottom: .8rem; }
.says { margin-top: 1.2rem; max-width: 50em; font-size: 1.08rem; padding-left: 1.1rem; } .says li { margin-bottom: .45rem; }
"""
TASKS = {
    "recovery": (
        "Recovery",
        "From the states of a history, write its titles. Untaught: titles the adapter never saw.",
    ),
    "residual": ("Residual", "From the state before and after one item, name the item."),
}
HOW = {"free": "written freely", "constrained": "titles of the catalogue only", "": "no language model"}


def write_page(done: Interpreted, path: Path, command: str) -> Path:
    """Write the page."""
    session = done.session
    headline, sentences = _words(done)
    text = rendered(
        "reverie.llm.interpreter",
        "page.html",
        STYLE,
        recipe=session.recipe,
        split=session.split,
        model=session.run.recipe.model_name,
        backbone=session.backbone.name,
        headline=headline,
        sentences=sentences,
        tiles=_tiles(done),
        people=_people(done),
        tasks=[_task(done, name) for name in dict.fromkeys(row.task for row in done.table.rows)],
        imagined=_imagined(done),
        facts=done.facts,
        command=command,
    )
    write_text(path, text)
    return path


def _rows(done: Interpreted, task: str) -> dict[tuple[str, str], TableRow]:
    return {(row.row, row.decoding): row for row in done.table.rows if row.task == task}


def _words(done: Interpreted) -> tuple[str, list[str]]:
    """Say in plain words what was found, and what was not."""
    rows, model = _rows(done, "recovery"), done.session.run.recipe.model_name
    free = rows["model", "free"]
    length = done.session.recipe.windows.length
    recall = free.metrics["recall"]
    headline = f"From {model}'s states alone, the language model names {recall['value']:.0%} of a person's last {length} titles"
    sentences = []
    beaten: list[str] = []
    level: list[str] = []
    for name in MUST_BEAT:
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


def _tiles(done: Interpreted) -> list[tuple[str, str]]:
    session = done.session
    return [
        (str(done.table.n), "held-out people, one history each"),
        (f"{len(session.titles.texts):,}", "titles in the catalogue"),
        (str(len(session.held_out)), "titles never taught to the adapter"),
        (duration(done.facts["seconds"]), f"teaching, {session.recipe.training.steps} steps"),
    ]


def _people(done: Interpreted) -> list[dict[str, Any]]:
    session, windows = done.session, done.session.windows("test")
    generator = AnswerGenerator(session, session.histories(windows), session.folder / "answers")
    asked = [name for name in ("model", "shuffled") if name in session.recipe.test.free]
    said = {name: generator.answers("recovery", name, "free").mentions for name in asked}
    canonical, found = session.titles.canonical, []
    for at in range(min(PEOPLE, len(windows))):
        history = canonical[np.array(windows.row(at))].tolist()
        named = {mention.code for mention in said.get("model", [[]] * len(windows))[at]}
        found.append(
            {
                "user": session.split.vocabulary.users[int(windows.users[at])],
                "history": [(session.titles.text(code), code in named) for code in history],
                "said": _kinds(said["model"][at], history) if "model" in said else [],
                "shuffled": _kinds(said["shuffled"][at], history) if "shuffled" in said else [],
                "recall": len(named & set(history)) / len(set(history)),
            }
        )
    return found


def _kinds(mentions: list[Mention], history: list[int]) -> list[tuple[str, str]]:
    return [(m.text, "invented" if not m.code else "true" if m.code in history else "real") for m in mentions]


def _task(done: Interpreted, name: str) -> dict[str, Any]:
    measured = {key for row in done.table.rows if row.task == name for key in row.metrics}
    shown = {key: said for key, said in SHOWN[name].items() if key in measured}
    rows = [
        {
            "name": row.row,
            "how": HOW[row.decoding],
            "own": row.row == "model",
            "cells": [_finite(row.metrics.get(metric)) for metric in shown],
            "gain": None if row.against is None else row.against[MAIN[row.task]],
        }
        for row in done.table.rows
        if row.task == name
    ]
    return {"name": name, "title": TASKS[name][0], "note": TASKS[name][1], "columns": list(shown.values()), "rows": rows}


def _finite(cell: dict[str, Any] | None) -> dict[str, Any] | None:
    if cell is None or cell["value"] is None or not np.isfinite(cell["value"]):
        return None
    bounded = cell.get("low") is not None and np.isfinite(cell["low"])
    return {"value": cell["value"], "low": cell["low"] if bounded else None, "high": cell["high"] if bounded else None}


def _imagined(done: Interpreted) -> list[dict[str, Any]]:
    """Put imagined vectors into words, once."""
    session = done.session
    if not isinstance(session.model, Imagines) or "item" not in session.recipe.tasks:
        return []
    path = session.folder / "answers" / "imagined.json"
    if not path.is_file():
        windows = session.windows("test")
        write_json(path, describe_imagined(session, windows.take(np.arange(min(ORACLES, len(windows))))))
    found: list[dict[str, Any]] = read_json(path)
    return found
