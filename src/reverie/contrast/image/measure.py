"""What frozen features are worth: nearest neighbours and a linear probe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reverie.contrast.image.neighbours import vote
from reverie.contrast.image.probe import best_probe
from reverie.contrast.image.share import share

if TYPE_CHECKING:
    from reverie.contrast.image.config import ImageTask
    from reverie.contrast.image.images import Images, ImageSplit
    from reverie.contrast.task import Measure

BATCH = 512
"""Images encoded at a time."""

Features = Callable[[Tensor], Tensor]
"""From images [N, 3, S, S] in 0..1 to features [N, D]."""


@torch.no_grad()
def encode(features: Features, pixels: Tensor, device: torch.device) -> Tensor:
    """Return the features of images as they are, without any change; pixels [N, 3, S, S] → [N, D]."""
    return torch.cat([features(chunk.to(device).float().div_(255)).float() for chunk in torch.split(pixels, BATCH)])


def measure(
    config: ImageTask, split: ImageSplit, features: Features, seed: int, device: torch.device, say: Callable[[str], None]
) -> tuple[float, dict[str, Measure]]:
    """Measure features by how well they tell classes.

    Parameters
    ----------
    config : ImageTask
    split : ImageSplit
        Labelled training images are the neighbours and teach the probe.
    features : callable
        See `Features`.
    seed : int
        Names the tenth of the training images on which the probe's ridge is chosen.
    device : torch.device
        Where to compute.
    say : callable
        Takes a line.

    Returns
    -------
    float
        Accuracy of nearest neighbours on the validation images.
    dict of str to Measure
        Accuracy of the probe and of nearest neighbours on the test images.
    """
    labelled = split.train.labels >= 0
    known, labels = encode(features, split.train.pixels[labelled], device), split.train.labels[labelled].to(device)
    classes = 1 + int(torch.cat([part.labels for part in (split.train, split.valid, split.test)]).max())

    def right(part: Images, asked: Tensor) -> int:
        voted = vote(known, labels, asked, config.neighbours, config.vote_temperature, classes)
        return int((voted.cpu() == part.labels).sum())

    selection = right(split.valid, encode(features, split.valid.pixels, device)) / len(split.valid)
    test = encode(features, split.test.pixels, device)
    probe, ridge = best_probe(known, labels, classes, config.ridges, seed)
    linear = int((probe.logits(test).argmax(1).cpu() == split.test.labels).sum())
    metrics = {"linear_accuracy": share(linear, len(test)), "knn_accuracy": share(right(split.test, test), len(test))}
    shown = ", ".join(f"{name} {found.value:.4f}" for name, found in metrics.items())
    say(f"{shown}; on validation images knn {selection:.4f} (ridge {ridge:g})")
    return selection, metrics
