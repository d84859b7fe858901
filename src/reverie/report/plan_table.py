"""A plan as a table, and why models are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reverie.report.table import Column, Table, TableCell
from reverie.report.words import duration, listed

if TYPE_CHECKING:
    from reverie.training.plan import Plan

USUAL = 30.0
"""Minutes for which a plan says what would be left out."""


def plan_table(plan: Plan) -> Table:
    """Return what will be run, and what it is expected to take on this machine as it is now."""
    shape = plan.shape
    rows: list[list[str | TableCell]] = []
    for row in plan.kept:
        about, most = plan.seconds(row), plan.seconds(row, most=True)
        note = "" if row.cost.measured else "not measured; as sasrec"
        times = [duration(about), duration(most) if most > 1.05 * about else "", f"{row.cost.megabytes:,.0f} MB"]
        rows.append([TableCell(row.label, note), *times])
    columns = (Column("model", width=(18, 40)), *(Column(title, "right") for title in ("about", "at most", "memory")))
    size = f"{shape.users:,} users, {shape.items:,} items, {shape.events:,} training events, {shape.test:,} questions"
    return Table(f"plan: {size}", columns, rows, [_total(plan), *_cut(plan)])


def left_out_table(reasons: Mapping[str, str]) -> Table:
    """Return models that are not compared by reason."""
    models: dict[str, list[str]] = {}
    for label, reason in reasons.items():
        models.setdefault(reason, []).append(label)
    rows = [[", ".join(labels), reason] for reason, labels in models.items()]
    return Table("", (Column("not compared", width=(18, 40)), Column("why")), rows)


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain values."""
    rows = [
        {
            "model": row.recipe.model_name, "label": row.label, "seconds": plan.seconds(row), "most": plan.seconds(row, most=True),
            "megabytes": row.cost.megabytes, "spread": row.cost.spread, "measured": row.cost.measured,
        }
        for row in plan.kept
    ]  # fmt: skip
    return {"rows": rows, "left_out": plan.left_out, "seconds": plan.total(), "most": plan.total(most=True)}


def _total(plan: Plan) -> str:
    """Return how long all rows take together, and how sure that is."""
    about, most, largest = plan.total(), plan.total(most=True), max(plan.kept, key=plan.seconds, default=None)
    ends = f", at most {duration(most)} where training never stops early" if most > 1.05 * about else ""
    spread = "" if largest is None else f" Estimates of {largest.label} were right within a factor of {largest.cost.spread:.1f}."
    return f"Together about {duration(about)}{ends}.{spread}"


def _cut(plan: Plan) -> list[str]:
    """Return what a limit of half an hour would leave out, where the plan takes longer."""
    if plan.total() <= 60 * USUAL:
        return []
    kept = {row.label for row in plan.within(USUAL).kept}
    return [f"--minutes {USUAL:g} would leave out {listed([row.label for row in plan.kept if row.label not in kept])}."]
