"""Frames looked at one by one by EfficientNet-lite0, which was taught on ImageNet and is frozen, and a small head over time.

Its weights install from the package index (17 MB, Apache-2.0). It sees what is in a frame, and motion only by what changes between
frames: the head filters each feature over three frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.nn.efficientnet import WIDTH, EfficientNetLite0, load_features
from reverie.video.networks.config import EfficientnetLite0Config
from reverie.video.networks.network import ClipNetwork
from reverie.video.roles import Normalisation

PREPARED = Normalisation((127 / 255, 127 / 255, 127 / 255), (128 / 255, 128 / 255, 128 / 255))
"""(pixel - 127) / 128, as it was taught."""


class TimeHead(nn.Module):
    """Mean over space, narrow, a convolution over three frames of each channel, mean over time, dropout and one linear map."""

    def __init__(self, channels: int, hidden: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.narrow, self.norm = nn.Linear(channels, hidden), nn.LayerNorm(hidden)
        self.time = nn.Conv1d(hidden, hidden, 3, padding=1, groups=hidden)
        self.dropout, self.linear = nn.Dropout(dropout), nn.Linear(hidden, classes)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits; features [B, T, C, H', W'] → [B, K]."""
        frames = self.norm(self.narrow(features.mean((3, 4)))).mT
        logits: Tensor = self.linear(self.dropout(F.gelu(frames + self.time(frames)).mean(2)))
        return logits


class FrozenFrames(ClipNetwork):
    """EfficientNet-lite0 on each frame (arXiv 1905.11946), frozen unless the options say otherwise; T' = T.

    Parameters
    ----------
    config : EfficientnetLite0Config
    classes, frames, size : int
        As of every network; it takes any number of frames and any size.
    body : EfficientNetLite0, optional
        In the place of the one that is fetched.
    """

    parts = ("body",)

    def __init__(
        self, config: EfficientnetLite0Config, classes: int, frames: int, size: int, body: EfficientNetLite0 | None = None
    ) -> None:
        super().__init__(config, classes, WIDTH, frames, size, PREPARED)
        self.side = config.side
        self.body = body if body is not None else load_features()
        for weight in self.body.parameters():
            weight.requires_grad_(True)
            if weight.dim() == 4:
                weight.data = weight.data.contiguous(memory_format=torch.channels_last)
        self.head = TimeHead(WIDTH, config.hidden, classes, config.dropout)
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T, 1280, H', W']."""
        x = self.normalised(clips).flatten(0, 1)
        if self.side and x.shape[2:] != (self.side, self.side):
            x = F.interpolate(x, size=(self.side, self.side), mode="bilinear", antialias=True)
        found: Tensor = self.body(x.contiguous(memory_format=torch.channels_last))
        return found.view(*clips.shape[:2], *found.shape[1:])
