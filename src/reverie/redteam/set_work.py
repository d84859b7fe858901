"""Attack sets on the command line: built of a recipe in several sizes, and said again to another target."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from reverie.errors import ConfigError, unknown
from reverie.files import json_digest
from reverie.redteam.attackers.shelf import create_attacker
from reverie.redteam.attempts import Attempt
from reverie.redteam.building import BuiltSet, build_sets, most_calls
from reverie.redteam.detectors.lookup import detect
from reverie.redteam.engine import run_attack
from reverie.redteam.goals import Part
from reverie.redteam.measures import rates_by
from reverie.redteam.rates import clustered_rate
from reverie.redteam.recipe import RedTeamRecipe
from reverie.redteam.recipe_lab import RecipeLab
from reverie.redteam.roles import Brief, Target
from reverie.redteam.sets import read_set, replay_brief
from reverie.redteam.tables import CAVEAT
from reverie.redteam.targets.possible import check_possible
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number, percent, span


def build(
    recipe: RedTeamRecipe,
    technique: str,
    sizes: Sequence[int],
    folder: Path,
    *,
    part: Part = "build",
    nested: bool = False,
    seed: int = 0,
    device: str | None = None,
    offline: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> list[BuiltSet]:
    """Build attack sets with a technique of a recipe against its first target.

    Parameters
    ----------
    recipe : RedTeamRecipe
        Names the target, the writer and the goals.
    technique : str
        A row of it.
    sizes : sequence of int
        Texts for each kind of goal.
    folder : Path
        Takes the sets and the logs.
    part : {"build", "held-out"}
        Which goals, and with them which of the two sets of hand-written cases: what a defence is trained on and what it is
        measured with share neither.
    nested : bool
        Whether smaller sets are parts of larger ones.
    seed : int
        Of the attacks.
    device, offline, tell
        As elsewhere.

    Returns
    -------
    list of BuiltSet
    """
    if technique not in recipe.techniques:
        raise unknown("technique", technique, recipe.techniques)
    lab, target = RecipeLab(recipe, device=device, offline=offline), next(iter(recipe.targets))
    if lab.replays(technique):
        raise ConfigError(f"'{technique}' says again what there is; build sets with another technique")
    goals = tuple(goal for goal in lab.goals(target) if goal.part == part)
    if not goals:
        raise ConfigError(f"the recipe has no {part} goal of {target}; ask for more with --set goals.n=12")
    brief = Brief(goals, lab.cases(target, goals), 0, seed, options=recipe.techniques[technique].set)
    writer = lab.targets.writer if lab.writes(technique) else None
    tell(f"at most {most_calls(goals, sizes, nested):,} calls of {target}, fewer where a set is full before")
    return build_sets(
        lab.attackers[technique], lab.targets.open(target), brief, folder=folder, sizes=sizes, nested=nested, writer=writer,
        facts=known_facts(target=lab.target_facts(target), technique=lab.technique_facts(technique)), batch=recipe.batch, tell=tell,
    )  # fmt: skip


def known_facts(**facts: Mapping[str, Any]) -> dict[str, str]:
    """Return digests of what answers depend on beyond names, so that a log of another model is refused; no value is written."""
    return {name: json_digest(values) for name, values in facts.items()}


def build_table(built: Sequence[BuiltSet]) -> Table:
    """Return sets with what they cost, and why some are short."""
    heads = ("texts", "calls", "calls per text", "texts per 1,000 calls", "seconds per text")
    rows: list[list[str | TableCell]] = []
    for one in built:
        texts, calls = len(one.attack_set), one.attack_set.header.calls
        wanted = one.attack_set.header.wanted
        found = f"{texts} of {wanted}"
        costs = [number(one.calls_per_text, 1), number(1000 * texts / calls, 0) if calls else "–", number(one.seconds_per_text, 1)]
        rows.append([str(one.path), found, f"{calls:,}", *costs])
    notes = [_short(one) for one in built if len(one.attack_set) < one.attack_set.header.wanted]
    return Table("attack sets", [Column("file", wrap=False), *(Column(head, "right") for head in heads)], rows, [*notes, CAVEAT])


def _short(one: BuiltSet) -> str:
    header = one.attack_set.header
    written = f", {header.unusable:,} of {header.writings:,} texts of the writer were of no use" if header.unusable else ""
    return f"{one.path.name} is short: no more got through in {header.calls:,} calls{written}."


def replay(
    sets: Sequence[Path],
    target: Target,
    folder: Path,
    *,
    generations: int = 1,
    seed: int = 0,
    facts: Mapping[str, Any] | None = None,
    batch: int = 16,
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Attempt, ...]:
    """Say the texts of some sets again to a target, and return what came of them.

    Answers that stand in the folder are not asked for again; `facts` are what the target's answers depend on, so that a folder with
    those of another one, such as the model before it was trained, is refused.
    """
    brief = replay_brief([read_set(path) for path in sets], seed, generations)
    check_possible(target, brief.goals)
    return run_attack(
        create_attacker("replay"), target, brief, detect=detect, folder=folder, facts=known_facts(target=facts or {}), batch=batch,
        tell=tell,
    ).attempts  # fmt: skip


def replay_table(target: str, attempts: Sequence[Attempt]) -> Table:
    """Return how much of a set gets through still, by technique and kind of goal; in the set it was all.

    Texts of one goal, and answers to one text, are alike, so intervals are by goals.
    """
    groups: dict[tuple[str, str], list[Attempt]] = {}
    for one in attempts:
        groups.setdefault((one.tried.technique, str(one.tried.goal.kind)), []).append(one)
    rows: list[list[str | TableCell]] = []
    for (technique, kind), mine in sorted(groups.items()):
        by_goal = rates_by(mine, lambda one: one.tried.goal.id).values()
        rate = clustered_rate([(one.successes, one.n) for one in by_goal], sum(one.failures for one in by_goal))
        cell = TableCell(percent(rate.value), span(rate.low, rate.high), value=rate.value, low=rate.low, high=rate.high)
        rows.append([technique, kind, f"{rate.successes} of {rate.n}", cell, str(rate.failures)])
    columns: list[str | Column] = ["technique", "goal", *(Column(head, "right") for head in ("got through", "share", "failures"))]
    return Table(f"{target}: texts said again", columns, rows, [CAVEAT])


def replay_json(target: str, attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Return the same as plain values, and what got through by id."""
    through = [one.id for one in attempts if one.finding.success]
    return {"target": target, "attempts": len(attempts), "got_through": through, "table": replay_table(target, attempts).to_json()}
