"""The loop: shuffle, step, validate, keep the best, stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch

from reverie import processes
from reverie.data.plans import create_plan
from reverie.errors import DataError, NotFinite, RunError
from reverie.protocols import Learns
from reverie.seeds import seed_torch
from reverie.training.checkpoint import load_state, save_state
from reverie.training.device import autocast
from reverie.training.log import MetricsLog
from reverie.training.optimiser import Optimisers, learning_rate
from reverie.training.order import epoch_batches
from reverie.training.stopping import Best

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reverie.data.plans.protocol import BatchPlan
    from reverie.data.sequences import Sequences
    from reverie.study.progress import Progress
    from reverie.training.config import TrainingConfig


ESTIMATE_STEPS = 10
"""Steps that the estimate of the whole training rests on; the first step is not counted."""


class Learner(Learns, Protocol):
    """A model that learns from windows of its history."""

    history: int


def call_if_present(model: object, name: str, *arguments: object) -> None:
    """Call an optional method of a model."""
    method = getattr(model, name, None)
    if callable(method):
        method(*arguments)


@dataclass
class Trainer:
    """Gradient training of one model."""

    model: torch.nn.Module
    train: Sequences
    config: TrainingConfig
    measure: Callable[[], float] | None
    folder: Path | None
    device: torch.device
    on_validation: Callable[[int, float], None] | None = None
    seconds: float = 0.0
    best: Best = field(init=False)
    plan: BatchPlan = field(init=False)

    def __post_init__(self) -> None:
        self.best = Best(self.config.patience)
        self._learner = cast("Learner", self.model)
        self.plan = create_plan(self._learner.plan, self.train, self._learner.history)
        if not len(self.plan):
            raise DataError("no training example: every user has a single training event; use a larger dataset")
        call_if_present(self.model, "observe", self.train)
        self._optimisers = Optimisers(self.model, self.config)
        self._scaler = torch.amp.GradScaler(self.device.type, enabled=self.config.precision == "fp16")

    def run(self, progress: Progress) -> MetricsLog:
        """Train until the epochs are done or patience is exhausted, then put the best weights back."""
        epoch, step, partial = self._resume()
        log = MetricsLog(None if processes.rank() else self.folder, epoch)
        if epoch or step:
            progress.line(f"resuming after {epoch} epochs and {step} steps")
        saved = begin = time.monotonic()
        before, first = self.seconds, step
        while epoch < self.config.epochs and not self.best.exhausted:
            batches = self._batches(epoch)
            while step < len(batches):
                loss = self._step(batches[step], epoch, step, len(batches))
                partial += loss
                step += 1
                if step == first + 1:
                    begun = time.monotonic()
                elif step == first + 1 + ESTIMATE_STEPS and not log.rows:
                    progress.line(self._estimate((time.monotonic() - begun) / ESTIMATE_STEPS, len(batches)))
                if self.folder is not None and time.monotonic() - saved >= self.config.checkpoint_seconds and step < len(batches):
                    self.seconds = before + time.monotonic() - begin
                    self._save(epoch, step, partial)
                    saved = time.monotonic()
            epoch += 1
            row: dict[str, Any] = {"epoch": epoch, "loss": self._mean(partial / len(batches))}
            if self.measure is not None and (epoch % self.config.validate_every == 0 or epoch == self.config.epochs):
                row[f"valid_{self.config.metric}"] = value = self.measure()
                if epoch == self.config.epochs or not getattr(self.model, "unsettled", False):
                    self.best.update(value, epoch, self.model)
                if self.on_validation is not None:
                    self.on_validation(epoch, value)
            step, partial = 0, 0.0
            self.seconds = row["seconds"] = before + time.monotonic() - begin
            log.add(row)
            progress.advance(" ".join(f"{k} {v:.4g}" for k, v in row.items() if k not in ("epoch", "seconds")))
            if self.folder is not None and time.monotonic() - saved >= self.config.checkpoint_seconds:
                self._save(epoch, step, partial)
                saved = time.monotonic()
        log.close()
        if self.best.weights:
            self.model.load_state_dict(self.best.weights)
        else:
            self.best.epoch = epoch
        self.model.eval()
        return log

    def _estimate(self, seconds: float, steps: int) -> str:
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        most = self.config.epochs * steps * seconds
        size = f"{weights:,} weights ({weights * 12 / 2**20:.0f} MB with their moments), {len(self.plan):,} examples"
        time_needed = f"about {steps * seconds:.1f} s an epoch, at most {most / 60:.1f} min for {self.config.epochs} epochs"
        return f"{size}: {time_needed}, validation not counted"

    @staticmethod
    def _mean(value: float) -> float:
        summed = np.array([value])
        processes.add_up([summed])
        return float(summed[0] / processes.world())

    def _batches(self, epoch: int) -> list[Any]:
        config = self.config
        return epoch_batches(len(self.plan), config.batch_size, config.seed, epoch, processes.rank(), processes.world())

    def _step(self, index: Any, epoch: int, step: int, steps: int) -> float:
        """Make one update; its randomness depends on nothing but its name."""
        self.model.train()
        seed_torch(self.config.seed, "step", epoch, step, processes.rank())
        rate = learning_rate(self.config, epoch * steps + step, self.config.epochs * steps)
        self._optimisers.set_rate(rate)
        batch = self.plan.batch(index).to(self.device)
        try:
            with autocast(self.device, self.config.precision):
                loss = torch.stack(list(self._learner.loss(batch).values())).sum()
            value = float(loss.detach())
        except NotFinite:
            value = float("nan")
        if value != value or value in (float("inf"), float("-inf")):
            raise RunError(
                f"the loss became {value} in epoch {epoch + 1}, step {step + 1}; use a smaller learning rate or clip gradients"
            )
        self._optimisers.zero_grad()
        self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        processes.average_gradients(self.model.parameters())
        if self.config.clip:
            self._scaler.unscale_(self._optimisers.parts[0])
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        for part in self._optimisers.parts:
            self._scaler.step(part)
        self._scaler.update()
        call_if_present(self.model, "after_step")
        return value

    def _save(self, epoch: int, step: int, partial: float) -> None:
        if self.folder is None or processes.rank():
            return
        numbers = {"epoch": epoch, "step": step, "partial": partial, "seconds": self.seconds, "best": self.best.numbers()}
        numbers |= {"scale": self._scaler.get_scale(), "processes": processes.world()}
        save_state(self.folder / "state", self.model, self._optimisers, self.best.weights, numbers)

    def _resume(self) -> tuple[int, int, float]:
        found = None if self.folder is None else load_state(self.folder / "state", self.model, self._optimisers)
        if found is None:
            return 0, 0, 0.0
        numbers, weights = found
        if numbers["processes"] != processes.world():
            raise RunError(
                f"{self.folder} was begun by {numbers['processes']} processes and this is {processes.world()}; "
                f"start as many, or delete the folder"
            )
        best = {name: value for name, value in numbers["best"].items() if value is not None}
        self.best = Best(**best | {"patience": self.config.patience}, weights=weights)
        self.seconds = float(numbers["seconds"])
        if self._scaler.is_enabled():
            self._scaler.load_state_dict(self._scaler.state_dict() | {"scale": numbers["scale"]})
        return int(numbers["epoch"]), int(numbers["step"]), float(numbers["partial"])
