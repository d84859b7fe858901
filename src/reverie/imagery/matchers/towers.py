"""What a matcher looks with: a network that gives a picture a vector among the vectors of words."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.imagery.matchers.options import MatcherOptions
from reverie.nn.efficientnet import WIDTH, EfficientNetLite0, load_features

HIDDEN, HEADS = 256, 4
_MIDDLE, _MIDDLE_WIDTH = 11, 112
ROWS = 8
"""Pictures looked at together where nothing is learned: few, so that they stay in a processor's cache."""


class Places(nn.Module):
    """Vector of a picture from the features of its places: a weighted mean for each head, then one linear map.

    ``h_l = LayerNorm(GELU(W x_l))``, weights ``softmax over places of a · h_l``, and the unit vector of ``O [m_1 … m_H]``.
    """

    def __init__(self, width: int, dim: int, dropout: float) -> None:
        super().__init__()
        self.inside, self.norm, self.look = nn.Linear(width, HIDDEN), nn.LayerNorm(HIDDEN), nn.Linear(HIDDEN, HEADS)
        self.out, self.dropout = nn.Linear(HIDDEN * HEADS, dim), nn.Dropout(dropout)

    def forward(self, features: Tensor) -> Tensor:
        """Return unit vectors; features [B, L, C] → [B, D]."""
        hidden = self.norm(F.gelu(self.inside(self.dropout(features))))
        weights = self.look(hidden).softmax(1)
        means = torch.einsum("blh,bld->bhd", weights, hidden).flatten(1)
        return F.normalize(self.out(self.dropout(means)), dim=-1)


class FrozenFeatures:
    """Features of pictures by EfficientNet-lite0, all of it or its first blocks; not a module, so no tower saves its weights."""

    def __init__(self, blocks: int | None = None, network: EfficientNetLite0 | None = None) -> None:
        self._blocks, self._given = blocks, network

    @cached_property
    def _network(self) -> nn.Module:
        network = self._given or load_features()
        chosen: nn.Module = network if self._blocks is None else nn.Sequential(network.stem, *list(network.blocks)[: self._blocks])
        return chosen.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return] # torch's own

    @torch.no_grad()
    def __call__(self, pixels: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Return features of places; pixels [N, S, S, 3] → [N, L, C]."""
        found = []
        for at in range(0, len(pixels), ROWS):
            batch = torch.from_numpy(pixels[at : at + ROWS]).permute(0, 3, 1, 2).float()
            features = self._network(((batch - 127) / 128).contiguous(memory_format=torch.channels_last))
            found.append(features.permute(0, 2, 3, 1).flatten(1, 2).half().numpy())
        return np.concatenate(found)


class PretrainedTower(nn.Module):
    """Learned `Places` over the last features of EfficientNet-lite0, which are prepared once."""

    average: Tensor

    def __init__(self, dim: int, dropout: float, network: EfficientNetLite0 | None = None) -> None:
        super().__init__()
        self.places, self.prepare = Places(WIDTH, dim, dropout), FrozenFeatures(network=network)
        self.register_buffer("average", torch.zeros(dim))

    def forward(self, prepared: Tensor) -> Tensor:
        """Return unit vectors of features [B, (S / 32)², 1280] → [B, D]."""
        vectors: Tensor = self.places(prepared.float())
        return vectors


class MiddleTower(nn.Module):
    """Learned convolutions and `Places` over features from the middle of EfficientNet-lite0, which see parts more than things."""

    average: Tensor

    def __init__(self, dim: int, dropout: float, network: EfficientNetLite0 | None = None) -> None:
        super().__init__()
        self.prepare = FrozenFeatures(_MIDDLE, network)
        self.layers = nn.Sequential(nn.BatchNorm2d(_MIDDLE_WIDTH), _step(_MIDDLE_WIDTH, 192), _Residual(192))
        self.places = Places(192, dim, dropout)
        self.register_buffer("average", torch.zeros(dim))

    def forward(self, prepared: Tensor) -> Tensor:
        """Return unit vectors of features [B, (S / 16)², 112] → [B, D]."""
        side = round(prepared.shape[1] ** 0.5)
        x = self.layers(prepared.float().mT.reshape(len(prepared), -1, side, side))
        vectors: Tensor = self.places(x.flatten(2).mT)
        return vectors


class SmallTower(nn.Module):
    """Convolutions from nothing, with a residual one at each width, and `Places`."""

    average: Tensor

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [_step(3, 24)]
        for inside, outside in ((24, 48), (48, 96), (96, 192)):
            layers += [_step(inside, outside), _Residual(outside)]
        self.layers, self.places = nn.Sequential(*layers), Places(192, dim, dropout)
        self.register_buffer("average", torch.zeros(dim))

    def prepare(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pixels [N, S, S, 3] as they are."""
        return pixels

    def forward(self, prepared: Tensor) -> Tensor:
        """Return unit vectors; in training half of the pictures are mirrored and all are moved a little → [B, D]."""
        x = prepared.permute(0, 3, 1, 2).float() / 127.5 - 1
        if self.training:
            x = torch.where((torch.rand(len(x)) < 0.5)[:, None, None, None], x.flip(3), x)
            x = x.roll([int(torch.randint(-4, 5, ())), int(torch.randint(-4, 5, ()))], (2, 3))
            x = x * torch.empty(len(x), 3, 1, 1).uniform_(0.8, 1.2) + torch.empty(len(x), 3, 1, 1).uniform_(-0.2, 0.2)
        vectors: Tensor = self.places(self.layers(x).flatten(2).mT)
        return vectors


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.GroupNorm(8, width), nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.conv(F.gelu(self.norm(x)))
        return found


def _step(inside: int, outside: int) -> nn.Module:
    """Return a convolution that halves the height and the width."""
    return nn.Sequential(nn.Conv2d(inside, outside, 3, 2, 1), nn.GroupNorm(8, outside), nn.GELU())


Tower = PretrainedTower | MiddleTower | SmallTower
_TOWERS: dict[str, type[PretrainedTower] | type[MiddleTower] | type[SmallTower]] = {
    "pretrained": PretrainedTower, "middle": MiddleTower, "small": SmallTower
}  # fmt: skip


def new_tower(options: MatcherOptions, dim: int) -> Tower:
    """Return a tower before it is taught."""
    return _TOWERS[options.tower](dim, options.dropout)


@torch.no_grad()
def looked(tower: Tower, prepared: NDArray[np.number]) -> NDArray[np.float32]:
    """Return the vectors of what was prepared, without dropout and changes → [N, D]."""
    was_training = tower.training
    tower.eval()
    rows = [tower(torch.from_numpy(prepared[at : at + ROWS])).numpy() for at in range(0, len(prepared), ROWS)]
    tower.train(was_training)
    return np.concatenate(rows)
