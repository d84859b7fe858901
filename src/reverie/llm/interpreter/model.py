"""RecInterpreter's trainable part, and the prompts and targets of its three tasks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from reverie.documents import read_as, read_tensors
from reverie.errors import ConfigError, RunError
from reverie.files import atomic_path, write_json
from reverie.llm.adapters import Adapter, Recall, create_adapter, pack_soft_tokens
from reverie.llm.backbone import Backbone
from reverie.llm.config import AdapterConfig, Position
from reverie.llm.interpreter.recipe import SLOTS, InterpreterRecipe, TaskName
from reverie.llm.prompts import Template, load_template
from reverie.llm.titles import Titles
from reverie.llm.windows import Histories
from reverie.seeds import seed_torch, torch_generator

FORMAT = 1
START_STATES = 24_000
"""Training states that a warm start looks at, evenly spaced."""


class Interpreter(nn.Module):
    """The trainable part: an adapter for states and one for single item vectors."""

    def __init__(self, config: AdapterConfig, dim: int, backbone: Backbone, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            seed_torch(seed, "interpreter")
            self.states = create_adapter(config, dim, backbone.width, backbone.rms)
            alike = config if self.states.group is not None else Position(kind="position")
            self.items = create_adapter(alike, dim, backbone.width, backbone.rms)
        self.warm, self.seed = getattr(config, "start", "random") == "titles", seed
        self.facts = {"dim": dim, "width": backbone.width, "language_model": backbone.name, "adapter": config.kind}
        self.to(backbone.device)

    @property
    def recalls(self) -> bool:
        """Whether the adapters read the catalogue, see `set_catalogue`."""
        return isinstance(self.states.core, Recall)

    @torch.no_grad()
    def set_catalogue(self, backbone: Backbone, titles: Titles, table: Tensor, taught: Tensor) -> None:
        """Give adapters that recall their catalogue, which is not saved with them; others ignore it; table [N, D]."""
        if not self.recalls:
            return
        device, tokens = self.states.mean.device, self.states.group or 1
        values = torch.stack([title_vectors(backbone, titles.text(code + 1), tokens) for code in range(len(table))])
        values = values.to(device) / self.states.volume  # that of the items too; one tensor for both
        known = torch.zeros(len(table), dtype=torch.bool, device=device)
        known[taught.to(device) - 1] = True
        for adapter in (self.states, self.items):
            cast("Recall", adapter.core).set_catalogue(table.to(device), values, known)

    @torch.no_grad()
    def recalled(self, states: Tensor) -> Tensor:
        """Return the item that each state asks for most: what an adapter that recalls says without a language model.

        states [..., D] → [...].
        """
        core = cast("Recall", self.states.core)
        return (core.logits(self.states.standardised(states.to(core.keys.device))).argmax(-1) + 1).cpu()

    @torch.no_grad()
    def prepare(self, backbone: Backbone, titles: Titles, states: Tensor, codes: Tensor, table: Tensor, taught: Tensor) -> None:
        """Fit what needs no gradient: scales, and the warm start where it is asked for; states [M, D], codes [M], table [N, D]."""
        device = self.states.mean.device
        self.states.fit_scale(states.to(device))
        self.items.fit_scale(table.to(device))
        some = torch.linspace(0, len(states) - 1, min(len(states), START_STATES)).round().long()
        if self.recalls:
            for adapter, inputs, items in ((self.states, states[some], codes[some]), (self.items, table[taught - 1], taught)):
                core = cast("Recall", adapter.core)
                core.fit(adapter.standardised(inputs.to(device)), items.to(device), torch_generator(self.seed, "recall"))
        if not self.warm:
            return
        tokens = self.states.group or 1
        goals = torch.zeros(len(table) + 1, tokens, backbone.width, device=device)
        for code in taught.tolist():
            goals[code] = title_vectors(backbone, titles.text(code), tokens)
        self.states.fit_ridge(states[some].to(device), goals[codes[some].to(device)])
        self.items.fit_ridge(table[taught - 1].to(device), goals[taught.to(device)])

    def save(self, folder: Path) -> None:
        """Write all trainable tensors and buffers, the convolution included."""
        from safetensors.torch import save_file

        with atomic_path(folder / "adapter.safetensors") as temporary:
            save_file({name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}, temporary)
        write_json(folder / "adapter.json", self.facts | {"format": FORMAT})

    def load(self, folder: Path) -> None:
        """Take back what `save` wrote."""
        if not (folder / "adapter.json").is_file():
            raise RunError(f"{folder} holds no adapter (no adapter.json); 'reverie interpret' makes one")
        stored = read_as(dict[str, Any], folder / "adapter.json", "train it again", RunError)
        needed = {
            "adapter": "is of the kind",
            "dim": "reads states of width",
            "width": "makes vectors of width",
            "language_model": "was taught with",
        }
        for key, property_name in needed.items():
            if stored.get(key) != self.facts[key]:
                raise RunError(
                    f"the adapter in {folder} {property_name} {stored.get(key)}, and {self.facts[key]} is needed; train it again"
                )
        try:
            self.load_state_dict(read_tensors(folder / "adapter.safetensors", "train it again"))
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise RunError(f"the adapter in {folder} cannot be read ({reason}); train it again") from error
        self.eval()


def title_vectors(backbone: Backbone, title: str, tokens: int) -> Tensor:
    """Return the first token vectors of a title, filled up with those of a line's end → [tokens, D]."""
    ids = [*backbone.tokens(title)[:tokens], *backbone.tokens("\n") * tokens][:tokens]
    return backbone.embed(torch.tensor(ids)).float()


