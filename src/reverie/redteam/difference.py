"""Two runs compared, for checks that run again and again: where more gets through than before, and what is new."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reverie.errors import ConfigError
from reverie.evaluation import Effect
from reverie.evaluation.effects import holm_corrected, tested_without_width
from reverie.redteam.cells import NONE
from reverie.redteam.claims import compare
from reverie.redteam.summary import Summary
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import p_value, percent, span

Place = tuple[str, str, str]
"""Target, technique and defence."""


@dataclass(frozen=True)
class Change:
    """Success of one technique in two runs."""

    before: float
    after: float
    effect: Effect


def changes(before: Summary, after: Summary) -> dict[Place, Change]:
    """Return by how much success changed from one run to another, for each target, technique and defence that both have.

    Paired by goal and seed, so both runs must have tried the same goals; p is corrected over all rows (Holm). Where all goals
    changed alike, p is that of the exact sign-flip test over goals.

    Raises
    ------
    ConfigError
        If the runs tried other goals or with other budgets, or have nothing in common.
    """
    if before.recipe.goals != after.recipe.goals or before.recipe.calls != after.recipe.calls:
        raise ConfigError(
            "the two runs tried other goals or made other numbers of calls; compare runs of one recipe's goals and calls"
        )
    effects: dict[Place, Effect] = {}
    levels: dict[Place, tuple[float, float]] = {}
    for target in before.recipe.targets:
        for defence in before.defences(target):
            for technique in before.recipe.techniques:
                sides = [one.frames(target, technique, defence, "success") for one in (after, before)]
                if (paired := compare(*sides)) is not None:
                    effects[target, technique, defence] = tested_without_width(paired.effect)
                    levels[target, technique, defence] = paired.values[1], paired.values[0]
    if not effects:
        raise ConfigError("the two runs have no target with a technique in common; compare runs whose recipes share their names")
    return {place: Change(*levels[place], effect) for place, effect in holm_corrected(effects).items()}


def uncompared(before: Summary, after: Summary, found: dict[Place, Change]) -> list[str]:
    """Say what stands in one run alone, so that nobody takes it for unchanged."""
    said = []
    for name, one in (("first", before), ("second", after)):
        places = [(t, technique, d) for t in one.recipe.targets for d in one.defences(t) for technique in one.recipe.techniques]
        lost = [place for place in places if place not in found and one.attacked(*place)]
        if lost:
            named = ", ".join(f"{technique} on {target}" + f" behind {d}" * (d != NONE) for target, technique, d in lost)
            said.append(f"Of the {name} run not compared, as it was not measured in both: {named}.")
    return said


def change_table(found: dict[Place, Change], uncompared: Sequence[str] = ()) -> Table:
    """Return the changes as a table; those shown to differ stand in bold."""
    columns = [Column(head) for head in ("target", "technique", "defence")]
    columns += [Column(head, "right") for head in ("before", "after", "change", "95 % interval", "p (Holm)")]
    rows: list[list[str | TableCell]] = []
    for (target, technique, defence), one in found.items():
        value = f"{100 * one.effect.value:+.1f} points"
        bold = TableCell(value, value=one.effect.value, emphasis="bold" if one.effect.shown else "none")
        p = "" if one.effect.p_holm is None else p_value(one.effect.p_holm)
        rows.append([target, technique, defence, percent(one.before), percent(one.after), bold, span(*one.effect.ends), p])
    notes = ["Paired by goal and seed; p by the normal law, too small where goals are few; Holm over all rows."]
    return Table("share of goals reached, before and after", columns, rows, [*notes, *uncompared])


def is_worse(found: dict[Place, Change]) -> bool:
    """Return whether more gets through somewhere, shown after correction, on targets as they are or behind a defence."""
    return any(one.effect.shown and one.effect.value > 0 for one in found.values())


def changes_json(found: dict[Place, Change]) -> list[dict[str, Any]]:
    """Return the changes as plain values."""
    return [
        {"target": target, "technique": technique, "defence": defence, "before": one.before}
        | {
            "after": one.after,
            "change": one.effect.value,
            "low": one.effect.low,
            "high": one.effect.high,
            "p_holm": one.effect.p_holm,
        }
        for (target, technique, defence), one in found.items()
    ]
