"""Teach a tower which words its pictures show."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.errors import RunError
from reverie.imagery.matchers.options import MatcherOptions
from reverie.imagery.matchers.towers import Tower, looked
from reverie.seeds import seed_torch
from reverie.training.checkpoint import load_state, save_state
from reverie.training.optimiser import Optimisers, epoch_batches, learning_rate

MAIN = 2.0
"""Weight of the main thing of a scene among its names; the others weigh 1."""
WARM = 1 / 0.07
_NOTHING: dict[str, Any] = {"value": None, "epoch": 0, "waited": 0}


class Taught(nn.Module):
    """A tower, and the scale of its cosines."""

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.tower, self.scale = tower, nn.Parameter(torch.tensor(float(np.log(WARM))))

    def loss(self, prepared: Tensor, shares: Tensor, names: Tensor, closeness: float) -> Tensor:
        """Return ``-Σ_w y_w log softmax_w(s p · t_w) + c (1 - p · t̄)``, the mean over pictures.

        y are shares of the names t [V, D] in each picture, s at most 50, and t̄ the unit vector of ``Σ y_w t_w``.

        prepared [B, …], shares [B, V], names [V, D] → scalar.
        """
        vectors: Tensor = self.tower(prepared)
        logits = self.scale.exp().clamp(max=50.0) * vectors @ names.T
        aims = F.normalize(shares @ names, dim=-1)
        apart = 1 - (vectors * aims).sum(1)
        return (closeness * apart - (shares * logits.log_softmax(1)).sum(1)).mean()


def shares_of(shown: NDArray[np.int64], size: int) -> NDArray[np.float32]:
    """Return how much of a picture each name has; shown [N, M] holds names, the main one first and -1 behind → [N, V]."""
    found = np.zeros((len(shown), size), dtype=np.float32)
    for place in range(shown.shape[1]):
        there = np.flatnonzero(shown[:, place] >= 0)
        np.add.at(found, (there, shown[there, place]), MAIN if place == 0 else 1.0)
    return np.asarray(found / found.sum(axis=1, keepdims=True))


def average_vector(tower: Tower, prepared: NDArray[np.number], most: int = 2000) -> Tensor:
    """Return the mean vector of pictures, of every so-manieth where there are more than `most` → [D]."""
    return torch.from_numpy(looked(tower, prepared[:: -(-len(prepared) // most)]).mean(axis=0))


def teach(
    tower: Tower,
    prepared: NDArray[np.number],
    shown: NDArray[np.int64],
    names: NDArray[np.float32],
    options: MatcherOptions,
    folder: Path,
    tell: Callable[[str], None],
) -> list[float]:
    """Teach a tower, or go on where a folder's checkpoint stands.

    Parameters
    ----------
    tower : Tower
    prepared : ndarray, shape [N, …]
        What it prepared of the pictures.
    shown : ndarray of int, shape [N, M]
        Names in each picture, the main one first, -1 behind.
    names : ndarray, shape [V, D]
        Unit vectors of the names.
    options : MatcherOptions
    folder : Path
        Where the state is kept after each epoch.
    tell : callable

    Returns
    -------
    list of float
        Mean loss of each epoch that this call made.
    """
    config, taught, words = options.training, Taught(tower), torch.from_numpy(names)
    optimisers, losses = Optimisers(taught, config), []
    state = load_state(folder, taught, optimisers)
    first, seconds = (0, 0.0) if state is None else (int(state[0]["epoch"]), float(state[0]["seconds"]))
    taught.train()
    for epoch in range(first, config.epochs):
        begin, total = time.monotonic(), 0.0
        batches = epoch_batches(len(prepared), config.batch_size, options.seed, epoch)
        for step, batch in enumerate(batches):
            seed_torch(options.seed, "matcher step", epoch, step)
            optimisers.set_rate(learning_rate(config, epoch * len(batches) + step, config.epochs * len(batches)))
            shares = torch.from_numpy(shares_of(shown[batch], len(names)))
            loss = taught.loss(torch.from_numpy(prepared[batch]), shares, words, options.closeness)
            if not bool(loss.isfinite()):
                raise RunError(f"the matcher's loss is not finite in epoch {epoch + 1}; set a smaller training.learning_rate")
            optimisers.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call] # torch's own
            for part in optimisers.parts:
                part.step()
            total += float(loss.detach()) * len(batch) / len(prepared)
        losses.append(total)
        seconds += time.monotonic() - begin
        numbers = {"epoch": epoch + 1, "step": 0, "seconds": seconds, "best": _NOTHING}
        save_state(folder, taught, optimisers, {}, numbers)
        tell(f"epoch {epoch + 1} of {config.epochs}: loss {total:.3f}, {seconds:.0f} s")
    taught.eval()
    return losses