Slot = tuple[Tensor, Tensor]
"""Soft tokens [B, C, width] of one slot, and how many of each row count [B]."""


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

    def soft_tokens(self, adapter: Adapter, states: Tensor, lengths: Tensor) -> Slot:
        """Return the soft tokens that an adapter makes of states [B, L, D]."""
        states, lengths = states.to(self.backbone.device), lengths.to(self.backbone.device)
        return adapter(states, lengths), adapter.counts(lengths)

    def item_slot(self, vectors: Tensor) -> Slot:
        """Return soft tokens of vectors [B, D] in the space of item vectors."""
        return self.soft_tokens(self.interpreter.items, vectors[:, None], torch.ones(len(vectors), dtype=torch.int64))

    def slots(self, task: TaskName, histories: Histories) -> list[Slot]:
        """Return the soft tokens of a task about histories, in the order of its template's slots."""
        adapter, lengths = self.interpreter.states, torch.from_numpy(histories.lengths)
        if task == "recovery":
            return [self.soft_tokens(adapter, histories.states[:, : int(lengths.max())], lengths)]
        rows, ones = torch.arange(len(histories)), torch.ones_like(lengths)
        made = {"before": histories.states[rows, lengths - 2], "after": histories.states[rows, lengths - 1]}
        return [self.soft_tokens(adapter, made[name][:, None], ones) for name in self.templates[task].slots]

    def render(self, task: TaskName, slots: Sequence[Slot], silent: bool = False) -> tuple[list[list[int]], Tensor]:
        """Return prompts and their soft tokens → [S, width]."""
        template = self.templates[task]
        group = (self.interpreter.items if task == "item" else self.interpreter.states).group
        counts = np.stack([counts.cpu().numpy() for _, counts in slots], axis=1) * (not silent)
        rows = []
        for row in counts.tolist():
            sizes = row if group is None else [(group,) * (count // group) for count in row]
            rows.append(template.fill(self.backbone, dict(zip(template.slots, sizes, strict=True))))
        vectors = pack_soft_tokens(slots)
        return rows, vectors[:0] if silent else vectors

    def target(self, codes: Sequence[int]) -> list[int]:
        """Return the tokens of titles, one a line, with the end token behind the last."""
        lines = [[*self.backbone.tokens(self.titles.text(code)), *self.newline] for code in codes]
        return [*(token for line in lines for token in line), self.backbone.end]

    def targets(self, task: TaskName, histories: Histories) -> list[list[int]]:
        """Return the right answers about histories."""
        return [self.target(row if task == "recovery" else row[-1:]) for row in histories.rows()]
