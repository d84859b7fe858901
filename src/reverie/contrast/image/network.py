"""Image encoders: a small network and ResNet-18 for 32 × 32 pixels, with a projection head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence


def convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Sequential:
    """Return a convolution with batch normalisation that keeps height and width, divided by the stride."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs))


class Block(nn.Module):
    """A residual block: two 3 x 3 convolutions, or 1 x 1, 3 x 3 and 1 x 1 of which the last is wider."""

    def __init__(self, inputs: int, width: int, stride: int, widening: int) -> None:
        super().__init__()
        outputs = widening * width
        if widening == 1:
            layers = [convolution(inputs, width, 3, stride), nn.ReLU(inplace=True), convolution(width, width)]
        else:
            layers = [convolution(inputs, width, 1), nn.ReLU(inplace=True), convolution(width, width, 3, stride)]
            layers += [nn.ReLU(inplace=True), convolution(width, outputs, 1)]
        self.body = nn.Sequential(*layers)
        same = stride == 1 and inputs == outputs
        self.shortcut: nn.Module = nn.Identity() if same else convolution(inputs, outputs, 1, stride)

    def forward(self, images: Tensor) -> Tensor:
        """Return the block's output; images [N, inputs, H, W] → [N, widening * width, H / stride, W / stride]."""
        total: Tensor = self.body(images) + self.shortcut(images)
        return total.relu_()


def resnet(blocks: tuple[int, ...], widening: int) -> nn.Sequential:
    """Return a ResNet without pooling and classifier."""
    layers: list[nn.Module] = [convolution(3, 64), nn.ReLU(inplace=True)]
    inputs = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        for number in range(count):
            layers.append(Block(inputs, width, 2 if stage > 0 and number == 0 else 1, widening))
            inputs = widening * width
    return nn.Sequential(*layers)


SMALL = ((32, 2), (64, 2), (128, 2), (256, 1))
"""Channels and strides of the small network, which is to be fast on one processor core."""


class Network(nn.Module):
    """Features for use, and what the loss compares.

    The head is ``Linear - BatchNorm - ReLU - Linear`` (arXiv 2002.05709); features are taken before it.
    """

    def __init__(self, body: nn.Module, width: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Sequential(
            nn.Linear(width, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, outputs)
        )

    def features(self, images: Tensor) -> Tensor:
        """Return the mean over places of the body's output; images [N, 3, H, W] → [N, width]."""
        centred = ((images - 0.5) * 4).contiguous(memory_format=torch.channels_last)
        maps: Tensor = self.body(centred)
        return maps.mean((2, 3))

    def forward(self, images: Tensor) -> Tensor:
        """Return what the loss compares; images [N, 3, H, W] → [N, outputs]."""
        projected: Tensor = self.head(self.features(images))
        return projected


def create_network(name: Literal["small", "resnet18", "resnet50"]) -> Network:
    """Return a new network, its weights drawn from torch's global generator."""
    if name == "small":
        network = Network(small(SMALL), SMALL[-1][0], 256, 128)
    elif name == "resnet18":
        network = Network(resnet((2, 2, 2, 2), 1), 512, 512, 128)
    else:
        network = Network(resnet((3, 4, 6, 3), 4), 2048, 512, 128)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # the stubs know it beside a device only
    return network


def small(layers: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Return 3 x 3 convolutions one after another, each with batch normalisation and ReLU."""
    inputs = [3, *(channels for channels, _ in layers)]
    parts = [
        nn.Sequential(convolution(before, channels, 3, stride), nn.ReLU(inplace=True))
        for before, (channels, stride) in zip(inputs, layers, strict=False)
    ]
    return nn.Sequential(*parts)
