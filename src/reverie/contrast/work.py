"""Who is asked for trainings in a study: one that only counts what is missing, and one that does it and tells of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from reverie.contrast.task import Outcome
from reverie.contrast.trainings import Training
from reverie.report.words import duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverie.contrast.trainings import Trainings
    from reverie.objectives.config import ContrastiveConfig
    from reverie.training.progress import Progress

SAY_EVERY = 10.0
"""Seconds between two lines of trainings about themselves."""


class Trains(Protocol):
    """Gives trainings to whoever asks for them."""

    def training(self, what: ContrastiveConfig | str, seed: int, label: str) -> Training:
        """Return the training of a loss, or the measurement of a baseline, at a seed."""
        ...


class Counter:
    """Trains nothing, and counts for one row what is missing."""

    def __init__(self, kept: Trainings, tuning: Sequence[int]) -> None:
        self.kept, self.tuning = kept, tuning
        self.missing: list[int] = []

    def training(self, what: ContrastiveConfig | str, seed: int, label: str) -> Training:
        """Return the training that is there, or one that stands for it."""
        found = self.kept.find(what, seed)
        if found is None:
            self.missing.append(seed)
        return found or Training(seed, Outcome(0.0, {}), 0.0, 0.0, "")

    def most(self, seeds: int) -> int:
        """Return how many trainings the row still needs at most: all its test seeds, where its choice is open."""
        trials = sum(seed in self.tuning for seed in self.missing)
        return trials + seeds if trials else len(self.missing)


class Worker:
    """Trains what is missing, and shows progress."""

    def __init__(self, kept: Trainings, bar: Progress, left: int) -> None:
        self.kept, self.bar, self.left = kept, bar, left
        self._estimated, self._said = False, time.monotonic()

    def training(self, what: ContrastiveConfig | str, seed: int, label: str) -> Training:
        """Return the training that is there, or do it; after the first one, say how long the others will take."""
        found = self.kept.find(what, seed)
        if found is not None:
            return found
        done = self.kept.do(what, seed, self._sayer(label))
        self.left -= 1
        gave = done.note if done.outcome is None else f"selection {done.outcome.selection:.4f}"
        self.bar.advance(f"{label} · {gave}")
        if self.left and not (self._estimated or isinstance(what, str)):
            self._estimated = True
            rest = duration(done.seconds * self.left)
            self.bar.line(f"{label} took {duration(done.seconds)}; about {rest} for the {self.left} that are left")
        return done

    def _sayer(self, label: str) -> Callable[[str], None]:
        def say(text: str) -> None:
            if time.monotonic() - self._said >= SAY_EVERY:
                self._said = time.monotonic()
                self.bar.line(f"  {label} · {text}")

        return say
