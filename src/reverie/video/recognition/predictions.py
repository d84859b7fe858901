"""Probabilities of classes for clips, and batch normalisation measured anew before."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from reverie.nn.averaging import batch_norms, recalibrate
from reverie.seeds import numpy_generator
from reverie.training.optimiser import autocast
from reverie.video.recognition.batches import ClipBatches

if TYPE_CHECKING:
    from numpy.typing import NDArray


def calibration_batches(source: ClipBatches, seed: int, batches: int) -> Iterator[torch.Tensor]:
    """Yield batches of training clips as they are seen at a test, in one order for all rows and evaluations of a seed."""
    train, size = source.task.train, source.config.batch_size
    order = numpy_generator(seed, "recalibration").permutation(len(train))
    for rows in [order[at : at + size] for at in range(0, len(order), size)][:batches]:
        if len(rows) > 1 or len(order) == 1:  # statistics of one clip would count as much as those of a whole batch
            yield source.measured(train[rows])[:, 0]


@torch.no_grad()
def predict(network: nn.Module, source: ClipBatches, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the mean over views of the probabilities of each clip; indices [N] → [N, K]."""
    network.eval()
    size = max(1, source.config.batch_size // source.views)
    return np.concatenate([_probabilities(network, source, indices[at : at + size]) for at in range(0, len(indices), size)])


def _probabilities(network: nn.Module, source: ClipBatches, indices: NDArray[np.int64]) -> NDArray[np.float32]:
    clips = source.measured(indices)  # [B, V, T, 3, H, W]
    with autocast(source.device, source.config.precision):
        logits = network(clips.flatten(0, 1))
    mean = logits.float().softmax(dim=-1).view(*clips.shape[:2], -1).mean(dim=1)
    found: NDArray[np.float32] = mean.cpu().numpy()
    return found


def evaluated(network: nn.Module, source: ClipBatches, seed: int) -> nn.Module:
    """Return a copy of a network to measure, its batch normalisation measured anew where the options ask for it."""
    found = copy.deepcopy(network)
    if source.config.recalibration and batch_norms(found):
        recalibrate(found, calibration_batches(source, seed, source.config.recalibration))
    return found.eval()
