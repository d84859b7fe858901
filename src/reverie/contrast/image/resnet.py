"""ResNets for small images (He et al., arXiv 1512.03385), with a first convolution of 3 x 3 and no pooling behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


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
