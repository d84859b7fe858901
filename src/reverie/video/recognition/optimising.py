"""Optimisers of a network and of a selector beside it."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from reverie.training.config import TrainingConfig
from reverie.training.optimiser import Optimisers, learning_rate
from reverie.video.mixing.config import SelectorTraining
from reverie.video.recognition.config import RecognitionConfig


def decay_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Return the weights that decay, and the parameters that do not: of one dimension, or embeddings such as those of places.

    A weight is what its module calls one; tables of places are parameters of another name, or of an ``nn.Embedding``.
    """
    groups: dict[bool, list[nn.Parameter]] = {True: [], False: []}
    seen = set[nn.Parameter]()
    for part in network.modules():
        for name, parameter in part.named_parameters(recurse=False):
            if parameter.requires_grad and parameter not in seen:
                seen.add(parameter)
                weight = parameter.dim() > 1 and name.endswith("weight") and not isinstance(part, nn.Embedding)
                groups[weight].append(parameter)
    return [{"params": found, "weight_decay": weight_decay * decays} for decays, found in groups.items() if found]


class RecognitionOptimisers(Optimisers):
    """SGD or AdamW for a network, and for a selector an SGD of its own or a group of the same optimiser.

    Parameters
    ----------
    network : Module
    selector : list of Parameter
        Of a selector; may be empty.
    config : RecognitionConfig
    own : SelectorTraining
        How a selector's own SGD works.
    """

    def __init__(self, network: nn.Module, selector: list[nn.Parameter], config: RecognitionConfig, own: SelectorTraining) -> None:
        self._config = config
        trained = [one for one in network.parameters() if one.requires_grad]
        self._clipped = [(trained, config.clip), (selector, own.clip)]
        groups, apart = decay_groups(network, config.weight_decay), config.selector == "own"
        if selector and not apart:
            groups.append({"params": selector, "weight_decay": own.weight_decay, "lr_scale": config.selector_scale})
        if config.optimiser == "sgd":
            self.parts = [torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)]
        else:
            self.parts = [torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)]
        if selector and apart:
            group = {"params": selector, "lr_scale": own.rate / config.learning_rate}
            self.parts.append(torch.optim.SGD([group], lr=own.rate, momentum=own.momentum, weight_decay=own.weight_decay))

    def step(self, step: int, steps: int) -> None:
        """Make update number `step` of `steps`, counted from 0, with the gradients that are there."""
        warm = round(self._config.warmup * steps)
        plan = TrainingConfig(learning_rate=self._config.learning_rate, schedule="cosine", warmup_steps=warm)
        self.set_rate(learning_rate(plan, step, steps))
        for parameters, most in self._clipped:
            if most and parameters:
                nn.utils.clip_grad_norm_(parameters, most)
        for part in self.parts:
            part.step()
