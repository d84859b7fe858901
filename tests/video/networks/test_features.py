"""Any module as a network: layouts are found, and every place of the map is the place of the layer's output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reverie.errors import ConfigError
from reverie.seeds import seed_torch
from reverie.video.networks.axes import LAYOUTS, Axes, known_axes
from reverie.video.networks.config import NetworkOptions
from reverie.video.networks.features import HookedNetwork
from reverie.video.networks.saved import save_network


class Convolutions(nn.Module):
    """As those of torchvision: channels first, then pooled, then a linear map."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 6, 3, (1, 2, 2), 1), nn.BatchNorm3d(6), nn.ReLU())
        self.layer1 = nn.Conv3d(6, 10, 3, 2, 1)
        self.avgpool, self.fc = nn.AdaptiveAvgPool3d(1), nn.Linear(10, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.layer1(self.stem(x))).flatten(1))


class Turned(nn.Module):
    """Gives its features in a layout of its own."""

    def __init__(self, layout: str) -> None:
        super().__init__()
        self.layout, self.conv, self.out = layout, nn.Conv3d(3, 7, (2, 4, 4), (2, 4, 4)), nn.Identity()

    def forward(self, clips: Tensor) -> Any:
        x = self.conv(clips.transpose(1, 2)).permute(0, 2, 1, 3, 4)  # b t c h w
        last = x.permute(0, 1, 3, 4, 2)
        first = x.new_zeros(len(x), 1, 7)
        made = {
            "btchw": x, "bcthw": x.transpose(1, 2), "bthwc": last, "(bt)chw": x.flatten(0, 1), "(bt)hwc": last.flatten(0, 1),
            "b(thw)c": torch.cat([first, last.flatten(1, 3)], 1),
            "b(hwt)c": torch.cat([first, x.permute(0, 3, 4, 1, 2).flatten(1, 3)], 1),
            "(bt)(hw)c": last.flatten(0, 1).flatten(1, 2),
        }[self.layout]  # fmt: skip
        return self.out({"last_hidden_state": made} if self.layout == "b(thw)c" else (made, None))


