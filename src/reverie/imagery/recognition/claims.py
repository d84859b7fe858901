"""Comparisons of conditions, paired by concept and seed, as rows of a claims table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reverie.evaluation.effects import holm_by_metric, to_claim_row
from reverie.imagery.recognition.recipe import CHANCE, ImageryClaim
from reverie.imagery.recognition.summary import Summary
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, p_value, span


def claim_rows(summary: Summary, dataset: str) -> list[dict[str, Any]]:
    """Return the comparisons of a recipe, corrected for their number by metric.

    Differences are paired by seed and concept; seeds and concepts are resampled together. The metric's name says mode, renderer,
    judge and distractors, the family of a correction is all comparisons of one of them.
    """
    return holm_by_metric([row for claim in summary.recipe.claims for row in _rows(summary, claim, dataset)])


def _rows(summary: Summary, claim: ImageryClaim, dataset: str) -> Iterator[dict[str, Any]]:
    for view in summary.views():
        if view.mode not in claim.modes or view.distractors not in claim.distractors:
            continue
        for metric in claim.metrics:
            effect = summary.difference(view, claim.first, claim.other, metric)
            if effect is None:
                continue
            sides = (claim.first, claim.other)
            values = [summary.mean(view, side, metric, like=claim.first) for side in sides]
            seeds = [len(summary.judged(view, claim.first if side == CHANCE else side)) for side in sides]
            where = f"{view.mode}/{view.judge}" + (f"/{view.renderer}" if view.mode == "image" else "")
            yield to_claim_row(
                effect, dataset=dataset, first=claim.first, other=claim.other, why=claim.why,
                metric=f"{where}/{view.distractors}/{metric}", values=(values[0], values[1]), commit=", ".join(summary.commits()),
                seeds=(seeds[0], seeds[1]),
            )  # fmt: skip


def claims_table(summary: Summary, dataset: str, title: str = "", ends: str = "") -> Table:
    """Return the comparisons as a table; only those whose metric ends with `ends`, if it is given."""
    columns = [Column(head) for head in ("first", "other", "question", "metric")]
    columns += [Column(head, "right") for head in ("difference", "95 % interval", "p (Holm)", "detectable")]
    cells: list[list[str | TableCell]] = []
    for row in claim_rows(summary, dataset):
        if not row["metric"].endswith(ends):
            continue
        shown = row["p_holm"] is not None and row["p_holm"] < 0.05
        value = TableCell(number(row["difference"], 3), value=row["difference"], emphasis="bold" if shown else "none")
        p = "" if row["p_holm"] is None else p_value(row["p_holm"])
        named = [row[key] for key in ("first", "other", "why", "metric")]
        cells.append([*named, value, span(row["low"], row["high"], 3), p, number(row["detectable"], 3)])
    notes = [
        "Paired by concept and seed, both resampled; p by the normal law, Holm among the comparisons of one metric; “detectable” "
        "is the smallest true difference that the uncorrected test finds with power 80\u00a0%."
    ]
    return Table(title, columns, cells, notes)
