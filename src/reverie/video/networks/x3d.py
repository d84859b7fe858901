"""An X3D-type network: narrow, of inverted bottlenecks whose 3×3×3 convolution filters each channel for itself.

.. [1] Feichtenhofer (2020), X3D: Expanding Architectures for Efficient Video Recognition, arXiv 2004.04730, table 1.
   ``PUBLISHED["x3d"]`` has the sizes of its X3D-M.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from reverie.video.networks.config import X3dConfig
from reverie.video.networks.convolutions import convolution, residual_stages, start, volumes
from reverie.video.networks.drop_path import DropPath
from reverie.video.networks.network import ClipNetwork, Head

_MULTIPLE = 8
"""Squeezed channels are rounded to a multiple of it."""


class SqueezeExcite(nn.Module):
    """Channels weighed by a small network of their means over the clip (arXiv 1709.01507)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        wanted = channels / 16
        narrow = max(_MULTIPLE, int(wanted + _MULTIPLE / 2) // _MULTIPLE * _MULTIPLE)
        narrow += _MULTIPLE if narrow < 0.9 * wanted else 0
        self.down, self.up = nn.Linear(channels, narrow), nn.Linear(narrow, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Weigh; x [B, C, T, H, W] → the same shape."""
        weights: Tensor = self.up(F.relu(self.down(x.mean((2, 3, 4))))).sigmoid()
        return x * weights[:, :, None, None, None]


class InvertedBlock(nn.Module):
    """Wider by 1×1×1, filtered channel by channel by 3×3×3, weighed in every other block, Swish, narrow by 1×1×1."""

    def __init__(self, inputs: int, width: int, stride: int, expand: float, weigh: bool, drop: float) -> None:
        super().__init__()
        wide = int(expand * width)
        layers = [convolution(inputs, wide, (1, 1, 1)), nn.ReLU(inplace=True)]
        layers += [convolution(wide, wide, (3, 3, 3), (1, stride, stride), groups=wide)]
        layers += [*([SqueezeExcite(wide)] if weigh else []), nn.SiLU(inplace=True), convolution(wide, width, (1, 1, 1))]
        self.body, self.drop = nn.Sequential(*layers), DropPath(drop)
        same = stride == 1 and inputs == width
        self.shortcut = nn.Identity() if same else convolution(inputs, width, (1, 1, 1), (1, stride, stride))

    def forward(self, x: Tensor) -> Tensor:
        """Transform; x [B, C, T, H, W] → [B, C', T, H', W']."""
        out: Tensor = F.relu(self.shortcut(x) + self.drop(self.body(x)))
        return out


class X3d(ClipNetwork):
    """Network of channel-wise 3D convolutions (type of "X3D", arXiv 2004.04730); T' = T, any number of frames."""

    parts = ("stem", "stages", "last")

    def __init__(self, config: X3dConfig, classes: int, frames: int, size: int) -> None:
        wide = int(config.expand * config.widths[-1])
        super().__init__(config, classes, wide, frames, size)
        if config.hidden:
            self.head = Head(wide, classes, config.dropout, config.hidden)
        first = config.widths[0]
        spatial = nn.Conv3d(3, first, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        self.stem = nn.Sequential(spatial, convolution(first, first, (5, 1, 1), groups=first), nn.ReLU(inplace=True))

        def block(inputs: int, width: int, stride: int, stage: int, number: int, drop: float) -> InvertedBlock:
            return InvertedBlock(inputs, width, stride, config.expand, number % 2 == 0, drop)

        self.stages = residual_stages(config, first, block)
        self.last = nn.Sequential(convolution(config.widths[-1], wide, (1, 1, 1)), nn.ReLU(inplace=True))
        start(self)
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T, C, H', W']."""
        x: Tensor = self.stem(volumes(self.normalised(clips)))
        for stage in self.stages:
            x = stage(x)
        found: Tensor = self.last(x)
        return found.transpose(1, 2)
