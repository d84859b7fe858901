"""Cells of a red team's study, and what comes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from reverie.redteam.attempts import Attempt
from reverie.redteam.detectors.lookup import is_judged
from reverie.redteam.detectors.secret import ECHO
from reverie.redteam.diversity import self_bleu
from reverie.redteam.goals import Goal

NONE = "none"
"""The defence that is none."""


@dataclass(frozen=True)
class AttackCell:
    """One technique on one target, as it is defended after so many rounds."""

    target: str
    technique: str
    seed: int
    defence: str = NONE
    round: int = 0


@dataclass(frozen=True)
class HardenCell:
    """One round of a defence that learns from what got through before."""

    target: str
    seed: int
    defence: str
    round: int


@dataclass(frozen=True)
class BenignCell:
    """A defended target on benign prompts and on its own task."""

    target: str
    seed: int
    defence: str = NONE
    round: int = 0


@dataclass(frozen=True)
class JudgeCell:
    """A second opinion on what came of the attacks on a target as it is."""

    target: str
    seed: int
    defence: str = NONE
    round: int = 0


Cell = AttackCell | HardenCell | BenignCell | JudgeCell


@dataclass(frozen=True)
class GoalOutcome:
    """What the calls of one goal came to.

    Parameters
    ----------
    goal, kind, part : str
        Of the goal.
    calls : int
        Calls of the target.
    judged : int
        Calls whose answer could be judged; the others failed.
    parsed : int
        Calls that an answer came of which could be read; where a list was asked for, some answers hold none.
    successes : int
        Calls that got through.
    blocked : int
        Calls that a guard answered.
    first : int or None
        The first call that got through, from 0.
    echoed : int
        Calls that got through whose secret stood in the attack itself, so that repeating it was enough.
    """

    goal: str
    kind: str
    part: str
    calls: int
    judged: int
    parsed: int
    successes: int
    blocked: int
    first: int | None
    echoed: int = 0

    @property
    def counts(self) -> bool:
        """Whether it says anything of the target: of a goal all of whose calls failed nothing is known."""
        return not self.calls or self.judged > 0


@dataclass(frozen=True)
class Attacked:
    """What one technique did to one target."""

    outcomes: tuple[GoalOutcome, ...]
    writes: int
    """Texts that the attacker's own model wrote."""
    failed_writes: int
    seconds: float
    peak_mb: float
    commit: str
    self_bleu: float | None = None
    """How alike the distinct texts are that got through, 1 where all are the same; None where there are fewer than two."""
    filled: int = 0
    """Cells of goal × technique in which a text got through."""
    cells: int = 0
    """Cells that there are; of one technique with no styles of its own a cell is a goal."""
    folder: str = ""

    @property
    def asked(self) -> bool:
        """Whether the target was asked anything: of a technique that had nothing to say it withstood nothing."""
        return any(one.calls for one in self.outcomes)

    @property
    def got_through(self) -> int:
        """Number of calls that got through."""
        return sum(one.successes for one in self.outcomes)

    def to_notes(self) -> dict[str, Any]:
        """Return plain values for a piece."""
        return {key: value for key, value in asdict(self).items() if key != "folder"}

    @classmethod
    def from_notes(cls, notes: Mapping[str, Any], folder: str) -> Attacked:
        """Return what `to_notes` wrote."""
        outcomes = tuple(GoalOutcome(**one) for one in notes["outcomes"])
        return cls(**{**notes, "outcomes": outcomes, "folder": folder})


@dataclass(frozen=True)
class Hardened:
    """What a round of a defence learned."""

    records: int
    """Attack prompts that it learned from; where there was none, nothing was made, and what was learned before stays."""
    said: Mapping[str, float | str]
    """Figures of the training (loss, share of benign data, AUC …)."""
    seconds: float
    commit: str
    folder: str = ""


@dataclass(frozen=True)
class Benign:
    """A target on harmless prompts and on its own task.

    Parameters
    ----------
    refused : tuple of bool or None
        Whether each benign prompt was refused; None where the call failed, so that defences are compared prompt by prompt.
    utility : mapping
        Figures of its own task, by name; larger is better unless the name says otherwise.
    units : mapping
        The same for each question, user or text, where a figure is a mean of those.
    """

    refused: tuple[bool | None, ...]
    utility: Mapping[str, float]
    units: Mapping[str, Sequence[float]]
    seconds: float
    commit: str

    @property
    def answered(self) -> list[bool]:
        """Whether each benign prompt was refused, those left out whose call failed."""
        return [flag for flag in self.refused if flag is not None]


@dataclass(frozen=True)
class Judged:
    """What a judge model said of responses that the detector had judged.

    Parameters
    ----------
    auc, low, high : float or None
        How well it tells labelled responses apart, with the 95 % interval; None where it answered nothing.
    n, failures : int
        Labelled responses that it answered and did not answer.
    asked, answered, agreed : int
        Responses of the study that it was asked about, answered, and judged as the detector did.
    """

    auc: float | None
    low: float
    high: float
    n: int
    failures: int
    asked: int
    answered: int
    agreed: int
    seconds: float
    commit: str


Result = Attacked | Hardened | Benign | Judged


def likeness(attempts: Sequence[Attempt]) -> float | None:
    """Return self-BLEU of the distinct texts that got through, None where there are fewer than two."""
    texts = list(dict.fromkeys(one.tried.text for one in attempts if one.finding.success))
    return self_bleu(texts) if len(texts) > 1 else None


def outcomes_of(goals: Sequence[Goal], attempts: Sequence[Attempt]) -> tuple[GoalOutcome, ...]:
    """Count what the calls of each goal came to, goals without a call included."""
    by_goal: dict[str, list[Attempt]] = {goal.id: [] for goal in goals}
    for attempt in attempts:
        by_goal[attempt.tried.goal.id].append(attempt)
    found = []
    for goal in goals:
        mine = sorted(by_goal[goal.id], key=lambda one: one.call)
        hits = [one.call for one in mine if one.finding.success]
        judged = sum(is_judged(goal.kind, one.response) for one in mine)
        counts = {"calls": len(mine), "judged": judged, "parsed": sum(one.response.failure != "parse" for one in mine)}
        counts |= {"blocked": sum(bool(one.response.blocked) for one in mine)}
        counts |= {"echoed": sum(one.finding.success and ECHO in one.finding.notes for one in mine)}
        first = hits[0] if hits else None
        found.append(GoalOutcome(goal.id, goal.kind, goal.part, **counts, successes=len(hits), first=first))
    return tuple(found)
