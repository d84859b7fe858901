"""What a study will ask before it begins: calls, expected time, and roles that are one model."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from reverie.redteam.attempts import Try
from reverie.redteam.cells import AttackCell, HardenCell
from reverie.redteam.goals import Goal
from reverie.redteam.messages import Message
from reverie.redteam.recipe_lab import RecipeLab
from reverie.redteam.roles import ChatModel, Target
from reverie.redteam.study import RedTeamStudy
from reverie.study.progress import duration

PROBE = 8
"""Plain requests that are timed, after one that is not; they are answered for nothing else."""
REMOTE = frozenset({"openai", "http"})
"""Models that are not asked before the study begins."""


@dataclass(frozen=True)
class Plan:
    """Attacks that are missing, and what they may cost at most.

    Parameters
    ----------
    attacks : int
        Attacks, each a technique on a target with all its goals.
    calls : int
        Calls of targets in them.
    writings : int
        Of those, calls of attackers with a model of their own; each may write about one text for a call.
    lessons : int
        Rounds that teach a defence.
    """

    attacks: int
    calls: int
    writings: int
    lessons: int


def plan(study: RedTeamStudy) -> Plan:
    """Count what is missing in the folder of a study, as if every round of every defence had something to learn from."""
    recipe, lab = study.recipe, study.lab
    missing = [cell for cell in study.largest() if not study.is_kept(cell)]
    attacks = [cell for cell in missing if isinstance(cell, AttackCell)]
    sizes = {target: len(lab.goals(target)) * recipe.calls for target in recipe.targets}
    writers = {name for name in recipe.techniques if lab.writes(name)}
    return Plan(
        len(attacks), sum(sizes[cell.target] for cell in attacks),
        sum(sizes[cell.target] for cell in attacks if cell.technique in writers),
        sum(isinstance(cell, HardenCell) for cell in missing),
    )  # fmt: skip


def plan_sentences(study: RedTeamStudy, lab: RecipeLab) -> Iterator[str]:
    """Yield what is coming, in words; local models are timed on a few plain requests first."""
    recipe, found = study.recipe, plan(study)
    same = [name for name in recipe.targets if lab.targets.same_model(name)]
    if found.writings and same:
        yield f"the attackers' own model is that of {', '.join(same)}; take another for 'writer' to tell what others would find"
    if not found.attacks:
        return
    said = f"at most {found.attacks:,} attacks with {found.calls:,} calls of targets"
    said += f" and about {found.writings:,} texts of the attackers' own model" if found.writings else ""
    said += f", and {found.lessons} lessons of defences" if found.lessons else ""
    seconds = _seconds(study, lab, found)
    yield said + ("" if seconds is None else f"; about {duration(seconds)} for the calls, measured on {PROBE} plain requests")


def _seconds(study: RedTeamStudy, lab: RecipeLab, found: Plan) -> float | None:
    """Return the expected time of all calls, None where a model is not on this machine."""
    recipe = study.recipe
    writer = lab.targets.writer_config if found.writings else None
    models = [getattr(lab.targets.configs[name], "model", None) for name in recipe.targets] + [writer]
    if any(model is not None and model.kind in REMOTE for model in models):
        return None
    calls = found.calls / len(recipe.targets)
    total = sum(calls * time_of_call(lab.targets.open(name), lab.goals(name)) for name in recipe.targets)
    return total + (found.writings * time_of_writing(lab.targets.writer) if lab.targets.writer and writer else 0.0)


def time_of_call(target: Target, goals: tuple[Goal, ...]) -> float:
    """Return the seconds of one call, of plain requests answered together."""
    tries = [
        Try(goals[at % len(goals)], (Message("user", goals[at % len(goals)].request),), "null", seed=at) for at in range(PROBE)
    ]
    target.respond(tries[:1])
    begin = time.monotonic()
    target.respond(tries)
    return (time.monotonic() - begin) / PROBE


def time_of_writing(writer: ChatModel) -> float:
    """Return the seconds of one text of the attacker's own model."""
    asked = [(Message("user", "Write a short note to a colleague about a film that you liked."),)] * PROBE
    writer.replies(asked[:1], [0])
    begin = time.monotonic()
    writer.replies(asked, range(PROBE))
    return (time.monotonic() - begin) / PROBE
