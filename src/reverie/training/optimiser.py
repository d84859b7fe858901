"""AdamW and a learning rate that is a pure function of the step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from reverie.training.config import TrainingConfig


def create_optimiser(model: torch.nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return AdamW over a model's parameters.

    Parameters
    ----------
    model : torch.nn.Module
        Its ``parameter_groups()`` is asked for, where it has one.
    config : TrainingConfig
        Learning rate and weight decay.

    Returns
    -------
    torch.optim.Optimizer
        One fused update per step where torch offers it.
    """
    own = getattr(model, "parameter_groups", None)
    groups = own() if callable(own) else [{"params": list(model.parameters())}]
    return torch.optim.AdamW(groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """Return the learning rate of a step.

    Parameters
    ----------
    config : TrainingConfig
        Peak, warm-up and schedule.
    step : int
        Step number from 0.
    total : int
        Steps of the whole training.

    Returns
    -------
    float
        Learning rate.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return config.learning_rate
    done = (step - config.warmup_steps) / max(1, total - config.warmup_steps)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
