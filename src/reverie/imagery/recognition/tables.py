"""Tables and sentences of a study of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reverie.evaluation.effects import Effect
from reverie.imagery.recognition.recipe import CHANCE
from reverie.imagery.recognition.settings import StageSettings
from reverie.imagery.recognition.summary import Summary, View, blind
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import listed, number, percent, span

LABEL = "Inspired by TIAC: stages as published; prompts, retrieval and metric are our reading."
"""Stands where output is shown."""
WORDS: dict[str, str] = {
    "A": "the word alone",
    "B": "gloss",
    "C": "gloss and objects",
    "D": "gloss, objects and form",
    "O": "objects",
    "OF": "objects and form",
    "E-shuffled": "objects of another concept",
    "E-form": "form alone",
    "E-sense": "gloss, objects and form of another sense",
}
"""What each condition shows, in words."""
SHARES = {"top1": "first of {k}", "top5": "first five", "overliteral": "over-literal", "lost_object": "lost an object"}
_FINDINGS = (("O", CHANCE), ("O", "E-shuffled"), ("OF", "O"), ("D", "C"), ("D", "A"), ("D", "B"), ("C", "B"))


def view_name(view: View) -> str:
    """Return a view in words."""
    kind = "WordNet neighbours" if view.distractors == "near" else "random concepts"
    shown = "prompts" if view.mode == "text" else f"pictures of {view.renderer}"
    return f"{view.judge} on {shown}, among {kind}"


def recognition_table(summary: Summary, view: View, title: str | None = None) -> Table:
    """Return how often the concept is recognised under each condition."""
    heads = [Column(head.format(k=summary.recipe.k), "right") for head in SHARES.values()]
    heads.insert(2, Column("mean 1/rank", "right"))
    columns: list[str | Column] = [Column("condition", wrap=False), Column("shows"), *heads]
    rows: list[list[str | TableCell]] = []
    for condition in summary.recipe.conditions:
        if not summary.judged(view, condition):
            continue
        cells = {metric: _cell(summary, view, condition, metric) for metric in (*SHARES, "mrr")}
        order = ("top1", "top5", "mrr", "overliteral", "lost_object")
        rows.append([condition, WORDS[condition], *(cells[metric] for metric in order)])
    k = summary.recipe.k
    level = [percent(blind("top1", k)), percent(blind("top5", k)), number(blind("mrr", k), 3), "", ""]
    rows.append([TableCell("chance", emphasis="dim"), "", *level])
    return Table(view_name(view) if title is None else title, columns, rows, _notes(summary, view))


def _cell(summary: Summary, view: View, condition: str, metric: str) -> str | TableCell:
    effect = summary.effect(view, condition, metric)
    if effect is None:
        return "–"
    text = number(effect.value, 3) if metric == "mrr" else percent(effect.value)
    return TableCell(text, span(effect.low, effect.high, 3), value=effect.value, low=effect.low, high=effect.high)


def _notes(summary: Summary, view: View) -> list[str]:
    notes = []
    if view.mode == "text":
        notes.append("No images, no human ratings: a judge reads the prompt, words that say the concept are masked.")
        found = {one: summary.effect(view, one, "masked") for one in summary.recipe.conditions}
        masked = [f"{one} {percent(effect.value)}" for one, effect in found.items() if effect is not None and effect.value > 0]
        notes += [f"Prompts that needed masking: {', '.join(masked)}."] if masked else ["No prompt needed masking."]
    else:
        notes.append("No human ratings. “over-literal”: the judge rather names an object that is shown than the concept.")
    return notes


def check_sentences(summary: Summary) -> list[str]:
    """Return how well judges of texts do where they must do well."""
    said = []
    for judge, found in summary.checks().items():
        parts = [
            f"{percent(share)} ({span(low, high, 3)}) among {'WordNet neighbours' if kind == 'near' else 'random concepts'}"
            for kind, (share, low, high, _) in found.shares.items()
        ]
        of = f"of {found.n} masked glosses to their own concept; chance is {percent(1 / summary.recipe.k)}."
        said.append(f"{judge} gives {listed(parts)} {of}")
    return said


def settings_table(trials: Mapping[StageSettings, float], summary: Summary) -> Table:
    """Return the settings that were tried on development concepts, the chosen one in bold."""
    rows: list[list[str | TableCell]] = []
    for settings, value in trials.items():
        said = ", ".join(f"{name} {one}" for name, one in settings.model_dump(mode="json").items())
        chosen = TableCell(said, emphasis="bold" if settings == summary.settings else "none")
        rows.append([chosen, TableCell(number(value, 3), value=value)])
    return Table("", ["settings", Column(summary.recipe.choose.metric, "right")], rows)


def findings(summary: Summary) -> list[str]:
    """Return what the study found, sentence by sentence: differences of `top1` among random concepts, in percentage points."""
    known = {*summary.recipe.conditions, CHANCE}
    pairs = [(first, other) for first, other in _FINDINGS if {first, other} <= known]
    said = []
    for view in summary.views():
        if view.distractors != "random":
            continue
        effects = [(first, other, summary.difference(view, first, other, "top1")) for first, other in pairs]
        parts = [f"{first} − {other} {_points(effect)}" for first, other, effect in effects if effect is not None]
        if parts:
            said.append(f"{view_name(view)}, first of {summary.recipe.k} in percentage points: {'; '.join(parts)}.")
    return said


def _points(effect: Effect) -> str:
    ends = "" if effect.low is None or effect.high is None else f" ({100 * effect.low:+.1f} to {100 * effect.high:+.1f})"
    return f"{100 * effect.value:+.1f}{ends}".replace("-", "−")


def summary_json(summary: Summary, dataset: str, digest: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that was found as plain values."""
    tables = {}
    for view in summary.views():
        tables["/".join((view.mode, view.judge, view.renderer, view.distractors))] = {
            condition: {
                metric: {key: getattr(effect, key) for key in ("value", "low", "high", "n", "seeds")}
                for metric in ("top1", "top5", "mrr", "chance", "overliteral", "lost_object")
                if (effect := summary.effect(view, condition, metric)) is not None
            }
            for condition in summary.recipe.conditions
        }
    about = {"recipe": summary.recipe.name, "dataset": dataset, "dataset_sha256": digest, "label": LABEL, "k": summary.recipe.k}
    return about | {"settings": summary.settings.model_dump(mode="json"), "found": tables} | dict(more)
