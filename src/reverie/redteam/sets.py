"""Attack sets: texts that got through, with their lineage and goals, in one file that anybody can say again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from reverie.documents import read_as, regular
from reverie.errors import DataError
from reverie.files import write_text
from reverie.redteam.attempts import Attempt, Finding, Response, Try
from reverie.redteam.goal_checks import check_goals
from reverie.redteam.goals import Goal, GoalKind
from reverie.redteam.journal import canonical
from reverie.redteam.messages import Conversation
from reverie.redteam.roles import Brief, Case

FORMAT = "reverie-attack-set"
VERSION = 1
_REMEDY = "build the set again, or get the file again"


@dataclass(frozen=True)
class SetHeader:
    """The first line of a set.

    Parameters
    ----------
    kind : GoalKind
        Of its goals.
    wanted : int
        Texts that were asked for; the set has fewer where the calls ended before.
    technique, target, writer : str
        What made it, against what, and with which model.
    seed : int
        Of the attack.
    calls : int
        Of the target, up to the one that filled the set.
    writings, unusable : int
        Of the attacker's own model in the whole attack, and those that were of no use.
    log : str
        SHA-256 of the attack's log.
    goals : tuple of Goal
        Those of its texts.
    sha256 : str
        Of all that stands here and in the lines below.
    """

    kind: GoalKind
    wanted: int
    technique: str
    target: str
    writer: str
    seed: int
    calls: int
    writings: int
    unusable: int
    log: str
    goals: tuple[Goal, ...]
    sha256: str = ""
    format: str = FORMAT
    version: int = VERSION


@dataclass(frozen=True)
class _Entry:
    """One line of a set."""

    id: str
    goal: str
    technique: str
    turns: Conversation
    parents: tuple[str, ...]
    explanation: str
    seed: int
    call: int
    response: Response
    finding: Finding


@dataclass(frozen=True)
class AttackSet:
    """Attempts that got through, and where they come from."""

    header: SetHeader
    attempts: tuple[Attempt, ...]

    def __len__(self) -> int:
        return len(self.attempts)

    @property
    def sha256(self) -> str:
        """What identifies it."""
        return self.header.sha256


def seal_set(header: SetHeader, attempts: Sequence[Attempt]) -> AttackSet:
    """Return a set with its hash; goals that no text belongs to are left out."""
    used = {attempt.tried.goal.id for attempt in attempts}
    header = replace(header, goals=tuple(goal for goal in header.goals if goal.id in used))
    return AttackSet(replace(header, sha256=_digest(header, [_entry(one) for one in attempts])), tuple(attempts))


def write_set(path: Path, attack_set: AttackSet) -> None:
    """Write a set, whole or not at all."""
    lines = [asdict(attack_set.header), *(asdict(_entry(attempt)) for attempt in attack_set.attempts)]
    write_text(path, "".join(f"{canonical(line)}\n" for line in lines))


def read_set(path: str | Path) -> AttackSet:
    """Read a set.

    Parameters
    ----------
    path : path
        A file that `write_set` wrote.

    Returns
    -------
    AttackSet

    Raises
    ------
    DataError
        If it is no set, of a later version, was changed after it was written, or holds what nobody could say.
    """
    path = Path(path)
    lines = regular(path, 1 << 28).read_bytes().splitlines()
    if not lines:
        raise DataError(f"{path} is empty, not an attack set; {_REMEDY}")
    header = read_as(SetHeader, Path(f"{path}, line 1"), _REMEDY, data=lines[0])
    if (header.format, header.version) != (FORMAT, VERSION):
        raise DataError(
            f"{path} is of format '{header.format}', version {header.version}; this one reads {FORMAT}, version {VERSION}"
        )
    entries = [read_as(_Entry, Path(f"{path}, line {at}"), _REMEDY, data=line) for at, line in enumerate(lines[1:], 2)]
    if _digest(header, entries) != header.sha256:
        raise DataError(f"{path} was changed after it was written, its hash does not fit; {_REMEDY}")
    goals = {goal.id: goal for goal in header.goals}
    if odd := next((at for at, entry in enumerate(entries, 2) if not _is_said(entry.turns)), None):
        raise DataError(f"{path}, line {odd} holds a conversation that no user says last, or with a system prompt; {_REMEDY}")
    if lost := next((entry.goal for entry in entries if entry.goal not in goals), None):
        raise DataError(f"{path} has no goal '{lost}', which one of its texts is for; {_REMEDY}")
    if goals:
        check_goals(header.goals)
    return AttackSet(header, tuple(_attempt(entry, goals[entry.goal]) for entry in entries))


def _is_said(turns: Conversation) -> bool:
    """Return whether a conversation can be tried."""
    return bool(turns) and turns[-1].role == "user" and all(turn.role != "system" for turn in turns)


def replay_brief(sets: Sequence[AttackSet], seed: int, generations: int = 1) -> Brief:
    """Return the brief with which the attacker ``replay`` says all texts of some sets again.

    Parameters
    ----------
    sets : sequence of AttackSet
        Their goals must not contradict each other.
    seed : int
        Of the target's answers.
    generations : int
        Answers to each text.

    Returns
    -------
    Brief
    """
    goals: dict[str, Goal] = {}
    for goal in (goal for one in sets for goal in one.header.goals):
        if goals.setdefault(goal.id, goal) != goal:
            raise DataError(f"two of the sets have different goals of the name '{goal.id}'; say them again one by one")
    archive = tuple(attempt for one in sets for attempt in one.attempts)
    if not archive:
        raise DataError("the sets hold no text, so nothing can be said again; build them with more calls")
    most = max(sum(attempt.tried.goal.id == goal for attempt in archive) for goal in goals)
    cases: tuple[Case, ...] = ()
    return Brief(tuple(goals.values()), cases, most * generations, seed, archive, {"generations": generations})


def _entry(attempt: Attempt) -> _Entry:
    tried = attempt.tried
    return _Entry(
        attempt.id, tried.goal.id, tried.technique, tried.turns, tried.parents, tried.explanation, tried.seed, attempt.call,
        attempt.response, attempt.finding,
    )  # fmt: skip


def _attempt(entry: _Entry, goal: Goal) -> Attempt:
    tried = Try(goal, entry.turns, entry.technique, entry.parents, entry.explanation, entry.seed)
    return Attempt(entry.id, tried, entry.response, entry.finding, entry.call)


def _digest(header: SetHeader, entries: Sequence[_Entry]) -> str:
    """Return the SHA-256 of the lines, without that hash itself."""
    lines: list[Mapping[str, object]] = [asdict(header) | {"sha256": ""}, *(asdict(entry) for entry in entries)]
    return hashlib.sha256("\n".join(map(canonical, lines)).encode()).hexdigest()
