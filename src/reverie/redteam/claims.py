"""Comparisons of a red team's study, paired by goal and seed, as rows of a claims table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

import polars as pl

from reverie.evaluation import Effect
from reverie.evaluation.effects import NO_INTERVAL, holm_by_metric, to_claim_row
from reverie.evaluation.intervals import difference_over_seeds
from reverie.redteam.cells import NONE
from reverie.redteam.recipe import RedTeamClaim
from reverie.redteam.results import ALL
from reverie.redteam.summary import Summary
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, p_value, span


def claim_rows(summary: Summary) -> list[dict[str, Any]]:
    """Return the comparisons of a recipe, corrected for their number by target and metric.

    Differences are paired by seed and by goal (of refusals, by benign prompt); seeds and goals are resampled together. On
    ``success`` a side's value of a goal is whether it was reached within the calls, over ``all`` techniques the share of them that
    reached it.
    """
    rows = [row for claim in summary.recipe.claims for row in _rows(summary, claim)]
    return holm_by_metric(rows)


def _rows(summary: Summary, claim: RedTeamClaim) -> Iterator[dict[str, Any]]:
    for target in claim.targets or summary.recipe.targets:
        for metric in claim.metrics:
            for part in claim.slices if metric.startswith("success") else (ALL,):
                sides = [_frames(summary, target, side, metric, part) for side in (claim.first, claim.other)]
                seeds = min(map(len, sides))
                if not seeds:
                    continue
                effect = difference_over_seeds(sides[0][:seeds], sides[1][:seeds], unit="seeds")
                if effect.low == effect.high:  # all goals differ by the same: a bootstrap has no width
                    effect = Effect(effect.value, None, None, None, effect.n, effect.seeds, NO_INTERVAL)
                values = (_mean(sides[0]), _mean(sides[1]))
                named = metric if part == ALL else f"{part}/{metric}"
                yield to_claim_row(
                    effect, dataset=target, first=claim.first, other=claim.other, why=claim.why, metric=named, values=values,
                    commit=", ".join(_commits(summary, target)), seeds=(len(sides[0]), len(sides[1])),
                )  # fmt: skip


def _frames(summary: Summary, target: str, side: str, metric: str, part: str) -> list[pl.DataFrame]:
    technique, _, defence = side.partition("@")
    if metric.startswith("success"):
        return summary.frames(target, technique, defence or NONE, metric, part)
    found = []
    for one in summary.benign(target, defence or NONE):
        name = next(iter(one.units), None)
        values = one.refused if metric == "over_refusal" else one.units[name] if name else ()
        kept = {at: float(value) for at, value in enumerate(values) if value is not None}
        if kept:
            found.append(
                pl.DataFrame({"user": list(kept), "value": list(kept.values())}, schema={"user": pl.Int64, "value": pl.Float64})
            )
    return found


def _mean(frames: Sequence[pl.DataFrame]) -> float:
    return fmean(float(frame["value"].to_numpy().mean()) for frame in frames)


def _commits(summary: Summary, target: str) -> list[str]:
    return sorted({one.commit for cell, one in summary.done.items() if one is not None and cell.target == target and one.commit})


def claims_table(summary: Summary, title: str = "") -> Table:
    """Return the comparisons as a table."""
    columns = [Column(head) for head in ("target", "first", "other", "question", "metric")]
    columns += [Column(head, "right") for head in ("difference", "95 % interval", "p (Holm)")]
    cells: list[list[str | TableCell]] = []
    for row in claim_rows(summary):
        shown = row["p_holm"] is not None and row["p_holm"] < 0.05
        value = TableCell(number(row["difference"], 3), value=row["difference"], emphasis="bold" if shown else "none")
        p = "" if row["p_holm"] is None else p_value(row["p_holm"])
        named = [row[key] for key in ("dataset", "first", "other", "why", "metric")]
        cells.append([*named, value, span(row["low"], row["high"], 3), p])
    return Table(
        title, columns, cells, ["Paired by goal and seed, both resampled; p by the normal law, Holm by target and metric."]
    )


def difference(first: Summary, other: Summary, target: str, technique: str, defence: str) -> Effect | None:
    """Return by how much success in one run exceeds that in another, paired by goal and seed where the goals are the same."""
    sides = [one.frames(target, technique, defence, "success") for one in (first, other)]
    seeds = min(map(len, sides))
    return difference_over_seeds(sides[0][:seeds], sides[1][:seeds]) if seeds else None
