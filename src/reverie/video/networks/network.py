"""What the networks of this room have in common: normalisation inside, a head, parts that do not learn, states of BatchNorm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from reverie.errors import ConfigError, DataError, unknown
from reverie.video.networks.config import NetworkOptions
from reverie.video.roles import Normalisation

IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and spread that networks taught on ImageNet are given."""
ALL_BUT_HEAD = "all-but-head"


class Head(nn.Module):
    """Mean over time and space, where asked for a hidden layer, dropout and one linear map."""

    def __init__(self, channels: int, classes: int, dropout: float, hidden: int = 0) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(inplace=True)) if hidden else nn.Identity()
        channels = hidden or channels
        self.dropout, self.linear = nn.Dropout(dropout), nn.Linear(channels, classes)
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits; features [B, T', C, H', W'] → [B, K]."""
        logits: Tensor = self.linear(self.dropout(self.hidden(features.mean((1, 3, 4)))))
        return logits


class Stage(nn.ModuleList):
    """Blocks, one after the other."""

    def forward(self, x: Tensor, *more: int) -> Tensor:
        """Transform; every block is told the same of x."""
        for block in self:
            x = block(x, *more)
        return x


class ClipNetwork(nn.Module):
    """Base of the networks: a `reverie.video.roles.VideoNetwork`.

    Parameters
    ----------
    config : NetworkOptions
    classes : int
    channels : int
        C of the feature map.
    frames, size : int
        T, and height and width, that it is made for.
    normalisation : Normalisation
        Of clips in [0, 1], applied inside.
    """

    name: str = ""
    """What `create_network` calls it."""

    parts: ClassVar[tuple[str, ...]] = ("stem", "stages")
    """Attributes in the order in which a clip passes them; a `ModuleList` counts one by one: ``stages`` are ``stage1`` …"""
    head: nn.Module
    norm: nn.Module
    """Of what the head reads, over channels. The feature map is what comes before: LayerNorm gives all places one channel mean, and
    then none would be salient."""
    mean: Tensor
    std: Tensor

    def __init__(
        self, config: NetworkOptions, classes: int, channels: int, frames: int, size: int, normalisation: Normalisation = IMAGENET
    ) -> None:
        super().__init__()
        self.config, self.classes, self.channels, self.normalisation = config, classes, channels, normalisation
        self.frames, self.size = frames, size
        self.head, self.norm = Head(channels, classes, config.dropout), nn.Identity()
        for name, value in (("mean", normalisation.mean), ("std", normalisation.std)):
            self.register_buffer(name, torch.tensor(value).view(3, 1, 1), persistent=False)

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']."""
        raise NotImplementedError

    def classify(self, features: Tensor) -> Tensor:
        """Return logits of a feature map [B, T', C, H', W'] → [B, K]."""
        logits: Tensor = self.head(self._read(features))
        return logits

    def embed(self, clips: Tensor) -> Tensor:
        """Return the mean over time and space of what the head reads; clips [B, T, 3, H, W] → [B, C]."""
        return self._read(self.feature_map(clips)).float().mean((1, 3, 4))

    def _read(self, features: Tensor) -> Tensor:
        found: Tensor = self.norm(features.movedim(2, -1))
        return found.movedim(-1, 2)

    def forward(self, clips: Tensor) -> Tensor:
        """Return logits of clips [B, T, 3, H, W] → [B, K]."""
        return self.classify(self.feature_map(clips))

    def normalised(self, clips: Tensor) -> Tensor:
        """Return clips with the encoder's mean and spread; [B, T, 3, H, W] → the same shape."""
        if clips.ndim != 5 or clips.shape[2] != 3 or not clips.is_floating_point():
            raise DataError(
                f"a network takes floats [B, T, 3, H, W] in [0, 1], not {clips.dtype} {list(clips.shape)}; convert them"
            )
        return (clips - self.mean) / self.std

    def freeze_points(self) -> dict[str, nn.Module]:
        """Return the parts by name, in the order in which a clip passes them."""
        found: dict[str, nn.Module] = {}
        for name in self.parts:
            part = getattr(self, name)
            if isinstance(part, nn.ModuleList):
                found |= {f"{name.removesuffix('s')}{at}": one for at, one in enumerate(part, 1)}
            else:
                found[name] = part
        return found

    def settle(self) -> None:
        """Stop what the options freeze from learning; called once, at the end of building."""
        for part in self._frozen():
            part.requires_grad_(False)
        if self.config.batchnorm == "frozen":
            for norm in batch_norms(self):
                norm.requires_grad_(False)
        self.train(self.training)

    def _frozen(self) -> Sequence[nn.Module]:
        """Return the parts that the options freeze."""
        points, last = self.freeze_points(), self.config.freeze
        if last == "none":
            return ()
        if last == ALL_BUT_HEAD:
            return tuple(part for name, part in self.named_children() if name != "head")
        if last not in points:
            raise unknown("freeze point", last, ["none", *points, ALL_BUT_HEAD])
        return tuple(points.values())[: list(points).index(last) + 1]

    def train(self, mode: bool = True) -> ClipNetwork:
        """Set the mode; frozen parts, and BatchNorm that is not to be trained, stay as in evaluation."""
        super().train(mode)
        if mode:
            still = [norm for part in self._frozen() for norm in part.modules()]
            still += [] if self.config.batchnorm == "train" else batch_norms(self)
            for module in still:
                module.training = False
        return self


def batch_norms(module: nn.Module) -> list[_BatchNorm]:
    """Return the BatchNorm layers of a module."""
    return [one for one in module.modules() if isinstance(one, _BatchNorm)]


def require_sides(size: int, least: int, name: str) -> None:
    """Raise where frames are too small for a network."""
    if size < least:
        raise ConfigError(f"{name} needs frames of at least {least} pixels, and these have {size}; prepare them larger")
