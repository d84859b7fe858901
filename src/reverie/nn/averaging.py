"""Running means of weights, and statistics of batch normalisation measured anew."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

BufferPolicy = Literal["own", "copied", "averaged"]
"""What a mean does with buffers such as the statistics of batch normalisation: nothing, as they are its own, which its forward
passes move; take over those of the network; or average them like weights."""


def warmed_up(decay: float, updates: int) -> float:
    """Return the decay of an update, counted from 1: ``min(decay, (1 + t) / (10 + t))``.

    The first updates forget faster, so that the mean soon leaves the initial weights.
    """
    return min(decay, (1 + updates) / (10 + updates))


@torch.no_grad()
def move_towards(mean: nn.Module, network: nn.Module, decay: float, buffers: BufferPolicy = "own") -> None:
    """Move the parameters of a mean: ``mean <- decay * mean + (1 - decay) * network``.

    Parameters
    ----------
    mean, network : Module
        Of the same architecture.
    decay : float
    buffers : {"own", "copied", "averaged"}
        What becomes of buffers; whole numbers, such as counters, are copied where others are averaged.
    """
    torch._foreach_lerp_(list(mean.parameters()), list(network.parameters()), 1 - decay)
    if buffers == "own":
        return
    for own, other in zip(mean.buffers(), network.buffers(), strict=True):
        if buffers == "averaged" and own.is_floating_point():
            own.lerp_(other, 1 - decay)
        else:
            own.copy_(other)


class RunningMean(nn.Module):
    """A network whose weights are the exponential running mean of those of another.

    Parameters
    ----------
    network : Module
        It is copied; the copy starts with the same weights and takes no gradient.
    decay : float
        In [0, 1); 0.999 forgets half in about 700 updates, and with `warm_up` it is reached after 8,990.
    warm_up : bool
        Whether the first updates forget faster, see `warmed_up`.
    buffers : {"own", "copied", "averaged"}
        See `move_towards`.

    Attributes
    ----------
    network : Module
        The mean.
    """

    updates: Tensor

    def __init__(self, network: nn.Module, decay: float, *, warm_up: bool = True, buffers: BufferPolicy = "own") -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise ValueError(f"decay must lie in [0, 1), got {decay}")
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay, self.warm_up, self.buffer_policy = decay, warm_up, buffers
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def update(self, network: nn.Module) -> None:
        """Move the mean by one update of the network."""
        self.updates += 1
        decay = warmed_up(self.decay, int(self.updates)) if self.warm_up else self.decay
        move_towards(self.network, network, decay, self.buffer_policy)


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """Return the layers of batch normalisation whose statistics training moves; those that a network holds still are left out."""
    before = network.training
    network.train()
    found = [part for part in network.modules() if isinstance(part, _BatchNorm) and part.track_running_stats and part.training]
    network.train(before)
    return found


def as_teacher(network: nn.Module) -> nn.Module:
    """Set a network to evaluation mode but for its batch normalisation, which goes on counting; return it."""
    layers = batch_norms(network)
    network.eval()
    for layer in layers:
        layer.train()
    return network


@torch.no_grad()
def recalibrate(network: nn.Module, batches: Iterable[Tensor]) -> int:
    """Measure the statistics of batch normalisation anew, as plain means over batches that the network sees.

    Weights that were averaged have activations that the statistics of no single network describe; so have weights that were
    trained on mixed clips and are used on clean ones. The batches go through once, dropout off, and each counts the same.

    Parameters
    ----------
    network : Module
        Changed in place; left in evaluation mode.
    batches : iterable of Tensor
        Inputs, at least one; they are only drawn where the network has layers of batch normalisation.

    Returns
    -------
    int
        Number of batches that were seen, 0 where there is nothing to measure.
    """
    layers = batch_norms(network)
    momenta, seen = [layer.momentum for layer in layers], 0
    as_teacher(network)
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # a cumulative mean
    for inputs in batches if layers else ():
        network(inputs)
        seen += 1
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.eval()
    if layers and not seen:
        raise ValueError("batches must hold at least one batch to measure statistics on, got none")
    return seen
