"""The training loop: shuffle, step, validate, checkpoint, keep the best weights, stop early."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from reverie import processes
from reverie.cores import Stopwatch
from reverie.data.plans import create_plan
from reverie.data.sequences import Sequences
from reverie.errors import DataError, NotFinite, RunError
from reverie.seeds import seed_torch
from reverie.study.progress import Progress, StepClock, duration
from reverie.training.checkpoint import Best, MetricsLog, load_state, save_state
from reverie.training.config import TrainingConfig
from reverie.training.optimiser import Optimisers, autocast, epoch_batches, learning_rate


class Batch(Protocol):
    """What a source gives and a model's loss takes."""

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        ...


class BatchSource(Protocol):
    """Where batches come from: examples by number."""

    def __len__(self) -> int:
        """Return the number of examples of an epoch."""
        ...

    def batch(self, index: NDArray[np.int64]) -> Batch:
        """Gather examples by number; index [B]."""
        ...


def call_if_present(model: object, name: str, *arguments: object) -> None:
    """Call an optional method of a model."""
    method = getattr(model, name, None)
    if callable(method):
        method(*arguments)


def training_source(model: torch.nn.Module, train: Sequences) -> BatchSource:
    """Return the batches that a model's plan makes of training sequences, and show the model those sequences."""
    learner: Any = model
    plan = create_plan(learner.plan, train, learner.history)
    if not len(plan):
        raise DataError("no training example: every user has a single training event; use a larger dataset")
    call_if_present(model, "observe", train)
    return plan


def _rows(batch: Batch, examples: int) -> int:
    """Return how many rows of a batch a loss is the mean of: its targets, or its examples where it has none."""
    targets = getattr(batch, "targets", None)
    return max(1, int((targets > 0).sum())) if isinstance(targets, torch.Tensor) else examples


@dataclass
class Position:
    """How far a training is: whole epochs, steps of the next one and the sum of their losses."""

    epoch: int = 0
    step: int = 0
    loss: float = 0.0


