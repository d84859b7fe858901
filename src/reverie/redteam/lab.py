"""What a study of a red team needs done: targets attacked, defences taught, benign prompts asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reverie.redteam.attempts import Attempt
from reverie.redteam.cells import AttackCell, Benign, BenignCell, HardenCell, JudgeCell, Judged
from reverie.redteam.goals import Goal


@dataclass(frozen=True)
class Fought:
    """What came of one attack: its attempts, and texts that the attacker's own model wrote or failed to write."""

    attempts: Sequence[Attempt]
    writes: int = 0
    failed_writes: int = 0
    columns: int = 1
    """Techniques that it tells apart: columns of its archive of goal × technique."""


@dataclass(frozen=True)
class Taught:
    """What a defence learned: how many attack prompts it was shown, and figures of its training."""

    records: int
    said: Mapping[str, float | str]


class Lab(Protocol):
    """Does the work of a study; all of it is a function of the facts that it names."""

    def goals(self, target: str) -> tuple[Goal, ...]:
        """Return the goals that are tried on a target."""

    def learns(self, defence: str) -> bool:
        """Return whether a defence learns from what got through."""

    def replays(self, technique: str) -> bool:
        """Return whether a technique begins from attempts of before."""

    def writes(self, technique: str) -> bool:
        """Return whether a technique writes with a model of its own."""

    def target_facts(self, target: str) -> Mapping[str, Any]:
        """Return everything that an undefended target depends on."""

    def technique_facts(self, technique: str) -> Mapping[str, Any]:
        """Return everything that an attacker depends on but goals, seed and archive."""

    def defence_facts(self, defence: str) -> Mapping[str, Any]:
        """Return everything that a defence depends on but what it learns from."""

    def benign_facts(self, target: str) -> Mapping[str, Any]:
        """Return everything that the measurement on benign prompts depends on but the target."""

    def attack(
        self, cell: AttackCell, archive: Sequence[Attempt], learned: Path | None, folder: Path, tell: Callable[[str], None]
    ) -> Fought:
        """Attack a target; the log of attempts is kept in a folder, and an attack that was cut goes on from there."""

    def read_attempts(self, target: str, folder: Path) -> list[Attempt]:
        """Return the attempts that an attack left in a folder."""

    def harden(
        self,
        cell: HardenCell,
        lessons: Sequence[Sequence[Attempt]],
        previous: Path | None,
        folder: Path,
        tell: Callable[[str], None],
    ) -> Taught:
        """Teach a defence with attempts that it may see, by the round of each; what it learned is kept in a folder."""

    def judge_facts(self) -> Mapping[str, Any]:
        """Return everything that the judge depends on."""

    def judge(self, cell: JudgeCell, attempts: Sequence[Attempt]) -> Judged:
        """Measure the judge on labelled responses, and let it judge attempts."""

    def benign(self, cell: BenignCell, learned: Path | None, tell: Callable[[str], None]) -> Benign:
        """Measure over-refusal and the target's own task."""
