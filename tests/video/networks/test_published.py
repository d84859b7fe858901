"""Published networks have the published numbers of weights; parts of networks that have a closed form."""

import pytest
import torch

from reverie.seeds import seed_torch
from reverie.video.networks.config import PUBLISHED
from reverie.video.networks.create import create_network
from reverie.video.networks.r2plus1d import between, factorised


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("tsm", 24.33),  # ResNet-50 (25.557 with 1,000 classes) with 400
        ("x3d", 3.8),  # X3D-M, table 3 of arXiv 2004.04730
        ("slowfast", 34.48),  # as in the authors' list of models
        ("mvit", 34.5),  # MViTv2-S, table 4 of arXiv 2112.01526
    ],
)
def test_published_networks_have_the_published_size(name: str, millions: float, monkeypatch: pytest.MonkeyPatch) -> None:
    for draw in ("kaiming_uniform_", "kaiming_normal_", "trunc_normal_", "normal_"):  # only the sizes matter
        monkeypatch.setattr(torch.nn.init, draw, lambda weight, *_, **__: weight)
    network = create_network(name, 400, 16, 224, **PUBLISHED[name])
    assert sum(weight.numel() for weight in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


def test_factorised_convolutions_have_as_many_weights_as_whole_ones() -> None:
    for inputs, outputs in ((64, 64), (64, 128), (16, 48)):
        weights = sum(w.numel() for w in factorised(inputs, outputs, 1, 1).parameters() if w.dim() > 1)
        assert 0.98 * 27 * inputs * outputs < weights <= 27 * inputs * outputs
    assert between(64, 64) == 144


def test_the_fast_pathway_tells_the_slow_one_of_frames_that_it_does_not_see() -> None:
    seed_torch(0, "weights")
    network = create_network("slowfast", 2, 8, 32, widths=(4, 4), blocks=(1, 1), strides=(1, 2), first=4, beta=2, alpha=4).eval()
    clips = torch.rand(1, 8, 3, 32, 32)
    changed = clips.clone()
    changed[:, 2] = 1 - changed[:, 2]  # the slow pathway sees frames 0 and 4
    wide = 4 * 4
    with torch.no_grad():
        assert not torch.allclose(network.feature_map(clips)[:, :, :wide], network.feature_map(changed)[:, :, :wide], atol=1e-6)
        for part in (network.stem, *network.stages):
            if part.lateral is not None:
                part.lateral[0][1].weight.zero_()
        assert torch.equal(network.feature_map(clips)[:, :, :wide], network.feature_map(changed)[:, :, :wide])
