"""What an attack on one goal spends and draws, and attacks on many goals in step, so that models answer batches."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from reverie.errors import ConfigError
from reverie.redteam.attempts import Try
from reverie.redteam.goals import Goal
from reverie.redteam.messages import Conversation, Message
from reverie.redteam.roles import Answers, Brief, Case, Step, Tally, Write
from reverie.seeds import numpy_generator

R = TypeVar("R")
Pursuit = Generator[Step, Answers, None]
"""The attack on one goal."""


class Enough(Exception):
    """Thrown into an attacker when nothing more is wanted of it; it then ends with its tally."""


class Campaign:
    """One goal of an attack: its cases, the calls that are left, its seeds, and what was of no use.

    Call number n of a goal has the same seed whatever the technique, so that techniques are compared on the same draws of a target.
    """

    def __init__(self, brief: Brief, goal: Goal) -> None:
        self.goal, self.seed = goal, brief.seed
        self._cases = tuple(case for case in brief.cases if case.kind == goal.kind)
        self.left = self.calls = brief.calls
        self.writings = 0
        self.unusable = Counter[str]()
        self._seen = set[str]()

    @property
    def cases(self) -> tuple[Case, ...]:
        """The hand-written cases for goals of this kind and part; a technique that begins from them cannot do without."""
        if not self._cases:
            what = f"goals of kind '{self.goal.kind}' and part '{self.goal.part}'"
            raise ConfigError(f"a brief has no hand-written case for {what}, such as '{self.goal.id}'; give it some")
        return self._cases

    def generator(self, *what: str | int) -> np.random.Generator:
        """Return the stream of one kind of choice for this goal."""
        return numpy_generator(self.seed, "attack", self.goal.id, *what)

    def shuffled_cases(self, technique: str) -> list[Case]:
        """Return the hand-written cases in the order of a technique's own stream, so that techniques do not begin alike."""
        return [self.cases[at] for at in self.generator("order of cases", technique).permutation(len(self.cases))]

    def attempt(self, said: str | Conversation, technique: str, parents: Iterable[str] = (), explanation: str = "") -> Try:
        """Spend one call of the target on a text, or on the last message of a conversation."""
        turns = (Message("user", said),) if isinstance(said, str) else said
        seed = self._draw("target", self.calls - self.left)
        self.left -= 1
        self._seen.add(squeezed(turns[-1].text))
        return Try(self.goal, turns, technique, tuple(parents), explanation, seed)

    def write(self, *messages: Message, until: str = "") -> Write:
        """Ask the attacker's own model, for no more than the pattern `until` where one is given."""
        self.writings += 1
        return Write(messages, self._draw("writer", self.writings), until)

    def is_new(self, text: str) -> bool:
        """Whether a text has not been tried for this goal; blanks and case make no difference."""
        return squeezed(text) not in self._seen

    def _draw(self, *what: str | int) -> int:
        return int(numpy_generator(self.seed, *what, self.goal.id).integers(2**31))


def squeezed(text: str) -> str:
    """Return a text in lower case with single blanks."""
    return " ".join(text.lower().split())


def attack_each(brief: Brief, pursue: Callable[[Campaign], Pursuit]) -> Generator[Step, Answers, Tally]:
    """Attack all goals side by side with a technique that is written for one."""
    campaigns = [Campaign(brief, goal) for goal in brief.goals]
    with contextlib.suppress(Enough):
        yield from in_step([pursue(campaign) for campaign in campaigns])
    return {campaign.goal.id: dict(sorted(campaign.unusable.items())) for campaign in campaigns if campaign.unusable}


def attack_parts(
    attack: Callable[[Brief], Generator[Step, Answers, Tally | None]], brief: Brief
) -> Generator[Step, Answers, Tally]:
    """Attack the goals of each part side by side, each with cases and attempts of its own, so that neither learns of the other.

    Models then answer larger batches than if one part waited for the other.
    """
    parts = tuple(dict.fromkeys(goal.part for goal in brief.goals))
    if len(parts) == 1:
        return (yield from attack(brief.of_part(parts[0]))) or {}
    tallies = yield from in_step([attack(brief.of_part(part)) for part in parts])
    return {goal: reasons for tally in tallies for goal, reasons in (tally or {}).items()}


def in_step(runs: Sequence[Generator[Step, Answers, R]]) -> Generator[Step, Answers, list[R | None]]:
    """Join the steps of several generators into one, and return what each returned.

    A generator that has ended is left out of the steps that follow; `Enough` reaches all that have not.
    """
    results: list[R | None] = [None] * len(runs)

    def advance(at: int, answers: Any) -> Step | None:
        try:
            return runs[at].send(answers)
        except StopIteration as ended:
            results[at] = ended.value
            return None

    live = [(at, step) for at in range(len(runs)) if (step := advance(at, None)) is not None]
    while live:
        try:
            answers = yield [wish for _, step in live for wish in step]
        except Enough as enough:
            for at, _ in live:
                try:
                    runs[at].throw(enough)
                except StopIteration as ended:
                    results[at] = ended.value
            break
        start, after = 0, []
        for at, step in live:
            mine, start = answers[start : start + len(step)], start + len(step)
            if (following := advance(at, mine)) is not None:
                after.append((at, following))
        live = after
    return results
