"""Tables of a recognition study, and what they say in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, span
from reverie.video.recognition.config import CHECKPOINTS, WEIGHTS
from reverie.video.summary import Row, Summary

OPTIMISTIC = "Weights that did best on the test set are optimistic, as they were chosen on what they are measured on."


def accuracy_table(summary: Summary, clips: str, network: str) -> Table:
    """Return methods with their accuracy under both kinds of weights, chosen on validation, and what they cost."""
    heads = ("mean weights", "student", "last, mean", "best test, mean", "spread", "ECE", "NLL", "s a step", "MB")
    rows: list[list[str | TableCell]] = []
    for method in summary.methods(clips, network):
        row = Row(clips, network, method)
        student, last = Row(clips, network, method, "student"), Row(clips, network, method, checkpoint="last")
        best = _plain(summary.values(Row(clips, network, method, checkpoint="best-test")))
        trained = list(summary.trained(row).values())
        seconds, memory = (fmean(getattr(one, name) for one in trained) for name in ("seconds_a_step", "peak_mb"))
        rows.append([
            method, accuracy_cell(summary, row), accuracy_cell(summary, student), _plain(summary.values(last)),
            TableCell(best, "optimistic", emphasis="dim"), _spread(summary.values(row)), _plain(summary.values(row, "ece")),
            _plain(summary.values(row, "nll")), number(seconds, 3), f"{memory:.0f}",
        ])  # fmt: skip
    n = max((len(summary.trained(Row(clips, network, method))) for method in summary.methods(clips, network)), default=0)
    unit = ("fold" if summary.recipe.sets[clips].folds else "seed") + "s" * (n != 1)
    notes = [f"Top-1 accuracy over {n} {unit}, at the checkpoint that validation chose where nothing else is said. {OPTIMISTIC}"]
    notes += baseline_sentences(summary, clips)
    return Table(f"{network} on {clips}", ["method", *(Column(head, "right") for head in heads)], rows, notes)


def baseline_sentences(summary: Summary, clips: str) -> list[str]:
    """Return what can be told of the clips of a set without seeing them move."""
    found = summary.baselines.get(clips)
    if found is None:
        return []
    told = "; ".join(f"{name} {number(value, 3)}" for name, value in found.accuracies.items())
    return [f"Without seeing motion, on {found.n} test clips: {told}."]


def accuracy_cell(summary: Summary, row: Row) -> TableCell:
    """Return the accuracy of a row with its t-interval over seeds or folds."""
    value, (low, high) = fmean(summary.values(row)), summary.interval(row) or (None, None)
    return TableCell(number(value, 3), span(low, high, 3), value=value, low=low, high=high)


def class_table(summary: Summary, clips: str, network: str) -> Table:
    """Return the accuracy on the clips of each class, mean over trainings, with mean weights that validation chose."""
    by: dict[str, dict[str, list[float]]] = {}
    for method in summary.methods(clips, network):
        for one in summary.trained(Row(clips, network, method)).values():
            for name, value in one.measures["ema", "valid"].by_class.items():
                by.setdefault(method, {}).setdefault(name, []).append(value)
    classes = list(dict.fromkeys(name for found in by.values() for name in found))
    rows = [[method, *(_plain(found.get(name, ())) for name in classes)] for method, found in by.items()]
    return Table(f"{network} on {clips}, by class", ["method", *(Column(name, "right") for name in classes)], rows)


def mask_table(summary: Summary) -> Table | None:
    """Return what was measured of masks, mean over trainings; None where no method has one."""
    names = ("area", "entropy", "spread", "partner_object", "own_object", "on_object")
    rows: list[list[str | TableCell]] = []
    for clips, network in summary.views():
        for method in summary.methods(clips, network):
            found = [one.masks for one in summary.trained(Row(clips, network, method)).values() if one.masks]
            if found:
                rows.append([clips, network, method, *(_plain([one[name] for one in found if name in one]) for name in names)])
    heads = [
        Column(head, "right") for head in ("partner's share", "entropy", "spread", "partner's object", "own object", "on objects")
    ]
    return Table("Masks", ["set", "network", "method", *heads], rows, [MASK_NOTE, *_controls(summary)]) if rows else None


def _controls(summary: Summary) -> Iterator[str]:
    """Yield how far random masks are of the kind that the selector made, as their contrast and area are not fitted to it."""
    for clips, network in summary.views():
        found: dict[str, list[Mapping[str, float]]] = {}
        for method in summary.methods(clips, network):
            if (kind := summary.recipe.methods[method].kind) in ("sv-mix", "sv-mix-random") and kind not in found:
                found[kind] = [one.masks for one in summary.trained(Row(clips, network, method)).values() if one.masks]
        if len(found) == 2 and all(found.values()):
            said = [
                f"{kind} have " + ", ".join(f"{name} {_plain([one[name] for one in masks])}" for name in ("entropy", "spread"))
                for kind, masks in found.items()
            ]
            yield f"{network} on {clips}: masks of {' and those of '.join(said)}."


MASK_NOTE = (
    "Of training clips, after the last update. Partner's share: of the volume. Entropy: of that share at each place, in bits, 0 "
    "for a hard mask. Spread: its standard deviation over the places of a clip, 0 for one weight everywhere. Where the generator "
    "tells where objects are: the share of the partner's object that is seen, of the own one that is left, and their sum less 1: "
    "0 for a mask that is the same everywhere, 1 for one that shows both objects whole. ResizeMix shows a partner whole, made "
    "small, so that its sum tells what is left of the own object."
)


def summary_json(summary: Summary) -> dict[str, Any]:
    """Return all that was found, as plain values."""
    rows = []
    for clips, network in summary.views():
        for method in summary.methods(clips, network):
            for weights in WEIGHTS:
                for checkpoint in CHECKPOINTS:
                    row = Row(clips, network, method, weights, checkpoint)
                    ends = dict(zip(("low", "high"), summary.interval(row) or (None, None), strict=True))
                    about: dict[str, Any] = {
                        "set": clips,
                        "network": network,
                        "method": method,
                        "weights": weights,
                        "checkpoint": checkpoint,
                    }
                    values = summary.values(row)
                    rows.append(about | {"accuracy": fmean(values), "trainings": len(values)} | ends)
    told = {clips: dict(one.accuracies) for clips, one in summary.baselines.items()}
    return {"recipe": summary.recipe.name, "baselines": told, "commits": summary.commits(), "rows": rows}


def _plain(values: Sequence[float]) -> str:
    return number(fmean(values), 3) if values else "–"


def _spread(values: Sequence[float]) -> str:
    return number(stdev(values), 3) if len(values) > 1 else "–"
