"""Prompts and targets of the three tasks: recovery of a history, the residual of one item, the title of one item vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from reverie.errors import ConfigError
from reverie.llm.adapters import pack_soft_tokens
from reverie.llm.interpreter.recipe import SLOTS
from reverie.llm.prompts import Template, load_template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.llm.backbone import Backbone
    from reverie.llm.interpreter.model import Interpreter
    from reverie.llm.interpreter.recipe import InterpreterRecipe, TaskName
    from reverie.llm.titles import Titles

Slot = tuple[Tensor, Tensor]
"""Soft tokens [B, C, width] of one slot, and how many of each row count [B]."""


@dataclass(frozen=True)
class Histories:
    """Windows with their states; items [W, L], lengths [W], states [W, L, D]."""

    items: NDArray[np.int64]
    lengths: NDArray[np.int64]
    states: Tensor

    def rows(self) -> list[list[int]]:
        """Return the item codes of each window, oldest first."""
        return [row[:length] for row, length in zip(self.items.tolist(), self.lengths.tolist(), strict=True)]

    def take(self, index: NDArray[np.int64]) -> Histories:
        """Return some rows."""
        return Histories(self.items[index], self.lengths[index], self.states[torch.from_numpy(index)])


def check_templates(recipe: InterpreterRecipe) -> dict[TaskName, Template]:
    """Return the templates of all tasks."""
    templates = {name: load_template(task.template, SLOTS[name]) for name, task in recipe.tasks.items()}
    for template in templates.values():
        if not template.ends_in_words:
            raise ConfigError(f"the template {template.name} ends in a slot; end it in words that ask for the answer")
    return templates


class InterpreterPrompts:
    """Renders histories and item vectors as prompts with soft tokens, and their titles as targets."""

    def __init__(self, recipe: InterpreterRecipe, backbone: Backbone, titles: Titles, interpreter: Interpreter) -> None:
        self.backbone, self.titles, self.interpreter = backbone, titles, interpreter
        self.templates = check_templates(recipe)
        self.newline = backbone.tokens("\n")

    def history_slot(self, histories: Histories) -> Slot:
        """Return soft tokens of whole histories."""
        longest = int(histories.lengths.max())
        lengths = torch.from_numpy(histories.lengths)
        return self._through(self.interpreter.states, histories.states[:, :longest], lengths)

    def state_slot(self, states: Tensor) -> Slot:
        """Return soft tokens of single states [B, D]."""
        return self._through(self.interpreter.states, states[:, None], torch.ones(len(states), dtype=torch.int64))

    def item_slot(self, vectors: Tensor) -> Slot:
        """Return soft tokens of vectors [B, D] in the space of item vectors."""
        return self._through(self.interpreter.items, vectors[:, None], torch.ones(len(vectors), dtype=torch.int64))

    def _through(self, adapter: torch.nn.Module, states: Tensor, lengths: Tensor) -> Slot:
        device = self.backbone.device
        states, lengths = states.to(device), lengths.to(device)
        vectors: Tensor = adapter(states, lengths)
        counts: Tensor = adapter.counts(lengths)  # type: ignore[operator]  # an Adapter
        return vectors, counts

    def slots(self, task: TaskName, histories: Histories) -> list[Slot]:
        """Return the soft tokens of a task about histories, in the order of its template's slots."""
        if task == "recovery":
            return [self.history_slot(histories)]
        rows, last = torch.arange(len(histories.lengths)), torch.from_numpy(histories.lengths - 1)
        made = {"before": histories.states[rows, last - 1], "after": histories.states[rows, last]}
        return [self.state_slot(made[name]) for name in self.templates[task].slots]

    def render(self, task: TaskName, slots: Sequence[Slot], silent: bool = False) -> tuple[list[list[int]], Tensor]:
        """Return prompts and their soft tokens → [S, width]."""
        template = self.templates[task]
        group = self.interpreter.group(task)
        counts = np.stack([counts.cpu().numpy() for _, counts in slots], axis=1) * (not silent)
        rows = [
            template.fill(self.backbone, dict(zip(template.slots, (_grouped(c, group) for c in row), strict=True)))
            for row in counts.tolist()
        ]
        vectors = pack_soft_tokens(slots)
        return rows, vectors[:0] if silent else vectors

    def target(self, codes: Sequence[int]) -> list[int]:
        """Return the tokens of titles, one a line, with the end token behind the last."""
        lines = [[*self.backbone.tokens(self.titles.text(code)), *self.newline] for code in codes]
        return [*(token for line in lines for token in line), self.backbone.end]

    def targets(self, task: TaskName, histories: Histories) -> list[list[int]]:
        """Return the right answers about histories."""
        return [self.target(row if task == "recovery" else row[-1:]) for row in histories.rows()]


def _grouped(count: int, group: int | None) -> int | tuple[int, ...]:
    return count if group is None else (group,) * (count // group)
