"""Frozen features of frames and a head over time; the fetched weights have tests of their own."""

import torch
from torch.nn import functional as F

from reverie.nn.efficientnet import EfficientNetLite0, fused
from reverie.seeds import seed_torch
from reverie.video.networks.config import EfficientnetLite0Config
from reverie.video.networks.frames import FrozenFrames


def network(**options: object) -> FrozenFrames:
    seed_torch(0, "weights")
    body = EfficientNetLite0().eval()
    for part in body.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.constant_(part.weight, 3.0)  # random weights alone make features of nothing
    return FrozenFrames(EfficientnetLite0Config(**{"side": 0, "hidden": 8, **options}), 3, 3, 32, fused(body))


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Random weights amplify rounding, so values are compared as a whole."""
    return bool((found - expected).norm() < 1e-3 * expected.norm())


def test_features_are_those_of_the_pictures_and_only_the_head_learns() -> None:
    made = network().train()
    clips = torch.rand(2, 3, 3, 32, 48)
    features = made.feature_map(clips)
    assert features.shape == (2, 3, 1280, 1, 2)
    picture = (clips[1, 2] * 255 - 127) / 128
    assert close(features[1, 2], made.body(picture[None])[0])
    assert features.std() > 0
    made(clips).square().sum().backward()
    assert {name.partition(".")[0] for name, weight in made.named_parameters() if weight.grad is not None} == {"head"}
    resized = network(side=64).feature_map(clips[:1, :1])
    expected = F.interpolate(clips[0, :1], size=(64, 64), mode="bilinear", antialias=True)
    assert close(resized[0], made.body((expected * 255 - 127) / 128))


def test_the_head_sees_the_order_of_frames() -> None:
    made = network().eval()
    features = torch.randn(1, 4, 1280, 1, 1)
    with torch.no_grad():
        assert made.classify(features).shape == (1, 3)
        assert not torch.allclose(made.classify(features), made.classify(features.flip(1)), atol=1e-5)


def test_the_body_can_learn_where_asked() -> None:
    made = network(freeze="none")
    made(torch.rand(1, 2, 3, 32, 32)).sum().backward()
    assert made.body.stem[0].weight.grad is not None
