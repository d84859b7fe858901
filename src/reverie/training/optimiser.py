"""AdamW, lazy Adam for row-wise tables, and learning-rate schedules."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from reverie.errors import ConfigError

if TYPE_CHECKING:
    from reverie.training.config import TrainingConfig


class Optimisers:
    """AdamW for dense parameters and, where a model has row-wise tables, lazy Adam for those."""

    def __init__(self, model: torch.nn.Module, config: TrainingConfig) -> None:
        rows = [p for part in model.modules() if getattr(part, "rowwise", False) is True for p in part.parameters(recurse=False)]
        if rows and config.clip:
            raise ConfigError("training.clip cannot be used with a row-wise item table; set clip=0 or table=dense")
        taken = {id(parameter) for parameter in rows}
        own = getattr(model, "parameter_groups", None)
        groups: list[dict[str, Any]] = own() if callable(own) else [{"params": list(model.parameters())}]
        groups = [group | {"params": [p for p in group["params"] if id(p) not in taken]} for group in groups]
        self.parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
        ]
        if rows:
            self.parts.append(torch.optim.SparseAdam(rows, lr=config.learning_rate))

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of all groups."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate * group.get("lr_scale", 1.0)

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for part in self.parts:
            part.zero_grad(set_to_none=True)

    def state(self) -> dict[str, torch.Tensor]:
        """Return the moments of all parameters by name."""
        return {
            f"{number}/{index}/{name}": torch.as_tensor(value)
            for number, part in enumerate(self.parts)
            for index, entries in part.state_dict()["state"].items()
            for name, value in entries.items()
        }

    def load(self, state: dict[str, torch.Tensor]) -> None:
        """Take back what `state` returned."""
        entries: list[dict[int, dict[str, Any]]] = [{} for _ in self.parts]
        for key, value in state.items():
            number, index, name = key.split("/")
            sparse_step = name == "step" and isinstance(self.parts[int(number)], torch.optim.SparseAdam)
            entries[int(number)].setdefault(int(index), {})[name] = int(value) if sparse_step else value
        for part, moments in zip(self.parts, entries, strict=True):
            part.load_state_dict({"state": moments, "param_groups": part.state_dict()["param_groups"]})


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """Return the learning rate of a step."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    done = (step - config.warmup_steps) / max(1, total - config.warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
