"""A classifier of icons that reads drawn pictures: it only measures, and never saw one of them in training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.imagery.pixels.examples import Examples


@dataclass(frozen=True)
class NamedBatch:
    """Pictures [B, 3, S, S] from -1 to 1, and numbers of names [B]."""

    pixels: Tensor
    names: Tensor

    def to(self, device: torch.device) -> NamedBatch:
        """Return the batch on a device."""
        return NamedBatch(self.pixels.to(device), self.names.to(device))


@dataclass(frozen=True)
class NamedExamples:
    """Examples of which icon is asked for."""

    examples: Examples
    numbers: Mapping[str, int]

    def __len__(self) -> int:
        """Return the number of icons."""
        return len(self.examples)

    def batch(self, index: NDArray[np.int64]) -> NamedBatch:
        """Draw examples; index [B]."""
        drawn, size = self.examples.batch(index), self.examples.atlas.large.shape[1]
        names = [self.numbers[self.examples.atlas.icons[row].name] for row in index]
        return NamedBatch(drawn.pixels.view(-1, 3, size, size), torch.tensor(names))


class Reader(nn.Module):
    """Convolutions that halve the picture, the mean over it, features, and scores of names."""

    def __init__(self, names: Sequence[str], widths: Sequence[int], features: int) -> None:
        super().__init__()
        self.names = tuple(names)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip((3, *widths), widths, strict=False)):
            layers += [nn.Conv2d(before, after, 3, stride=2 if number else 1, padding=1), nn.GroupNorm(1, after), nn.SiLU()]
            layers += [nn.Conv2d(after, after, 3, padding=1), nn.GroupNorm(1, after), nn.SiLU()]
        self.convolutions = nn.Sequential(*layers)
        self.features = nn.Sequential(nn.Linear(4 * widths[-1], features), nn.SiLU())
        self.scores = nn.Linear(features, len(names))

    def forward(self, pixels: Tensor) -> Tensor:
        """Return features; pixels [B, 3, S, S] → [B, F]."""
        quarters = F.adaptive_avg_pool2d(self.convolutions(pixels), 2).flatten(1)
        out: Tensor = self.features(quarters)
        return out

    def loss(self, batch: NamedBatch) -> dict[str, Tensor]:
        """Return the cross-entropy of names."""
        return {"loss": F.cross_entropy(self.scores(self(batch.pixels)), batch.names, label_smoothing=0.1)}

    @torch.no_grad()
    def read(self, pixels: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return features and scores of names; pixels [N, 3, S, S] from -1 to 1 → [N, F], [N, names]."""
        features = torch.cat([self(part) for part in torch.split(pixels, 64)])
        return features.double().numpy(), self.scores(features).double().numpy()
