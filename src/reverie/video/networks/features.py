"""Any module as a network of this room: the output of one of its layers is the feature map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from reverie.errors import ConfigError, unknown
from reverie.video.networks.axes import found_axes, known_axes
from reverie.video.networks.config import NetworkOptions
from reverie.video.networks.network import ClipNetwork
from reverie.video.roles import Normalisation

_AS_IT_IS = Normalisation((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
_Takes = Literal["btchw", "bcthw", "(bt)chw"]
_CLIPS = 3
"""Clips that a module is tried with: a number that is seldom one of frames, places or channels."""


class HookedNetwork(ClipNetwork):
    """A `VideoNetwork` made of any module.

    Parameters
    ----------
    module : torch.nn.Module
        Takes a batch of clips as its first argument.
    layer : str
        Name of one of its modules, such as ``"layer4"`` or ``"encoder.layer.11"``; its output is looked at.
    frames, size : int
        Frames, height and width of the clips that it is tried with, to find out shapes.
    classes : int, optional
        Logits of a new linear head on the mean of the features.
    head : str or torch.nn.Module, optional
        In the place of a new one: a module, or the name of one in `module`, that maps the mean of the features to logits.
    layout : str
        Of the layer's output: ``"auto"`` finds it by shapes, or one of `reverie.video.networks.axes.LAYOUTS`.
    extra : int, optional
        Tokens before those of places, such as a class token; found by their number where not given.
    takes : {"btchw", "bcthw", "(bt)chw"}
        What the module is given: frames first, channels first, or frames one by one.
    normalisation : Normalisation
        Of clips in [0, 1]; by default they reach the module as they are.
    options : NetworkOptions, optional
        State of BatchNorm, freezing (the only point is ``module``), dropout of a new head.
    """

    parts = ("module",)

    def __init__(
        self,
        module: nn.Module,
        layer: str,
        frames: int,
        size: int,
        classes: int | None = None,
        head: str | nn.Module | None = None,
        layout: str = "auto",
        extra: int | None = None,
        takes: _Takes = "btchw",
        normalisation: Normalisation = _AS_IT_IS,
        options: NetworkOptions | None = None,
    ) -> None:
        names = dict(module.named_modules())
        if layer not in names:
            raise unknown("layer", layer, filter(None, names))
        if takes not in get_args(_Takes):
            raise unknown("order of axes, takes,", takes, get_args(_Takes))
        if isinstance(head, str) and head not in names:
            raise unknown("head", head, filter(None, names))
        if (classes is None) == (head is None):
            raise ConfigError("a network made of a module needs a number of classes, for a new head, or a head; give one of both")
        shape = _shape(module, names[layer], takes, frames, size)
        if shape is None:
            raise ConfigError(
                f"the module does not take clips of {frames} frames and {size} pixels as {takes}; give other frames, size or takes"
            )
        if layout == "auto":
            axes = found_axes(shape, _CLIPS, frames, _shape(module, names[layer], takes, 2 * frames, size), extra)
        else:
            axes = known_axes(layout, shape, _CLIPS, frames, extra)
        channels = axes.feature_map(torch.empty(shape, device="meta"), frames, size, size).shape[2]
        super().__init__(options or NetworkOptions(), classes or 1, channels, frames, size, normalisation)
        self.module, self.layer, self.takes, self.axes = module, layer, takes, axes
        if head is not None:
            self.head = _Pooled(module.get_submodule(head) if isinstance(head, str) else head)
            self.classes = _logits(self.head, channels, self.mean.device)
        self.settle()

    def feature_map(self, clips: Tensor) -> Tensor:
        """Return features of clips [B, T, 3, H, W] → [B, T', C, H', W']."""
        output = _output(self.module, self.module.get_submodule(self.layer), self.normalised(clips), self.takes)
        return self.axes.feature_map(output, clips.shape[1], clips.shape[3], clips.shape[4])


@torch.no_grad()
def _logits(head: nn.Module, channels: int, device: torch.device) -> int:
    """Return how many logits a head makes of a map of some channels."""
    try:
        return int(head(torch.zeros(1, 1, channels, 1, 1, device=device)).shape[1])
    except (RuntimeError, ValueError, IndexError) as error:
        raise ConfigError(f"the head does not take the {channels} channels of the layer; give another head, or classes") from error


class _Pooled(nn.Module):
    """A head behind the mean over time and space."""

    def __init__(self, head: nn.Module) -> None:
        super().__init__()
        self.linear = head

    def forward(self, features: Tensor) -> Tensor:
        """Return logits; features [B, T', C, H', W'] → [B, K]."""
        logits: Tensor = self.linear(features.mean((1, 3, 4)))
        return logits


def _output(module: nn.Module, layer: nn.Module, clips: Tensor, takes: str) -> Tensor:
    """Run a module on clips [B, T, 3, H, W] and return what a layer of it gave last."""
    seen: list[Any] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        module(clips if takes == "btchw" else clips.transpose(1, 2) if takes == "bcthw" else clips.flatten(0, 1))
    finally:
        handle.remove()  # for each call anew: a copy of the network must not tell the first one what it sees
    if not seen:
        raise ConfigError("the layer that is looked at is not used by the module; name another one")
    found = seen[-1]
    if isinstance(found, Mapping):
        found = found.get("last_hidden_state", next(iter(found.values()), None))
    if isinstance(found, tuple | list):
        found = next((one for one in found if isinstance(one, Tensor)), None)
    if not isinstance(found, Tensor):
        raise ConfigError("the layer that is looked at gives no tensor; name another one")
    return found


@torch.no_grad()
def _shape(module: nn.Module, layer: nn.Module, takes: str, frames: int, size: int) -> tuple[int, ...] | None:
    """Return the shape of a layer's output for some clips; None where the module does not take them."""
    training = [one for one in module.modules() if one.training]
    weight = next(module.parameters(), torch.empty(0))
    module.eval()
    try:
        return tuple(_output(module, layer, torch.zeros(_CLIPS, frames, 3, size, size, device=weight.device), takes).shape)
    except (RuntimeError, ValueError, IndexError):
        return None
    finally:
        for one in training:
            one.training = True