def clips(frames: int = 4, size: int = 16) -> Tensor:
    return torch.rand(2, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_a_channels_first_network_keeps_its_own_head() -> None:
    seed_torch(0, "weights")
    module = Convolutions().eval()
    network = HookedNetwork(module, "layer1", 4, 16, head="fc", takes="bcthw").eval()
    x = clips()
    assert network.feature_map(x).shape == (2, 2, 10, 4, 4)
    assert (network.axes, network.channels, network.classes) == (Axes("bcthw", 2), 10, 4)
    assert torch.allclose(network(x), module(x.transpose(1, 2)), atol=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
@torch.no_grad()
def test_every_layout_gives_the_same_map(layout: str) -> None:
    module = Turned(layout)
    auto = "auto" if layout != "b(hwt)c" else layout
    network = HookedNetwork(module, "out", 4, 16, classes=3, layout=auto).eval()
    assert network.axes == Axes(layout, 2, int(layout in ("b(thw)c", "b(hwt)c")))
    for frames, size in ((4, 16), (6, 16), (8, 24)):
        x = clips(frames, size)
        expected = module.conv(x.transpose(1, 2)).transpose(1, 2)
        assert torch.equal(network.feature_map(x), expected)
    wide = clips()[..., :8]
    assert torch.equal(network.feature_map(wide), module.conv(wide.transpose(1, 2)).transpose(1, 2))
    assert network(x).shape == (2, 3)


@torch.no_grad()
def test_a_model_of_transformers_is_hooked_at_any_layer() -> None:
    import transformers as library

    seed_torch(0, "weights")
    config = library.VideoMAEConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=1, image_size=16, patch_size=8, num_frames=4,
        use_mean_pooling=False,
    )  # fmt: skip
    module = library.VideoMAEModel(config).eval()
    network = HookedNetwork(module, "encoder.layer.1", 4, 16, classes=3)
    x = clips()
    expected = module.encoder.layer[1](module.encoder.layer[0](module.embeddings(x, None)))
    expected = expected[0] if isinstance(expected, tuple) else expected
    assert network.axes == Axes("b(thw)c", 2)
    assert torch.allclose(network.feature_map(x), expected.view(2, 2, 2, 2, 8).permute(0, 1, 4, 2, 3), atol=1e-6)


def test_frames_one_by_one_are_taken() -> None:
    module = nn.Sequential(nn.Conv2d(3, 5, 4, 4), nn.BatchNorm2d(5))
    network = HookedNetwork(module, "1", 4, 16, classes=3, takes="(bt)chw", options=NetworkOptions(batchnorm="eval"))
    assert network.axes == Axes("(bt)chw", 1)
    network.train()(clips()).sum().backward()
    assert module[0].weight.grad is not None
    assert not module[1].running_mean.any()
    assert network.feature_map(clips(3)).shape == (2, 3, 5, 4, 4)


def test_trying_a_module_changes_neither_its_state_nor_its_mode() -> None:
    module = Convolutions().train()
    HookedNetwork(module, "layer1", 4, 16, classes=2, takes="bcthw")
    assert not module.stem[1].running_mean.any()
    assert all(one.training for one in module.modules())
    assert not any(one._forward_hooks for one in module.modules())


def test_class_tokens_are_counted() -> None:
    assert known_axes("b(thw)c", (2, 1 + 8 * 196, 5), 2, 16, None) == Axes("b(thw)c", 2, 1)
    assert known_axes("b(thw)c", (2, 2 + 4 * 9, 5), 2, 4, 2) == Axes("b(thw)c", 1, 2)
    assert known_axes("(bt)(hw)c", (8, 5 + 16, 5), 2, 4, None) == Axes("(bt)(hw)c", 1, 5)


def test_extra_tokens_that_are_given_count_where_the_layout_is_found() -> None:
    assert HookedNetwork(Turned("b(thw)c"), "out", 4, 16, classes=3, extra=1).axes.extra == 1
    with pytest.raises(ConfigError, match="are no squares of places; give extra="):
        HookedNetwork(Turned("b(thw)c"), "out", 4, 16, classes=3, extra=2)


def test_what_cannot_be_hooked_is_one_sentence(tmp_path: Path) -> None:
    module = Convolutions()
    with pytest.raises(ConfigError, match=r"unknown layer 'layer2'.*did you mean 'layer1'"):
        HookedNetwork(module, "layer2", 4, 16, classes=2)
    with pytest.raises(ConfigError, match=r"unknown layer 'd'") as told:
        HookedNetwork(module, "d", 4, 16, classes=2)
    assert "known: ," not in str(told.value)
    with pytest.raises(ConfigError, match=r"takes, 'tbchw'.*known: \(bt\)chw, bcthw, btchw"):
        HookedNetwork(module, "layer1", 4, 16, classes=2, takes="tbchw")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="unknown head 'fx'"):
        HookedNetwork(module, "layer1", 4, 16, head="fx", takes="bcthw")
    with pytest.raises(ConfigError, match=r"the head does not take the \d+ channels"):
        HookedNetwork(module, "layer1", 4, 16, head=torch.nn.Linear(999, 2), takes="bcthw")
    with pytest.raises(ConfigError, match="give one of both"):
        HookedNetwork(module, "layer1", 4, 16)
    with pytest.raises(ConfigError, match="does not take clips of 4 frames and 16 pixels as btchw"):
        HookedNetwork(module, "layer1", 4, 16, classes=2)
    with pytest.raises(ConfigError, match="unknown layout 'tbchw'"):
        HookedNetwork(module, "layer1", 4, 16, classes=2, layout="tbchw", takes="bcthw")
    with pytest.raises(ConfigError, match=r"output of shape \[3, 4\] could be none that is known; give layout=, one of"):
        HookedNetwork(module, "fc", 4, 16, classes=2, takes="bcthw")
    with pytest.raises(ConfigError, match="has not the layout b"):
        HookedNetwork(module, "layer1", 4, 16, classes=2, layout="b(thw)c", takes="bcthw")
    with pytest.raises(ConfigError, match="only networks made by create_network are saved"):
        save_network(HookedNetwork(module, "layer1", 4, 16, classes=2, takes="bcthw"), tmp_path, ["a", "b"])
