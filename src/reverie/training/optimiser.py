"""AdamW, lazy Adam for row-wise tables, learning rates; devices and autocast; order of batches."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reverie import processes
from reverie.errors import ConfigError, short
from reverie.seeds import numpy_generator
from reverie.training.config import TrainingConfig

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def choose_device(name: str | None) -> torch.device:
    """Return a device by name; None or "auto" takes an accelerator where there is one."""
    if name in (None, "auto") and torch.cuda.is_available() and processes.world() > 1:
        return torch.device("cuda", processes.local_rank())
    if name in (None, "auto"):
        found = torch.accelerator.current_accelerator(check_available=True)
        return found if found is not None else torch.device("cpu")
    try:
        device = torch.device(str(name))
        torch.zeros(1, device=device).item()  # a device without data, such as "meta", cannot answer
    except (RuntimeError, AssertionError, ImportError, ValueError, AttributeError) as error:
        raise ConfigError(f"device '{short(str(name))}' cannot be used on this machine; use 'cpu' or leave --device out") from error
    return device


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context of a forward pass."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def epoch_batches(
    n_examples: int, batch_size: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> list[NDArray[np.int64]]:
    """Return the batches of one epoch for one process."""
    order = numpy_generator(seed, "order", epoch).permutation(n_examples)
    step = batch_size * world
    batches = []
    for start in range(0, n_examples, step):
        whole = order[start : start + step]
        if len(whole) % world:
            whole = np.concatenate([whole, np.resize(whole, -len(whole) % world)])
        batches.append(whole[rank::world])
    return batches


class Optimisers:
    """AdamW for dense parameters and, where a model has row-wise tables, lazy Adam for those."""

    def __init__(self, model: torch.nn.Module, config: TrainingConfig) -> None:
        tables = [part for part in model.modules() if getattr(part, "rowwise", False) is True]
        rows = [p for part in tables for p in part.parameters(recurse=False) if p.requires_grad]
        if rows and config.clip:
            raise ConfigError("training.clip cannot be used with a row-wise item table; set clip=0 or table=dense")
        taken = {id(parameter) for parameter in rows}
        own = getattr(model, "parameter_groups", None)
        groups: list[dict[str, Any]] = own() if callable(own) else [{"params": list(model.parameters())}]
        groups = [group | {"params": [p for p in group["params"] if p.requires_grad and id(p) not in taken]} for group in groups]
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
