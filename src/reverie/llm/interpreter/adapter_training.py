"""The objective of an interpreter's adapters and its training loop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from reverie.errors import RunError
from reverie.llm.generate import target_loss, token_losses
from reverie.llm.prompts import collate
from reverie.seeds import numpy_generator
from reverie.study.progress import StepClock
from reverie.training.checkpoint import Best, load_state, save_state
from reverie.training.config import TrainingConfig
from reverie.training.log import MetricsLog
from reverie.training.optimiser import Optimisers, learning_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.llm.interpreter.model import Histories, Interpreter, InterpreterPrompts
    from reverie.llm.interpreter.recipe import InterpreterRecipe, TaskName, TeachingRecipe
    from reverie.study.progress import Progress


@dataclass(frozen=True)
class AdapterObjective:
    """Cross-entropy of the titles that the language model should write; table [N, D], known [K] are codes of titles it may see."""

    recipe: InterpreterRecipe
    prompts: InterpreterPrompts
    train: Histories
    valid: Histories
    table: Tensor
    known: NDArray[np.int64]

    def task(self, step: int) -> TaskName:
        """Draw the task of a step."""
        names = list(self.recipe.tasks)
        shares = np.array([self.recipe.tasks[name].share for name in names])
        return names[int(numpy_generator(self.recipe.training.seed, "task", step).choice(len(names), p=shares / shares.sum()))]

    def loss(self, step: int) -> Tensor:
        """Draw the examples of a step and return their loss, in nats per token."""
        task = self.task(step)
        size = self.recipe.tasks[task].batch_size
        generator = numpy_generator(self.recipe.training.seed, "examples", step)
        if task == "item":
            codes = generator.choice(self.known, min(size, len(self.known)), replace=False)
            slots = [self.prompts.item_slot(self.table[torch.from_numpy(codes) - 1])]
            targets = [self.prompts.target([code]) for code in codes.tolist()]
        else:
            part = self.train.take(generator.choice(len(self.train.lengths), min(size, len(self.train.lengths)), replace=False))
            slots, targets = self.prompts.slots(task, part), self.prompts.targets(task, part)
        rendered, vectors = self.prompts.render(task, slots)
        return target_loss(self.prompts.backbone, collate(self.prompts.backbone, rendered, targets), vectors)

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Return the loss of recovery on the validation histories, in nats per token."""
        self.prompts.interpreter.eval()
        size, total, count = self.recipe.tasks["recovery"].batch_size, 0.0, 0
        for at in range(0, len(self.valid.lengths), size):
            part = self.valid.take(np.arange(at, min(at + size, len(self.valid.lengths))))
            rendered, vectors = self.prompts.render("recovery", self.prompts.slots("recovery", part))
            batch = collate(self.prompts.backbone, rendered, self.prompts.targets("recovery", part))
            losses, is_target = token_losses(self.prompts.backbone, batch, vectors)
            total, count = total + float(losses.sum()), count + int(is_target.sum())
        return total / count


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
