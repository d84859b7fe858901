"""The roles of a red team: a model that chats, a target, a detector and an attacker."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from reverie.redteam.attempts import Attempt, Finding, Response, Try
from reverie.redteam.goals import Goal, GoalKind, Part
from reverie.redteam.messages import Conversation, Reply


class ChatModel(Protocol):
    """A language model that answers conversations."""

    @property
    def name(self) -> str:
        """What answers: the same name means the same weights or endpoint, so two roles can be seen to be one model."""

    def replies(self, conversations: Sequence[Conversation], seeds: Sequence[int], until: str = "") -> list[Reply]:
        """Answer each conversation with its own seed; an answer may end where the pattern `until` is first found in it."""


class Target(Protocol):
    """What is attacked."""

    @property
    def name(self) -> str:
        """As in tables."""

    @property
    def kinds(self) -> frozenset[GoalKind]:
        """Kinds of goals that it can be measured on."""

    def respond(self, tries: Sequence[Try]) -> list[Response]:
        """Answer each try; one try is one call of the budget."""


class Detector(Protocol):
    """Says deterministically whether a response reached its goal."""

    def __call__(self, tried: Try, response: Response) -> Finding:
        """Judge one response."""


@dataclass(frozen=True)
class Case:
    """A hand-written attack with its explanation, for goals of one part; `text` may have slots, such as ``{request}``."""

    id: str
    kind: GoalKind
    text: str
    explanation: str
    part: Part = "build"


@dataclass(frozen=True)
class Write:
    """A request to the attacker's own model; costs no call of the target.

    Parameters
    ----------
    messages : Conversation
        What it is asked.
    seed : int
        Of its sampling.
    until : str
        Pattern of all that is read of the answer, which may end there; empty where all of it counts.
    """

    messages: Conversation
    seed: int
    until: str = ""


Step = Sequence[Write | Try]
"""What an attacker wants next; all of it is answered together, so that models can batch."""
Answers = Sequence[Reply | Attempt]
"""The reply to each `Write` and the attempt of each `Try`, in their order. An attacker counts its tries:
one beyond `Brief.calls` of a goal is an error of the attacker."""
Tally = Mapping[str, Mapping[str, int]]
"""Writings of the attacker's model that were of no use: goal id → reason → how many."""


@dataclass(frozen=True)
class Brief:
    """What an attacker is told.

    Parameters
    ----------
    goals : tuple of Goal
        What is wanted.
    cases : tuple of Case
        Hand-written cases of the goals' kinds that it may learn from, each for goals of its part.
    calls : int
        Calls of the target for each goal.
    seed : int
        Of everything that it draws.
    archive : tuple of Attempt
        Attempts of before, for techniques that begin from them (replay, later rounds).
    options : mapping
        Own options of the technique.
    """

    goals: tuple[Goal, ...]
    cases: tuple[Case, ...]
    calls: int
    seed: int
    archive: tuple[Attempt, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def of_part(self, part: Part) -> Brief:
        """Return the goals of one part, with its cases and attempts."""
        return replace(
            self,
            goals=tuple(goal for goal in self.goals if goal.part == part),
            cases=tuple(case for case in self.cases if case.part == part),
            archive=tuple(one for one in self.archive if one.tried.goal.part == part),
        )


class Attacker(Protocol):
    """A technique: yields what it wants to write and to try, and is sent the answers; a pure function of its brief and of them."""

    def __call__(self, brief: Brief) -> Generator[Step, Answers, Tally | None]:
        """Attack until the budget is spent or nothing is left to try; return what of the writings was of no use."""
