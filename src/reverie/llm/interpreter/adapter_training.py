"""The objective of an interpreter's adapters and its training loop."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

    from reverie.llm.interpreter.model import InterpreterPrompts
    from reverie.llm.interpreter.recipe import InterpreterRecipe, TaskName
    from reverie.llm.windows import Histories
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
            part = self.train.take(generator.choice(len(self.train), min(size, len(self.train)), replace=False))
            slots, targets = self.prompts.slots(task, part), self.prompts.targets(task, part)
        rendered, vectors = self.prompts.render(task, slots)
        return target_loss(self.prompts.backbone, collate(self.prompts.backbone, rendered, targets), vectors)

    @torch.no_grad()
    def validation_loss(self) -> float:
        """Return the loss of recovery on the validation histories, in nats per token."""
        self.prompts.interpreter.eval()
        total, count = 0.0, 0
        for index in self.valid.pieces(self.recipe.tasks["recovery"].batch_size):
            part = self.valid.take(index)
            rendered, vectors = self.prompts.render("recovery", self.prompts.slots("recovery", part))
            batch = collate(self.prompts.backbone, rendered, self.prompts.targets("recovery", part))
            losses, is_target = token_losses(self.prompts.backbone, batch, vectors)
            total, count = total + float(losses.sum()), count + int(is_target.sum())
        return total / count


def train_adapters(objective: AdapterObjective, folder: Path, progress: Progress) -> None:
    """Train the adapters of an interpreter, and put the weights with the lowest validation loss back."""
    training, model = objective.recipe.training, objective.prompts.interpreter
    shared = training.model_dump(include={"learning_rate", "weight_decay", "warmup_steps", "schedule"})
    config = TrainingConfig(epochs=1, **shared)
    optimisers, best, step = Optimisers(model, config), Best(patience=10**9), 0
    losses: dict[str, list[float]] = {}
    begin = saved = time.monotonic()
    state = load_state(folder / "state", model, optimisers)
    if state is not None:
        numbers, weights = state
        best = Best(**{name: value for name, value in numbers["best"].items() if value is not None}, weights=weights)
        step, losses, begin = int(numbers["epoch"]), numbers["losses"], begin - float(numbers["seconds"])
        progress.line(f"resuming after {step} steps")
    log, clock = MetricsLog(folder, step), StepClock()
    # not `Trainer`: it counts epochs of one loss, and here rows, state and losses go by step and task
    while step < training.steps:
        clock.start()
        task = objective.task(step)
        model.train()
        optimisers.set_rate(learning_rate(config, step, training.steps))
        loss = objective.loss(step)
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
            rest = f"{clock.seconds * (training.steps - step) / 60:.1f} min to go, measuring not counted"
            progress.line(f"about {clock.seconds:.1f} s a step, {rest}")
        if step % training.validate_every == 0 or step == training.steps:
            loss_now = objective.validation_loss()
            best.update(-loss_now, step, model)
            row: dict[str, Any] = {"epoch": step, "valid_loss": loss_now, "seconds": time.monotonic() - begin}
            log.add(row | {f"loss_{name}": float(np.mean(values)) for name, values in sorted(losses.items())})
            losses = {}
            progress.line(f"step {step}: " + " ".join(f"{k} {v:.4g}" for k, v in log.rows[-1].items() if k != "epoch"))
        progress.advance(f"{task} {value:.3f}")
        if time.monotonic() - saved >= training.checkpoint_seconds:
            facts = {"epoch": step, "step": 0, "seconds": time.monotonic() - begin, "best": best.numbers(), "losses": losses}
            save_state(folder / "state", model, optimisers, best.weights, facts)
            saved = time.monotonic()
    log.close()
    model.load_state_dict(best.weights)
    model.eval()
