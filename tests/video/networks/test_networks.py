"""What every network promises: shapes, any number of frames, gradients, freeze points, states of BatchNorm, and saving."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from reverie.errors import ConfigError, DataError, RunError
from reverie.nn.averaging import as_teacher
from reverie.seeds import seed_torch
from reverie.video.mixing.svmix.labels import saliency
from reverie.video.networks.create import NETWORKS, create_network
from reverie.video.networks.network import ClipNetwork, batch_norms
from reverie.video.networks.saved import load_network, save_network

TINY = {
    "tsm": {"widths": (8, 16, 16, 24)},
    "r2plus1d": {"widths": (6, 8, 8, 12)},
    "x3d": {"widths": (8, 8, 12, 12)},
    "slowfast": {"widths": (4, 4, 8, 8), "first": 8, "beta": 2},
    "vit-space-time": {"dim": 24, "blocks": 2},
    "mvit": {"dim": 8, "blocks": (1, 1, 1)},
}
NAMES = sorted(TINY)


def tiny(name: str, frames: int = 4, size: int = 32, **options: object) -> ClipNetwork:
    seed_torch(0, "weights")
    return create_network(name, 3, frames, size, **{**TINY[name], **options})


def clips(frames: int = 4, size: int = 32) -> torch.Tensor:
    return torch.rand(2, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_every_network_is_tried() -> None:
    assert set(TINY) == {name for name in NETWORKS if not NETWORKS[name].tags & {"needs-folder", "needs-weights"}}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("frames", [1, 3, 4, 8])
def test_any_number_of_frames_gives_features_and_logits(name: str, frames: int) -> None:
    network = tiny(name).eval()
    with torch.no_grad():
        features = network.feature_map(clips(frames))
        logits = network(clips(frames))
    assert features.shape[0] == 2
    assert features.shape[2] == network.channels
    assert 1 <= features.shape[1] <= frames
    assert logits.shape == (2, 3)
    assert torch.equal(logits, network.classify(features))


@pytest.mark.parametrize("name", NAMES)
def test_places_differ_in_what_saliency_reads(name: str) -> None:
    network = tiny(name, 4, 64).eval()
    with torch.no_grad():
        features = network.feature_map(clips(4, 64))
        salient = saliency(features) * features[0, :, 0].numel()
        vectors = network.embed(clips(4, 64))
        assert torch.allclose(network.head.linear(network.head.hidden(vectors)), network.classify(features), atol=1e-5)
    assert salient.std() > 0.002, "LayerNorm as the last layer would give all places the same channel mean"


@pytest.mark.parametrize("name", ["mvit", "vit-space-time"])
def test_the_head_of_a_transformer_reads_what_layer_norm_made(name: str) -> None:
    network = tiny(name).eval()
    with torch.no_grad():
        features = network.feature_map(clips())
        places = features.permute(0, 1, 3, 4, 2)
        places = (places - places.mean(-1, keepdim=True)) / (places.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
        expected = network.head.linear(places.mean((1, 2, 3)))
        assert torch.allclose(network(clips()), expected, atol=1e-5)


@pytest.mark.parametrize(("spread", "expected"), [(None, 128**-0.5), (0.02, 0.02)])
def test_first_weights_of_mvit_are_spread_by_width_or_as_asked(spread: float | None, expected: float) -> None:
    weight = tiny("mvit", spread=spread).get_submodule("stages.2.0.mlp.2").weight  # 32 channels of 128
    assert weight.shape == (32, 128)
    assert float(weight.detach().std()) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_at_64_pixels_the_map_has_four_by_four_places(name: str) -> None:
    network = create_network(name, 3, 4, 64, **TINY[name]).eval()
    with torch.no_grad():
        shape = network.feature_map(clips(4, 64)).shape
    assert min(shape[3:]) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_all_weights_learn_and_the_loss_falls(name: str) -> None:
    network, x, y = tiny(name).train(), clips(), torch.tensor([0, 1])
    losses = []
    for _ in range(10):
        network.zero_grad()
        loss = F.cross_entropy(network(x), y)
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            for weight in network.parameters():
                weight -= 0.1 * weight.grad
    assert losses[-1] < 0.5 * losses[0]
    assert [key for key, value in network.named_parameters() if value.grad is None or not value.grad.any()] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_network(name: str) -> None:
    first, second = tiny(name).state_dict(), tiny(name).state_dict()
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_frames_matters(name: str) -> None:
    network, x = tiny(name, frames=8).eval(), clips(8)
    with torch.no_grad():
        assert not torch.allclose(network(x), network(x.flip(1)), atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_normalisation_is_inside(name: str) -> None:
    network, x = tiny(name).eval(), clips()
    mean, std = (torch.tensor(one).view(3, 1, 1) for one in (network.normalisation.mean, network.normalisation.std))
    with torch.no_grad():
        expected = network(x)
        network.mean.zero_()
        network.std.fill_(1)
        assert torch.allclose(network((x - mean) / std), expected, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_freeze_points_stop_everything_before_them(name: str) -> None:
    points = list(tiny(name).freeze_points())
    for last in (points[0], points[1], "all-but-head"):
        network = tiny(name, freeze=last).train()
        still = points[: points.index(last) + 1] if last in points else points
        frozen = {id(p) for one in still for p in network.freeze_points()[one].parameters()}
        learning = [key for key, p in network.named_parameters() if p.requires_grad]
        assert not [key for key, p in network.named_parameters() if id(p) in frozen and p.requires_grad]
        if last == "all-but-head":
            assert learning == ["head.linear.weight", "head.linear.bias"]
        else:
            assert len(learning) > 2
    with pytest.raises(ConfigError, match=r"unknown freeze point 'stage9'.*known: .*all-but-head.*stage1"):
        tiny(name, freeze="stage9")


@pytest.mark.parametrize("name", [one for one in NAMES if batch_norms(tiny(one))])
@pytest.mark.parametrize("state", ["train", "eval", "frozen"])
def test_batchnorm_keeps_the_state_that_was_asked_for(name: str, state: str) -> None:
    network = tiny(name, batchnorm=state).train()
    before = [norm.running_mean.clone() for norm in batch_norms(network)]
    network(clips())
    moved = [not torch.equal(norm.running_mean, old) for norm, old in zip(batch_norms(network), before, strict=True)]
    assert set(moved) == {state == "train"}
    assert all(norm.weight.requires_grad == (state != "frozen") for norm in batch_norms(network))


def test_the_norms_of_frozen_parts_keep_their_statistics() -> None:
    network = tiny("tsm", freeze="stage1").train()
    still = batch_norms(network.stem) + batch_norms(network.stages[0])
    before = [norm.running_mean.clone() for norm in still]
    network(clips())
    assert all(torch.equal(norm.running_mean, old) for norm, old in zip(still, before, strict=True))
    assert batch_norms(network.stages[1])[0].running_mean.any()


@pytest.mark.parametrize("name", NAMES)
def test_a_teacher_is_without_noise_though_its_batchnorm_trains(name: str) -> None:
    network, x = tiny(name, drop_path=0.5, dropout=0.5), clips()
    network.train()
    assert not torch.equal(network(x), network(x))
    as_teacher(network)
    assert torch.equal(network(x), network(x))
    assert all(norm.training for norm in batch_norms(network))


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_network_comes_back(name: str, tmp_path: Path) -> None:
    network = tiny(name, freeze="stem").eval()
    save_network(network, tmp_path, ["a", "b", "c"], {"seed": 3})
    again, saved = load_network(tmp_path)
    with torch.no_grad():
        assert torch.equal(again(clips()), network(clips()))
    assert (saved.name, saved.classes, saved.about) == (name, ("a", "b", "c"), {"seed": 3})
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(weights.read_bytes() + b" ")
    with pytest.raises(RunError, match="was changed after it was written; train it again"):
        load_network(tmp_path)


def test_a_folder_without_a_network_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no trained network of video"):
        load_network(tmp_path)
    (tmp_path / "network.json").write_text('{"format": 9}')
    with pytest.raises(RunError, match="not of a format that this version reads"):
        load_network(tmp_path)


def test_wrong_options_are_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"unknown video network 'tms'.*did you mean 'tsm'"):
        create_network("tms", 3, 8, 64)
    with pytest.raises(ConfigError, match="one value for each stage"):
        create_network("tsm", 3, 8, 64, widths=(8, 16))
    with pytest.raises(ConfigError, match="frames of at least 16 pixels"):
        create_network("mvit", 3, 8, 8)
    with pytest.raises(ConfigError, match="classes must be at least 1"):
        create_network("tsm", 0, 8, 64)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_gives_about_the_same(name: str) -> None:
    network, x = tiny(name).eval(), clips()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        found = network.feature_map(x).float()
    with torch.no_grad():
        expected = network.feature_map(x)
    assert found.isfinite().all()
    assert (found - expected).norm() < 0.05 * expected.norm()


@pytest.mark.parametrize(
    "clips", [torch.zeros(1, 4, 4, 32, 32), torch.zeros(1, 4, 3, 32, 32, dtype=torch.uint8), torch.zeros(4, 3, 32, 32)]
)
def test_clips_of_another_kind_are_refused(clips: torch.Tensor) -> None:
    network = create_network("tsm", 2, 4, 32, widths=(8, 8), blocks=(1, 1), strides=(1, 2))
    with pytest.raises(DataError, match=r"a network takes floats \[B, T, 3, H, W\] in \[0, 1\], not torch"):
        network(clips)