@dataclass
class Trainer:
    """Gradient training of one model on the batches of one source."""

    model: torch.nn.Module
    source: BatchSource
    config: TrainingConfig
    measure: Callable[[], float] | None
    folder: Path | None
    device: torch.device
    on_validation: Callable[[int, float], None] | None = None
    seconds: float = 0.0
    best: Best = field(init=False)

    def __post_init__(self) -> None:
        self.best = Best(self.config.patience)
        self._optimisers = Optimisers(self.model, self.config)
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.config.precision == "fp16")
        self._saved, self.watch = time.monotonic(), Stopwatch()
        self._undefined = False

    def run(self, progress: Progress) -> MetricsLog:
        """Train until the epochs are done or patience is exhausted, then put the best weights back."""
        at = self.resume()
        log = MetricsLog(None if processes.rank() else self.folder, at.epoch)
        if at.epoch or at.step:
            progress.line(f"resuming after {at.epoch} epochs and {at.step} steps")
            call_if_present(progress, "skip", at.epoch)
        self._saved, self.watch = time.monotonic(), Stopwatch(self.seconds, self.watch.processor_before)
        clock, told = StepClock(), False
        while at.epoch < self.config.epochs and not self.best.exhausted:
            batches = self.batches(at.epoch)
            while at.step < len(batches):
                clock.start()
                group = batches[at.step : at.step + self.config.gradient_accumulation]
                at.loss += self.step(group, at.epoch, at.step, len(batches))
                at.step += len(group)
                if clock.stop():
                    progress.line(self._estimate(clock.seconds, self._updates(batches), self.config.epochs - at.epoch))
                if at.step < len(batches):
                    self.checkpoint(at)
            row = {"epoch": at.epoch + 1, "loss": self._mean(at.loss / len(batches))} | self.validate(at.epoch + 1)
            at = Position(at.epoch + 1)
            for line in getattr(self.model, "after_epoch", lambda row: ())(row):
                progress.line(line)
            self.seconds = row["seconds"] = self.watch.seconds
            log.add(row)
            if self._undefined and not told:
                told = True
                progress.line(f"{self.config.undefined}, so no epoch is chosen and all are run")
            progress.advance(" ".join(f"{k} {v:.4g}" for k, v in row.items() if k not in ("epoch", "seconds")))
            self.checkpoint(at)
        log.close()
        if self.best.weights:
            self.model.load_state_dict(self.best.weights)
        elif self.measure is None:
            self.best.epoch = at.epoch
        self.model.eval()
        return log

    def batches(self, epoch: int) -> list[NDArray[np.int64]]:
        """Return the examples of each step of an epoch, for this process."""
        config = self.config
        return epoch_batches(len(self.source), config.batch_size, config.seed, epoch, processes.rank(), processes.world())

    def step(self, group: Sequence[NDArray[np.int64]], epoch: int, step: int, steps: int) -> float:
        """Make one update from a few batches, numbered from `step` on; return the sum of their losses.

        Gradients are weighted by the batches' rows with a target, as in the mean of one large batch.
        """
        self.model.train()
        each, updates = self.config.gradient_accumulation, self._updates(range(steps))
        rate = learning_rate(self.config, epoch * updates + step // each, self.config.epochs * updates)
        self._optimisers.set_rate(rate * getattr(self.model, "rate_scale", 1.0))
        self._optimisers.zero_grad()
        values, rows = 0.0, []
        for number, index in enumerate(group, start=step):
            seed_torch(self.config.seed, "step", epoch, number, processes.rank())
            batch = self.source.batch(index).to(self.device)
            rows.append(1 if len(group) == 1 else _rows(batch, len(index)))
            values += self._add_gradient(batch, rows[-1] / rows[0], epoch, number)
        if len(group) > 1:
            for parameter in self.model.parameters():
                if parameter.grad is not None:
                    parameter.grad.div_(sum(rows) / rows[0])
        processes.average_gradients(self.model.parameters())
        if self.config.clip:
            self._scaler.unscale_(self._optimisers.parts[0])
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        for part in self._optimisers.parts:
            self._scaler.step(part)
        self._scaler.update()
        call_if_present(self.model, "after_step")
        return values

    def _add_gradient(self, batch: Batch, weight: float, epoch: int, step: int) -> float:
        """Add the gradient of a batch, times a weight, to those there are; return its loss.

        Its randomness depends on nothing but its name.
        """
        learner = cast("Any", self.model)
        try:
            with autocast(self.device, self.config.precision):
                loss = torch.stack(list(learner.loss(batch).values())).sum()
            value = float(loss.detach())
        except NotFinite:
            value = float("nan")
        if value != value or value in (float("inf"), float("-inf")):
            raise RunError(
                f"the loss became {value} in epoch {epoch + 1}, step {step + 1}; use a smaller learning rate or clip gradients"
            )
        self._scaler.scale(loss * weight if weight != 1 else loss).backward()  # type: ignore[no-untyped-call]
        return value

    def _updates(self, batches: Sequence[object]) -> int:
        """Return how many updates the batches of an epoch make."""
        return -(-len(batches) // self.config.gradient_accumulation)

    def validate(self, epoch: int) -> dict[str, float]:
        """Measure the model where an epoch, counted from 1, is due; return the cells of the log."""
        if self.measure is None or (epoch % self.config.validate_every and epoch != self.config.epochs):
            return {}
        value = self.measure()
        if epoch == self.config.epochs or not getattr(self.model, "warming_up", False):
            self.best.update(value, epoch, self.model)
        if self.on_validation is not None:
            self.on_validation(epoch, value)
        self._undefined = value != value
        return {} if self._undefined else {f"valid_{self.config.metric}": value}

    def checkpoint(self, at: Position) -> None:
        """Keep all that a resumed training needs, where the last time is long enough ago."""
        if self.folder is None or time.monotonic() - self._saved < self.config.checkpoint_seconds:
            return
        self.seconds = self.watch.seconds
        if not processes.rank():
            numbers = {"epoch": at.epoch, "step": at.step, "partial": at.loss, "seconds": self.seconds, "best": self.best.numbers()}
            numbers |= {
                "processor": self.watch.processor,
                "scale": self._scaler.get_scale(),
                "growth": self._scaler.state_dict().get("_growth_tracker", 0),
            }
            numbers |= {"processes": processes.world()}
            save_state(self.folder / "state", self.model, self._optimisers, self.best.weights, numbers)
        self._saved = time.monotonic()

    def resume(self) -> Position:
        """Take back the state that a cut training left; return how far it was."""
        state = None if self.folder is None else load_state(self.folder / "state", self.model, self._optimisers)
        if state is None:
            return Position()
        numbers, weights = state
        if numbers["processes"] != processes.world():
            raise RunError(
                f"{self.folder} was begun by {numbers['processes']} processes and this is {processes.world()}; "
                f"start as many, or delete the folder"
            )
        best = {name: numbers["best"][name] for name in ("value", "epoch", "waited") if numbers["best"][name] is not None}
        self.best = Best(**best | {"patience": self.config.patience}, weights=weights)
        self.seconds = float(numbers["seconds"])
        self.watch = Stopwatch(self.seconds, float(numbers.get("processor", 0)))
        if self._scaler.is_enabled():
            kept = {"scale": numbers["scale"], "_growth_tracker": numbers.get("growth", 0)}
            self._scaler.load_state_dict(self._scaler.state_dict() | kept)
        return Position(int(numbers["epoch"]), int(numbers["step"]), float(numbers["partial"]))

    def _estimate(self, seconds: float, steps: int, epochs: int) -> str:
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        name = getattr(getattr(self.model, "card", None), "name", "training")
        size = f"{name}: {weights:,} weights ({weights * 12 / 2**20:.0f} MB with their moments), {len(self.source):,} examples"
        most = f"at most {duration(epochs * steps * seconds)} for {epochs} epochs"
        return f"{size}, about {duration(steps * seconds)} an epoch, {most}, validation not counted"

    @staticmethod
    def _mean(value: float) -> float:
        summed = np.array([value])
        processes.add_up([summed])
        return float(summed[0] / processes.world())
