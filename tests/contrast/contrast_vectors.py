"""A real task in milliseconds: a linear encoder of noisy vectors around four centres, taught by whatever loss is asked for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional as F

from reverie.contrast.task import Measure, Outcome
from reverie.options import Options
from reverie.seeds import torch_generator

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from reverie.objectives import ScoreLoss


class VectorTask(Options):
    kind: Literal["vectors"]
    epochs: int = 4
    """Steps over all vectors."""
    shift: float = 0.0
    """Changes the data, and so their hash."""


class Vectors:
    dataset, protocol, baselines = "centres", "held_out", ("untrained", "raw")

    def __init__(self, config: VectorTask) -> None:
        self.config = config
        self.log: list[tuple[str, int]] = []
        generator = torch_generator(0, "data")
        self.labels = torch.arange(48) % 4
        centres = torch.randn(4, 6, generator=generator)
        self.points = centres[self.labels] + 1.1 * torch.randn(48, 6, generator=generator) + config.shift

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.points.numpy().tobytes()).hexdigest()

    def train(self, loss: ScoreLoss, seed: int, say: Callable[[str], None]) -> Outcome:
        self.log.append(("train", seed))
        weight, generator = self._weight(seed).requires_grad_(), torch_generator(seed, "views")
        optimiser = torch.optim.SGD([weight], lr=0.5)
        cosines = torch.zeros(0)
        for epoch in range(self.config.epochs):
            views = [self.points + 0.3 * torch.randn(self.points.shape, generator=generator) for _ in range(2)]
            first, second = (F.normalize(view @ weight, dim=1) for view in views)
            scores = first @ second.T
            negatives = scores[~torch.eye(48, dtype=torch.bool)].view(48, 47)
            value = loss(scores.diagonal(), negatives).mean()
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            cosines = negatives.detach()
            say(f"epoch {epoch}")
        quantiles = torch.quantile(cosines.flatten(), torch.linspace(0, 1, 21))
        return self._outcome(self.points @ weight.detach(), self.config.epochs, tuple(quantiles.tolist()))

    def baseline(self, name: str, seed: int, say: Callable[[str], None]) -> Outcome:
        self.log.append((name, seed))
        return self._outcome(self.points if name == "raw" else self.points @ self._weight(seed), None, ())

    @staticmethod
    def _weight(seed: int) -> Tensor:
        return torch.randn(6, 3, generator=torch_generator(seed, "weights"))

    def _outcome(self, vectors: Tensor, epoch: int | None, cosines: tuple[float, ...]) -> Outcome:
        train, valid, test = vectors[:16], vectors[16:28], vectors[28:]
        centres = torch.stack([train[self.labels[:16] == label].mean(0) for label in range(4)])
        right = [torch.cdist(part, centres).argmin(1) for part in (valid, test)]
        hits = (right[1] == self.labels[28:]).double()
        similar = float(F.cosine_similarity(test[:10], test[10:]).mean())
        metrics = {
            "accuracy": Measure(float(hits.mean()), 20, spread=float(hits.view(5, 4).mean(1).std()), interval="folds(5)"),
            "similarity": Measure(similar, 10, similar - 0.1, similar + 0.1, "bootstrap(10)"),
        }
        return Outcome(float((right[0] == self.labels[16:28]).double().mean()), metrics, epoch, cosines)


def open_task(config: VectorTask, device: str | None = None) -> Vectors:
    return Vectors(config)
