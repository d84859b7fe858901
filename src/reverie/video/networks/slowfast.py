"""A SlowFast-type network: a wide pathway sees few frames, a narrow one all of them, and tells the wide one what it sees.

.. [1] Feichtenhofer et al. (2019), SlowFast Networks for Video Recognition, arXiv 1812.03982, section 3: α, β, and lateral
   connections by a convolution 5×1×1 of stride α. ``PUBLISHED["slowfast"]`` has the sizes of its SlowFast 4×16, R50.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.video.networks.config import SlowfastConfig
from reverie.video.networks.convolutions import Kernel, convolution, residual_stages, start, volumes
from reverie.video.networks.drop_path import DropPath
from reverie.video.networks.network import ClipNetwork

_TEMPORAL = 2
"""First stage in which the slow pathway has temporal convolutions: res4, the third."""
_WIDENING = 4


class Bottleneck(nn.Module):
    """A residual block: t×1×1, 1×3×3 and 1×1×1 with four times the channels."""

    def __init__(self, inputs: int, width: int, stride: int, time: int, drop: float) -> None:
        super().__init__()
        outputs = _WIDENING * width
        layers = [convolution(inputs, width, (time, 1, 1)), nn.ReLU(inplace=True)]
        layers += [convolution(width, width, (1, 3, 3), (1, stride, stride)), nn.ReLU(inplace=True)]
        self.body, self.drop = nn.Sequential(*layers, convolution(width, outputs, (1, 1, 1))), DropPath(drop)
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else convolution(inputs, outputs, (1, 1, 1), (1, stride, stride))

    def forward(self, x: Tensor) -> Tensor:
        """Transform; x [B, C, T, H, W] → [B, C', T, H', W']."""
        out: Tensor = F.relu(self.shortcut(x) + self.drop(self.body(x)))
        return out


def stem(outputs: int, kernel: Kernel) -> nn.Sequential:
    """Return the first convolution of a pathway, and pooling by 2."""
    pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
    return nn.Sequential(convolution(3, outputs, kernel, (1, 2, 2)), nn.ReLU(inplace=True), pool)


class Pathways(nn.Module):
    """One part of both pathways, and the lateral connection to the slow one behind it, but for the last part."""

    def __init__(self, slow: nn.Module, fast: nn.Module, channels: int, alpha: int, lateral: bool) -> None:
        super().__init__()
        self.slow, self.fast = slow, fast
        across = (alpha, 1, 1)
        self.lateral = (
            nn.Sequential(convolution(channels, 2 * channels, (5, 1, 1), across), nn.ReLU(inplace=True)) if lateral else None
        )

    def forward(self, slow: Tensor, fast: Tensor) -> tuple[Tensor, Tensor]:
        """Transform both; slow [B, C, T / α, H, W], fast [B, c, T, H, W]."""
        slow, fast = self.slow(slow), self.fast(fast)
        return (slow if self.lateral is None else torch.cat([slow, self.lateral(fast)], 1)), fast


class Slowfast(ClipNetwork):
    """Two pathways with lateral connections (type of "SlowFast", arXiv 1812.03982); T' = ⌈T / α⌉; the fast one is averaged."""

    def __init__(self, config: SlowfastConfig, classes: int, frames: int, size: int) -> None:
        narrow = [max(1, width // config.beta) for width in (config.first, *config.widths)]
        super().__init__(config, classes, _WIDENING * (config.widths[-1] + narrow[-1]), frames, size)
        side, alpha = config.kernel, config.alpha
        self.alpha = alpha
        self.stem = Pathways(stem(config.first, (1, side, side)), stem(narrow[0], (5, side, side)), narrow[0], alpha, lateral=True)
        self.stages = nn.ModuleList()
        fast_options = config.model_copy(update={"widths": tuple(narrow[1:])})
        fast = residual_stages(
            fast_options, narrow[0], lambda a, b, stride, stage, number, drop: Bottleneck(a, b, stride, 3, drop), _WIDENING
        )
        extra = [2 * narrow[0], *(2 * _WIDENING * width for width in narrow[1:])]

        def slow_block(inputs: int, width: int, stride: int, stage: int, number: int, drop: float) -> Bottleneck:
            more = extra[stage] if number == 0 else 0
            return Bottleneck(inputs + more, width, stride, 3 if stage >= _TEMPORAL else 1, drop)

        slow = residual_stages(config, config.first, slow_block, _WIDENING)
        for at, (one, other) in enumerate(zip(slow, fast, strict=True)):
            self.stages.append(Pathways(one, other, _WIDENING * narrow[at + 1], alpha, lateral=at < len(slow) - 1))
        start(self)
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']."""
        fast = volumes(self.normalised(clips))
        slow = fast[:, :, :: self.alpha].contiguous(memory_format=torch.channels_last_3d)
        for part in (self.stem, *self.stages):
            slow, fast = part(slow, fast)
        times = F.adaptive_avg_pool3d(fast, (slow.shape[2], slow.shape[3], slow.shape[4]))
        return torch.cat([slow, times], 1).transpose(1, 2)
