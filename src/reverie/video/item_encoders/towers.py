"""Networks that make an item's vector of its frames or of its sound."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.video.audio import BANDS
from reverie.video.networks.network import ClipNetwork

LOUD, SPREAD = -5.0, 4.0
"""What is taken from log-mel bands, and what they are divided by: about their mean and spread in recordings of full scale."""


class Standardised(nn.BatchNorm1d):
    """Batch normalisation that takes its stored statistics for a single row, which has none of its own."""

    def forward(self, x: Tensor) -> Tensor:
        """Return standardised rows [B, C] → [B, C]."""
        if len(x) > 1 or not self.training:
            return super().forward(x)
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.0, self.eps)


class Projected(nn.Sequential):
    """``GELU(W x + b)``: features as item vectors, as in MicroLens (arXiv 2309.15379); [..., C] → [..., D].

    Ours is that features are standardised by batch normalisation before, without scale and shift: means over places have much in
    common between clips, which would hide what differs. At first a vector has a length of about 1, as networks multiply what they
    read by √D.
    """

    def __init__(self, features: int, dim: int) -> None:
        linear = nn.Linear(features, dim)
        nn.init.normal_(linear.weight, std=(features * dim) ** -0.5)
        nn.init.zeros_(linear.bias)
        super().__init__(Standardised(features, affine=False), linear, nn.GELU())


class FrameTower(nn.Module):
    """The mean over time and space of what a network's head reads, as an item vector; the head itself is not used."""

    def __init__(self, network: ClipNetwork, dim: int) -> None:
        super().__init__()
        self.network, self.out = network, Projected(network.channels, dim)
        network.head = nn.Identity()

    def forward(self, clips: Tensor) -> Tensor:
        """Return vectors of clips [B, T, 3, H, W] → [B, D]."""
        found: Tensor = self.out(self.network.embed(clips))
        return found


class SoundTower(nn.Module):
    """Convolutions over time and bands, the mean over the time that is real, as an item vector."""

    def __init__(self, widths: tuple[int, ...], dim: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(one, other, 3, 2, 1, bias=False), nn.BatchNorm2d(other), nn.ReLU())
            for one, other in zip((1, *widths), widths, strict=False)
        )
        self.out = Projected(widths[-1], dim)

    def forward(self, mel: Tensor, counts: Tensor) -> Tensor:
        """Return vectors of sound; mel [B, W, 64], of which the first counts [B] windows are real → [B, D]."""
        x = _real((mel - LOUD) / SPREAD, counts)[:, None]
        for layer in self.layers:
            counts = (counts + 1) // 2
            x = _real(layer(x).movedim(1, -1), counts).movedim(-1, 1)  # what is behind the end stays 0, as at the ends of a clip
        found: Tensor = self.out(x.mean(3).sum(2) / counts[:, None])
        return found


def _real(x: Tensor, counts: Tensor) -> Tensor:
    """Return values with zeros behind the end of each clip; x [B, W, ...], counts [B]."""
    real = torch.arange(x.shape[1], device=x.device) < counts[:, None]
    return x * real.view(*real.shape, *(1,) * (x.ndim - 2)).to(x.dtype)


def band_statistics(mel: Tensor, counts: Tensor) -> Tensor:
    """Return mean and standard deviation over time of each band; mel [B, W, 64], counts [B] ≥ 1 → [B, 128]."""
    x = (mel - LOUD) / SPREAD
    mean = _real(x, counts).sum(1) / counts[:, None]
    spread = (_real(x - mean[:, None], counts).square().sum(1) / counts[:, None]).sqrt()
    return torch.cat([mean, spread], 1)


BAND_FEATURES = 2 * BANDS
"""Width of `band_statistics`."""
