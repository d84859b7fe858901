"""What the adapters of an interpreter learn from: the loss of a step, a pure function of seed and step, and the validation loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from reverie.llm.batches import collate
from reverie.llm.likelihood import target_loss, token_losses
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from reverie.llm.interpreter.prompting import Histories, InterpreterPrompts
    from reverie.llm.interpreter.recipe import InterpreterRecipe, TaskName


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
