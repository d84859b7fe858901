"""SV-Mix with the room's networks and with a module of somebody else, whatever their feature maps look like."""

import copy
import dataclasses

import pytest
import torch
from torch import nn

from reverie.nn.averaging import as_teacher
from reverie.seeds import seed_torch
from reverie.video.mixing import create_mixer, mask_statistics
from reverie.video.networks.create import create_network
from reverie.video.networks.features import HookedNetwork
from reverie.video.networks.network import ClipNetwork


class Volumes(nn.Module):
    """Channels first, time and space halved, four classes."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv3d(3, 6, 3, stride=(2, 8, 8), padding=1), nn.BatchNorm3d(6), nn.ReLU())

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.body(clips)
        return found


def network(name: str) -> ClipNetwork:
    seed_torch(0, "weights")
    if name == "hooked":
        return HookedNetwork(Volumes(), "body", 4, 32, classes=3, takes="bcthw")
    if name == "mvit":
        return create_network("mvit", 3, 4, 32, dim=8, blocks=[1, 1])
    return create_network("tsm", 3, 4, 32, widths=[8, 8], blocks=[1, 1], strides=[1, 2])


@pytest.mark.parametrize(("name", "frames"), [("tsm", 4), ("mvit", 2), ("hooked", 2)])
@pytest.mark.parametrize("mask", ["either", "volume"])
def test_a_step_works_and_teaches_only_the_selector(name: str, frames: int, mask: str) -> None:
    student = network(name)
    teacher = as_teacher(copy.deepcopy(student).requires_grad_(False))
    generator = torch.Generator().manual_seed(0)
    clips, labels = torch.rand(3, 4, 3, 32, 32, generator=generator), torch.eye(3)
    mixer = create_mixer("sv-mix", channels=student.channels, mask=mask)
    with torch.no_grad():
        features = teacher.feature_map(clips)
    assert features.shape[1:3] == (frames, student.channels)
    step = mixer.draw(labels, features, generator)
    student.train()(mixer.student(clips, labels, features, step).clips).square().mean().backward()
    assert all(parameter.grad is None for parameter in mixer.selector_parameters())
    before = [parameter.grad.clone() for parameter in student.parameters() if parameter.grad is not None]
    sum(mixer.teacher_loss(teacher, clips, labels, features, step).values()).backward()
    assert all(float(parameter.grad.abs().sum()) > 0 for parameter in mixer.selector_parameters())
    after = [parameter.grad for parameter in student.parameters() if parameter.grad is not None]
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert all(parameter.grad is None for parameter in teacher.parameters())


@pytest.mark.parametrize("module", ["spatial", "temporal"])
def test_saliency_makes_masks_of_one_contrast_with_a_convolutional_network_and_a_transformer(module: str) -> None:
    found = {}
    for name in ("tsm", "mvit"):
        generator = torch.Generator().manual_seed(0)
        clips, labels = torch.rand(4, 4, 3, 32, 32, generator=generator), torch.eye(4)
        with torch.no_grad():
            features = network(name).eval().feature_map(clips)
        mixer = create_mixer("saliency", switch=float(module == "spatial"))
        draws = mixer.draw(labels, features, generator)
        half = dataclasses.replace(draws, student=dataclasses.replace(draws.student, shares=torch.full((4,), 0.5)))
        found[name] = mask_statistics(mixer.student(clips, labels, features, half).own, draws.student.partners).means()["spread"]
    assert min(found.values()) > 0.2
    assert max(found.values()) < 1.5 * min(found.values())
