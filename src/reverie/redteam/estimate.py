"""What a study will ask before it begins: calls, expected time, and roles that are one model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reverie.redteam.cells import AttackCell, BenignCell, HardenCell
from reverie.redteam.plan import measure_speed, most_writings, shared_models
from reverie.redteam.recipe_lab import RecipeLab
from reverie.redteam.roles import Brief
from reverie.redteam.study import RedTeamStudy
from reverie.study.progress import duration

REMOTE = frozenset({"openai", "http"})
"""Models that are not asked before the study begins."""


@dataclass(frozen=True)
class Estimate:
    """Attacks that are missing, and what they ask at most.

    Parameters
    ----------
    attacks : int
        Attacks, each a technique on a target with all its goals.
    calls : dict
        Calls of each target in them.
    writings : int
        Texts of the attackers' own model.
    lessons : int
        Rounds that teach a defence.
    benign : int
        Benign prompts that targets are asked, beside those calls.
    """

    attacks: int
    calls: dict[str, int]
    writings: int
    lessons: int
    benign: int


def estimate(study: RedTeamStudy, lab: RecipeLab) -> Estimate:
    """Count what is missing in the folder of a study, as if every round of a defence had something to learn from."""
    missing = [cell for cell in study.largest() if not study.is_kept(cell)]
    attacks = [cell for cell in missing if isinstance(cell, AttackCell)]
    calls = {target: 0 for target in study.recipe.targets}
    writings = 0
    for cell in attacks:
        brief = _brief(lab, cell.target, cell.technique)
        calls[cell.target] += len(brief.goals) * brief.calls
        writings += most_writings(lab.attackers[cell.technique], brief)
    lessons = sum(isinstance(cell, HardenCell) for cell in missing)
    benign = study.recipe.benign * sum(isinstance(cell, BenignCell) for cell in missing)
    return Estimate(len(attacks), calls, writings, lessons, benign)


def estimate_sentences(study: RedTeamStudy, lab: RecipeLab) -> Iterator[str]:
    """Yield what is coming, in words; local models are timed on a few plain requests first."""
    found, recipe = estimate(study, lab), study.recipe
    yield from _kept(study, lab)
    if not found.attacks:
        return
    for target in recipe.targets:
        writer = lab.targets.writer_name if found.writings else ""
        yield from shared_models({"attacker": writer, f"target {target}": lab.targets.model_name(target)})
    said = f"at most {found.attacks:,} attacks with {sum(found.calls.values()):,} calls of targets"
    said += f" and {found.writings:,} texts of the attackers' own model" if found.writings else ""
    said += f", and {found.lessons} lessons of defences" if found.lessons else ""
    said += f", and at most {found.benign:,} benign prompts" if found.benign else ""
    seconds = _seconds(lab, found)
    yield said + ("" if seconds is None else f"; about {duration(seconds)} for the attacks, by the speed of eight plain requests")


def _kept(study: RedTeamStudy, lab: RecipeLab) -> Iterator[str]:
    """Say that attacks on addresses are not made again: nobody can tell whether what answers there has changed."""
    for target, config in lab.targets.configs.items():
        model = getattr(config, "model", None)
        if model is None or model.kind not in REMOTE:
            continue
        attacks = [cell for cell in study.largest() if isinstance(cell, AttackCell) and cell.target == target]
        if kept := sum(study.is_kept(cell) for cell in attacks):
            there = f"{kept} of {len(attacks)} attacks on {target} stand in {study.folder} and are not made again"
            yield f"{there}; if what answers at its address has changed, name another folder with --out"


def _seconds(lab: RecipeLab, found: Estimate) -> float | None:
    """Return the expected time of all calls and texts, None where a model is not on this machine."""
    models = [getattr(config, "model", None) for config in lab.targets.configs.values()]
    models += [lab.targets.writer_config] if found.writings else []
    if any(model is not None and model.kind in REMOTE for model in models):
        return None
    total = 0.0
    for at, (target, calls) in enumerate(found.calls.items()):
        opened = lab.targets.open(target)  # first, as its name is what a person types and may be wrong
        writer = lab.targets.writer if found.writings and not at else None  # timed once
        speed = measure_speed(opened, _brief(lab, target, next(iter(lab.attackers))), writer)
        total += calls * speed.call + (found.writings * speed.writing if writer is not None else 0.0)
    return total


def _brief(lab: RecipeLab, target: str, technique: str) -> Brief:
    return Brief(lab.goals(target), (), lab.recipe.calls, 0, options=lab.recipe.techniques[technique].set)
