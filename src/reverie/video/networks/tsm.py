"""TSM: a 2D ResNet whose blocks look at frames before and after by a shift of channels, which costs no multiplication.

.. [1] Lin, Gan and Han (2019), TSM: Temporal Shift Module for Efficient Video Understanding, arXiv 1811.08383: residual shift, 1/8
   of the channels in each direction. ``PUBLISHED["tsm"]`` is its ResNet-50.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.video.networks.config import TsmConfig
from reverie.video.networks.drop_path import DropPath, rising
from reverie.video.networks.network import ClipNetwork, Stage


def shift(x: Tensor, frames: int, fold: int) -> Tensor:
    """Move 1/fold of the channels one frame back, 1/fold one frame on, and keep the rest; the ends are filled with zeros.

    x [B * T, C, H, W] → the same shape, channels last in memory.
    """
    last = x.view(-1, frames, *x.shape[1:]).movedim(2, 4)  # [B, T, H, W, C]
    part = last.shape[-1] // fold
    back, on, rest = last.tensor_split((part, 2 * part), -1)
    back = F.pad(back[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
    on = F.pad(on[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0))
    return torch.cat([back, on, rest], -1).flatten(0, 1).permute(0, 3, 1, 2)


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution with BatchNorm that keeps height and width, divided by the stride."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs))


class ShiftBlock(nn.Module):
    """A residual block whose branch begins with the shift; the path around it keeps every frame's own channels."""

    def __init__(self, inputs: int, width: int, stride: int, config: TsmConfig, drop: float) -> None:
        super().__init__()
        self.fold, outputs = config.fold, 4 * width if config.bottleneck else width
        if config.bottleneck:
            layers = [convolution(inputs, width, 1), nn.ReLU(inplace=True), convolution(width, width, 3, stride)]
            layers += [nn.ReLU(inplace=True), convolution(width, outputs, 1)]
        else:
            layers = [convolution(inputs, width, 3, stride), nn.ReLU(inplace=True), convolution(width, width, 3)]
        self.body, self.drop = nn.Sequential(*layers), DropPath(drop)
        same = stride == 1 and inputs == outputs
        self.shortcut: nn.Module = nn.Identity() if same else convolution(inputs, outputs, 1, stride)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """Transform; x [B * T, C, H, W] → [B * T, C', H', W']."""
        branch = self.drop(self.body(shift(x, frames, self.fold)), len(x) // frames)
        out: Tensor = F.relu(self.shortcut(x) + branch)
        return out


class Tsm(ClipNetwork):
    """ResNet with residual temporal shift ("TSM", arXiv 1811.08383); T' = T, any number of frames."""

    def __init__(self, config: TsmConfig, classes: int, frames: int, size: int) -> None:
        outputs = config.widths[-1] * (4 if config.bottleneck else 1)
        super().__init__(config, classes, outputs, frames, size)
        kernel, first = (7, 64) if config.stem == "imagenet" else (3, config.widths[0])
        self.stem = nn.Sequential(convolution(3, first, kernel, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        drops, inputs, self.stages = rising(config.drop_path, sum(config.blocks)), first, nn.ModuleList()
        for width, count, stride in zip(config.widths, config.blocks, config.strides, strict=True):
            stage = Stage()
            for at in range(count):
                stage.append(ShiftBlock(inputs, width, stride if at == 0 else 1, config, drops.pop(0)))
                inputs = width * (4 if config.bottleneck else 1)
            self.stages.append(stage)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's own
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T, C, H', W']."""
        frames = clips.shape[1]
        x: Tensor = self.stem(self.normalised(clips).flatten(0, 1).contiguous(memory_format=torch.channels_last))
        for stage in self.stages:
            x = stage(x, frames)
        return x.view(-1, frames, *x.shape[1:])
