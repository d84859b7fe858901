"""Comparisons of a recognition study, paired by seed or fold, as rows of a claims table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reverie.evaluation.effects import holm_by_metric, to_claim_row
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, p_value, span
from reverie.video.recipe import VideoClaim
from reverie.video.summary import Row, Summary


def claim_rows(summary: Summary) -> list[dict[str, Any]]:
    """Return the comparisons of a recipe on every set with every network, corrected for their number on a set.

    A difference is paired by seed, or by fold where a set has folds.
    """
    views = list(summary.views())
    return holm_by_metric([row for claim in summary.recipe.claims for view in views for row in _rows(summary, claim, *view)])


def _rows(summary: Summary, claim: VideoClaim, clips: str, network: str) -> Iterator[dict[str, Any]]:
    first = Row(clips, network, claim.first, claim.weights, claim.checkpoint)
    other = Row(clips, network, claim.other, claim.other_weights or claim.weights, claim.checkpoint)
    found = summary.difference(first, other)
    if found is None:
        return
    effect, values = found
    sides = [summary.trained(row) for row in (first, other)]
    commits = {side[key].commit for side in sides for key in sides[0] if key in sides[1]}
    yield to_claim_row(
        effect, dataset=clips, first=said(first), other=said(other), why=claim.why, metric="accuracy", values=values,
        commit=", ".join(sorted(commits)),
    )  # fmt: skip


def said(row: Row) -> str:
    """Return a row in words of a claims table: ``tsm/sv-mix@ema``, and the checkpoint where it is not that of validation."""
    checkpoint = "" if row.checkpoint == "valid" else f"/{row.checkpoint}"
    return f"{row.network}/{row.method}@{row.weights}{checkpoint}"


def claims_table(summary: Summary, title: str = "") -> Table:
    """Return the comparisons as a table."""
    columns = [Column(head) for head in ("set", "first", "other", "question")]
    columns += [Column(head, "right") for head in ("difference", "95 % interval", "p (Holm)", "detectable")]
    cells: list[list[str | TableCell]] = []
    for row in claim_rows(summary):
        shown = row["p_holm"] is not None and row["p_holm"] < 0.05
        value = TableCell(number(row["difference"], 3), value=row["difference"], emphasis="bold" if shown else "none")
        p = "" if row["p_holm"] is None else p_value(row["p_holm"])
        ends = (span(row["low"], row["high"], 3), p, "" if row["detectable"] is None else number(row["detectable"], 3))
        cells.append([*(row[key] for key in ("dataset", "first", "other", "why")), value, *ends])
    notes = [
        "Difference on test clips, where no checkpoint is named at that which validation chose, paired by seed or fold; interval "
        "and p by Student's t over them, Holm by set. Test clips that all seeds share count as fixed, and folds learn from clips "
        "in common, which t does not know. “detectable”: the least true difference found in 80 % of trials, uncorrected."
    ]
    return Table(title, columns, cells, notes)
