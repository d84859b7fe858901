"""Convolutions over time and space with BatchNorm, and the stages that are made of residual blocks."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from reverie.video.networks.config import ResidualOptions
from reverie.video.networks.drop_path import rising
from reverie.video.networks.network import Stage

Kernel = tuple[int, int, int]
"""Frames, height and width."""


def convolution(inputs: int, outputs: int, kernel: Kernel, stride: Kernel = (1, 1, 1), groups: int = 1) -> nn.Sequential:
    """Return a convolution with BatchNorm that keeps all sizes, divided by the stride."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(nn.Conv3d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm3d(outputs))


def residual_stages(
    config: ResidualOptions, first: int, block: Callable[[int, int, int, int, int, float], nn.Module], widening: int = 1
) -> nn.ModuleList:
    """Return the stages of a network.

    Parameters
    ----------
    config : ResidualOptions
    first : int
        Channels that the first stage is given.
    block : callable
        ``block(inputs, width, stride, stage, number, drop)``: a block whose output has ``widening * width`` channels.
    widening : int
    """
    drops, stages, inputs = rising(config.drop_path, sum(config.blocks)), nn.ModuleList(), first
    for stage, (width, count, stride) in enumerate(zip(config.widths, config.blocks, config.strides, strict=True)):
        blocks = []
        for number in range(count):
            blocks.append(block(inputs, width, stride if number == 0 else 1, stage, number, drops.pop(0)))
            inputs = widening * width
        stages.append(Stage(blocks))
    return stages


def start(network: nn.Module) -> None:
    """Draw the weights of convolutions (arXiv 1502.01852), and lay them channels last in memory, which is faster."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    for weight in network.parameters():
        if weight.dim() > 3:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last if weight.dim() == 4 else torch.channels_last_3d)


def volumes(clips: Tensor) -> Tensor:
    """Return clips [B, T, C, H, W] as volumes [B, C, T, H, W], channels last in memory."""
    return clips.transpose(1, 2).contiguous(memory_format=torch.channels_last_3d)
