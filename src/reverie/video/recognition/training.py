"""The one training loop of all rows: mixed steps, the running mean, evaluations on the way, checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from reverie.errors import RunError
from reverie.seeds import seed_torch, torch_generator
from reverie.study.progress import duration
from reverie.training.checkpoint import load_state, save_state
from reverie.training.optimiser import autocast
from reverie.video.mixing.labels import one_hot, smooth
from reverie.video.recognition.batches import ClipBatches
from reverie.video.recognition.evaluations import Evaluations
from reverie.video.recognition.learner import Learner
from reverie.video.recognition.optimising import RecognitionOptimisers

TIMED = 8
"""The updates after the first that an estimate of the whole training rests on."""
_NO_BEST = {"value": None, "epoch": 0, "waited": 0}


@dataclass
class Training:
    """One training; a cut one goes on where its last checkpoint was, to the same numbers.

    Parameters
    ----------
    learner : Learner
    source : ClipBatches
    steps : int
        Updates.
    seed : int
        Of the order of clips, their views, what is mixed, and dropout.
    folder : Path
        Holds the state and what was evaluated.
    tell : callable
        Takes lines of progress.
    """

    learner: Learner
    source: ClipBatches
    steps: int
    seed: int
    folder: Path
    tell: Callable[[str], None] = lambda line: None
    seconds: float = 0.0
    """Of all updates together; evaluations are not counted."""
    evaluations: Evaluations = field(init=False)

    def __post_init__(self) -> None:
        self.config = self.source.config
        learner = self.learner
        selector, own = learner.selector_parameters(), learner.selector_training
        self._optimisers = RecognitionOptimisers(learner.student, selector, self.config, own)
        self.evaluations = Evaluations(self.folder)

    def run(self) -> Evaluations:
        """Train to the end, and return what was evaluated on the way."""
        at, loss = self._resume()
        due, saved, fresh = set(self.config.evaluated_after(self.steps)), time.monotonic(), 0
        while at < self.steps:
            begin = time.monotonic()
            loss.append(self._step(at))
            at, fresh = at + 1, fresh + 1
            self.seconds += time.monotonic() - begin
            if at in due:
                self.evaluations.add(self.learner, self.source, self.seed, at, math.fsum(loss) / len(loss))
                self.tell(f"{at} of {self.steps} updates: {self.evaluations.last}")
                loss = []
            elif fresh == TIMED:
                each = self.seconds / at
                self.tell(f"{each:.2f} s an update, so about {duration(each * (self.steps - at))} more, evaluations not counted")
            if at < self.steps and time.monotonic() - saved >= self.config.checkpoint_seconds:
                self._save(at, loss)
                saved = time.monotonic()
        return self.evaluations

    def _step(self, at: int) -> float:
        """Make one update; return the loss of the student."""
        seed_torch(self.seed, "step", at)
        self.learner.student.train()
        clips, labels, rows = self.source.training(at)
        classes, smoothing = self.source.task.classes, self.config.label_smoothing
        soft = smooth(one_hot(labels, classes), smoothing)
        generator = torch_generator(self.seed, "mixing", at)
        with autocast(self.source.device, self.config.precision):
            terms, _ = self.learner.loss(clips, soft, generator, at, self.source.epoch(at), rows)
        total = torch.stack(list(terms.values())).sum()
        if not bool(total.isfinite()):
            raise RunError(f"the loss became {float(total.detach())} in update {at + 1}; use a smaller training.learning_rate")
        self._optimisers.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        self._optimisers.step(at, self.steps)
        self.learner.after_step()
        return float(terms["student"].detach())

    def _save(self, at: int, loss: list[float]) -> None:
        numbers = {"epoch": 0, "step": at, "seconds": self.seconds, "best": _NO_BEST, "losses": loss}
        save_state(self.folder / "state", self.learner, self._optimisers, {}, numbers)

    def _resume(self) -> tuple[int, list[float]]:
        """Take back the state that a cut training left; return the updates done, and the losses since the last evaluation."""
        state = load_state(self.folder / "state", self.learner, self._optimisers)
        if state is None:
            self.evaluations.cut(0)
            return 0, []
        numbers, _ = state
        at, self.seconds = int(numbers["step"]), float(numbers["seconds"])
        self.evaluations.cut(at)
        self.tell(f"going on after {at} of {self.steps} updates")
        return at, [float(one) for one in numbers["losses"]]
