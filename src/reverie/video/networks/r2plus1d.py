"""R(2+1)D: each 3D convolution is a spatial one, a ReLU and a temporal one.

.. [1] Tran et al. (2018), A Closer Look at Spatiotemporal Convolutions for Action Recognition, arXiv 1711.11248, section 3.5.
   ``PUBLISHED["r2plus1d"]`` is its R(2+1)D-18.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from reverie.video.networks.config import R2plus1dConfig
from reverie.video.networks.convolutions import convolution, residual_stages, start, volumes
from reverie.video.networks.drop_path import DropPath
from reverie.video.networks.network import ClipNetwork


def between(inputs: int, outputs: int) -> int:
    """Return the channels between the two convolutions with which they have as many weights as one of 3×3×3."""
    return 3 * 9 * inputs * outputs // (9 * inputs + 3 * outputs)


def factorised(inputs: int, outputs: int, stride: int, time_stride: int) -> nn.Sequential:
    """Return a spatial convolution 1×3×3, a ReLU and a temporal one 3×1×1."""
    middle = between(inputs, outputs)
    return nn.Sequential(
        convolution(inputs, middle, (1, 3, 3), (1, stride, stride)), nn.ReLU(inplace=True),
        convolution(middle, outputs, (3, 1, 1), (time_stride, 1, 1)),
    )  # fmt: skip


class FactorisedBlock(nn.Module):
    """A residual block of two factorised convolutions."""

    def __init__(self, inputs: int, width: int, stride: int, time_stride: int, drop: float) -> None:
        super().__init__()
        first, second = factorised(inputs, width, stride, time_stride), factorised(width, width, 1, 1)
        self.body, self.drop = nn.Sequential(first, nn.ReLU(inplace=True), second), DropPath(drop)
        same = stride == time_stride == 1 and inputs == width
        self.shortcut = nn.Identity() if same else convolution(inputs, width, (1, 1, 1), (time_stride, stride, stride))

    def forward(self, x: Tensor) -> Tensor:
        """Transform; x [B, C, T, H, W] → [B, C', T', H', W']."""
        out: Tensor = F.relu(self.shortcut(x) + self.drop(self.body(x)))
        return out


class R2plus1d(ClipNetwork):
    """ResNet of factorised 3D convolutions ("R(2+1)D", arXiv 1711.11248); T' is T over its time strides, rounded up."""

    def __init__(self, config: R2plus1dConfig, classes: int, frames: int, size: int) -> None:
        super().__init__(config, classes, config.widths[-1], frames, size)
        kernel, middle, first = (7, 45, 64) if config.stem == "published" else (3, config.widths[0], config.widths[0])
        layers = [convolution(3, middle, (1, kernel, kernel), (1, 2, 2)), nn.ReLU(inplace=True)]
        layers += [convolution(middle, first, (3, 1, 1)), nn.ReLU(inplace=True)]
        self.stem = nn.Sequential(*layers, *([nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))] if config.stem == "small" else []))

        def block(inputs: int, width: int, stride: int, stage: int, number: int, drop: float) -> FactorisedBlock:
            return FactorisedBlock(inputs, width, stride, config.time_strides[stage] if number == 0 else 1, drop)

        self.stages = residual_stages(config, first, block)
        start(self)
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']."""
        x: Tensor = self.stem(volumes(self.normalised(clips)))
        for stage in self.stages:
            x = stage(x)
        return x.transpose(1, 2)
