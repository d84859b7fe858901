"""The training loop of an interpreter: only its adapters learn; a cut run resumes from its last checkpoint."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from reverie.errors import RunError
from reverie.study.progress import StepClock
from reverie.training.checkpoint import load_state, save_state
from reverie.training.config import TrainingConfig
from reverie.training.log import MetricsLog
from reverie.training.optimiser import Optimisers, learning_rate
from reverie.training.stopping import Best

if TYPE_CHECKING:
    from reverie.llm.interpreter.model import Interpreter
    from reverie.llm.interpreter.objective import AdapterObjective
    from reverie.llm.interpreter.recipe import TaskName, TeachingRecipe
    from reverie.study.progress import Progress


@dataclass
class AdapterTrainer:
    """Trains the adapters of an interpreter and keeps the weights with the lowest validation loss."""

    interpreter: Interpreter
    objective: AdapterObjective
    training: TeachingRecipe
    folder: Path
    seconds: float = 0.0
    best: Best = field(default_factory=lambda: Best(patience=10**9))

    def run(self, progress: Progress) -> MetricsLog:
        """Train all steps, then put the weights with the lowest validation loss back."""
        training, model = self.training, self.interpreter
        config = TrainingConfig(
            epochs=1,
            learning_rate=training.learning_rate,
            weight_decay=training.weight_decay,
            warmup_steps=training.warmup_steps,
            schedule=training.schedule,
        )
        optimisers = Optimisers(model, config)
        step, losses = self._resume(optimisers)
        log = MetricsLog(self.folder, step)
        if step:
            progress.line(f"resuming after {step} steps")
        before, begin, saved, clock = self.seconds, time.monotonic(), time.monotonic(), StepClock()
        # not `Trainer`: it counts epochs of one loss, and here rows, state and losses go by step and task
        while step < training.steps:
            clock.start()
            task = self.objective.task(step)
            model.train()
            optimisers.set_rate(learning_rate(config, step, training.steps))
            loss = self.objective.loss(step)
            value = float(loss.detach())
            if not np.isfinite(value):
                raise RunError(f"the loss became {value} in step {step + 1}; use a smaller training.learning_rate")
            optimisers.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            for part in optimisers.parts:
                part.step()
            losses.setdefault(task, []).append(value)
            step += 1
            if clock.stop():
                each = clock.seconds
                progress.line(
                    f"about {each:.1f} s a step, {each * (training.steps - step) / 60:.1f} min to go, measuring not counted"
                )
            if step % training.validate_every == 0 or step == training.steps:
                loss_now = self.objective.validation_loss()
                self.best.update(-loss_now, step, model)
                self.seconds = before + time.monotonic() - begin
                row: dict[str, Any] = {"epoch": step, "valid_loss": loss_now, "seconds": self.seconds}
                log.add(row | {f"loss_{name}": float(np.mean(values)) for name, values in sorted(losses.items())})
                losses = {}
                progress.line(f"step {step}: " + " ".join(f"{k} {v:.4g}" for k, v in log.rows[-1].items() if k != "epoch"))
            progress.advance(f"{task} {value:.3f}")
            if time.monotonic() - saved >= training.checkpoint_seconds:
                self.seconds = before + time.monotonic() - begin
                self._save(optimisers, step, losses)
                saved = time.monotonic()
        log.close()
        model.load_state_dict(self.best.weights)
        model.eval()
        return log

    def _save(self, optimisers: Optimisers, step: int, losses: dict[TaskName, list[float]]) -> None:
        numbers = {"epoch": step, "step": 0, "seconds": self.seconds, "best": self.best.numbers(), "losses": losses}
        save_state(self.folder / "state", self.interpreter, optimisers, self.best.weights, numbers)

    def _resume(self, optimisers: Optimisers) -> tuple[int, dict[TaskName, list[float]]]:
        state = load_state(self.folder / "state", self.interpreter, optimisers)
        if state is None:
            return 0, {}
        numbers, weights = state
        kept = {name: value for name, value in numbers["best"].items() if value is not None}
        self.best = Best(**kept, weights=weights)
        self.seconds = float(numbers["seconds"])
        return int(numbers["epoch"]), cast("dict[TaskName, list[float]]", numbers["losses"])
