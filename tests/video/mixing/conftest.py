from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Batch:
    """Six clips of five classes: 8 frames of 24 px; features of 4 frames and 3 x 3 cells, 7 channels."""

    clips: Tensor
    labels: Tensor
    features: Tensor

    @property
    def size(self) -> tuple[int, int, int]:
        return (self.clips.shape[1], *self.clips.shape[3:])  # type: ignore[return-value]


def make_batch(count: int = 6, frames: int = 8, pixels: int = 24, seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    classes = torch.arange(count) % 5
    return Batch(
        torch.rand(count, frames, 3, pixels, pixels, generator=generator),
        nn.functional.one_hot(classes, 5).float() * 0.9 + 0.02,
        torch.randn(count, frames // 2, 7, 3, 3, generator=generator),
    )


@pytest.fixture
def batch() -> Batch:
    return make_batch()


class TinyNetwork(nn.Module):
    """A classifier of clips with batch statistics and dropout, of few weights."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.stem, self.norm = nn.Conv2d(3, 7, 3, stride=4, padding=1), nn.BatchNorm2d(7)
        self.head, self.drop = nn.Linear(7, 5), nn.Dropout(0.5)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.3, generator=generator)

    def forward(self, clips: Tensor) -> Tensor:
        cells = self.norm(self.stem(clips.flatten(0, 1))).relu().mean((2, 3))
        return self.head(self.drop(cells.unflatten(0, clips.shape[:2]).mean(1)))  # type: ignore[no-any-return]


@pytest.fixture
def network() -> TinyNetwork:
    return TinyNetwork()


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)
