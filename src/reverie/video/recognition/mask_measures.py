"""What mixing masks look like on training clips: area, entropy, spread, and how much of the objects they show, if known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import TYPE_CHECKING

import torch

from reverie.nn.averaging import as_teacher
from reverie.seeds import numpy_generator, torch_generator
from reverie.video.augment.augmenting import centre_crop
from reverie.video.mixing.labels import one_hot
from reverie.video.mixing.statistics import mask_statistics

if TYPE_CHECKING:
    from reverie.video.recognition.batches import ClipBatches
    from reverie.video.recognition.learner import Learner
    from reverie.video.roles import Mixed

DRAWS = 8
"""Mixes of each batch."""


def measure_masks(learner: Learner, source: ClipBatches, clips: int, seed: int) -> Mapping[str, float]:
    """Return the means of `mask_statistics` over training clips as they are at a test, mixed with each other several times.

    Parameters
    ----------
    learner : Learner
        After its training.
    source : ClipBatches
    clips : int
        How many are drawn; 0 measures nothing.
    seed : int
    """
    found: dict[str, list[float]] = {}
    for _, mixed, objects in mixed_batches(learner, source, clips, seed):
        if mixed.own is not None:
            place, there = getattr(learner.mixer, "place", None), None
            if place is not None and objects is not None:  # the partner lies elsewhere than in its own clip
                there = place(objects[mixed.partners].float(), mixed.own)
            statistics = mask_statistics(mixed.own, mixed.partners, objects, there).means()
            for name, value in statistics.items():
                found.setdefault(name, []).append(value)
    return {name: fmean(values) for name, values in found.items()}


@torch.no_grad()
def mixed_batches(
    learner: Learner, source: ClipBatches, clips: int, seed: int
) -> Iterator[tuple[torch.Tensor, Mixed, torch.Tensor | None]]:
    """Yield batches of drawn training clips [B, T, 3, S, S], what mixing makes of them, and where their objects are.

    Each batch comes several times, as methods draw once for a batch.
    """
    task, config = source.task, source.config
    chosen = numpy_generator(seed, "clips for masks").permutation(task.train)[:clips]
    size = min(config.batch_size, len(chosen))
    as_teacher(learner.mean.network)
    for at in range(0, len(chosen) - size + 1, size) if size else ():
        rows = chosen[at : at + size]
        shown = source.measured(rows)[:, 0]
        labels = one_hot(torch.from_numpy(task.clips.labels[rows]), task.classes).to(shown.device)
        features = learner.teacher.feature_map(shown) if learner.mixer.needs_features else None
        objects = None
        if task.masks is not None and config.crops == "centre":
            seen = task.masks[rows[:, None], source.test_frames(rows)[:, 0]]
            objects = centre_crop(torch.from_numpy(seen), config.size).to(shown.device) >= 0.5
        for draw in range(DRAWS):
            yield shown, learner.mixer.mix(shown, labels, features, torch_generator(seed, "masks", at, draw)), objects
