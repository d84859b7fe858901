"""Comparisons of a red team's study, paired by goal and seed, as rows of a claims table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
                if (paired := compare(*sides)) is None:
                    continue
                effect = paired.effect
                if effect.low == effect.high:  # all goals differ by the same: a bootstrap has no width
                    effect = Effect(effect.value, None, None, None, effect.n, effect.seeds, NO_INTERVAL)
                named = metric if part == ALL else f"{part}/{metric}"
                yield to_claim_row(
                    effect, dataset=target, first=claim.first, other=claim.other, why=claim.why, metric=named, values=paired.values,
                    commit=", ".join(_commits(summary, target)),
                )  # fmt: skip


def _frames(summary: Summary, target: str, side: str, metric: str, part: str) -> dict[int, pl.DataFrame]:
    technique, _, defence = side.partition("@")
    if metric.startswith("success"):
        return summary.frames(target, technique, defence or NONE, metric, part)
    found = {}
    for seed, one in summary.benign(target, defence or NONE).items():
        name = next(iter(one.units), None)
        values = one.refused if metric == "over_refusal" else one.units[name] if name else ()
        kept = {at: float(value) for at, value in enumerate(values) if value is not None}
        if kept:
            columns = {"user": list(kept), "value": list(kept.values())}
            found[seed] = pl.DataFrame(columns, schema={"user": pl.Int64, "value": pl.Float64})
    return found


@dataclass(frozen=True)
class Paired:
    """Two sides at the seeds, and on the goals, that both have: the means of each and their difference."""

    values: tuple[float, float]
    effect: Effect


def compare(first: Mapping[int, pl.DataFrame], other: Mapping[int, pl.DataFrame]) -> Paired | None:
    """Join two sides by the number of the seed and by goal; None where they have nothing in common."""
    joined = [first[seed].join(other[seed], on="user", suffix="_other") for seed in sorted(first.keys() & other.keys())]
    joined = [frame for frame in joined if len(frame)]
    if not joined:
        return None
    left, right = ([frame.select("user", value=column) for frame in joined] for column in ("value", "value_other"))
    return Paired((_mean(left), _mean(right)), difference_over_seeds(left, right))


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
