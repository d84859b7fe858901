"""Parts to learn from, to choose on and to test on, of generated and of stored clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reverie.video.clip_set import ClipSet
from reverie.video.moving_shapes.generate import generate_moving_shapes
from reverie.video.recognition.task import RecognitionTask
from reverie.video.splits import carve_validation
from reverie.video.tasks import shapes_test

if TYPE_CHECKING:
    from reverie.video.moving_shapes.config import MovingShapesConfig


def shapes_task(name: str, config: MovingShapesConfig, test: int, valid: float, seed: int) -> RecognitionTask:
    """Return generated clips: those of a seed to learn from, a part of them to choose on, and test clips that all seeds share."""
    learned, tested = generate_moving_shapes(config), generate_moving_shapes(shapes_test(config, test))
    kept = np.flatnonzero(np.array(tested.clips.parts) == "test")
    n = len(learned.clips)
    frames = np.concatenate([_frames(learned.clips, np.arange(n)), _frames(tested.clips, kept)])
    labels = np.concatenate([learned.clips.labels, tested.clips.labels[kept]])
    ids = [*learned.clips.ids, *(tested.clips.ids[at] for at in kept)]
    clips = ClipSet.from_arrays(name, frames, labels, config.motions, ids=ids)
    train, chosen = carve_validation(clips, np.arange(n), valid, seed)
    masks = np.concatenate([learned.masks, tested.masks[kept]])
    return RecognitionTask(clips, train, chosen, np.arange(n, len(clips)), masks, "generated")


def _frames(clips: ClipSet, indices: np.ndarray) -> np.ndarray:
    """Return all frames of clips of one length → uint8 [N, F, H, W, 3]."""
    return clips.gather(indices, np.broadcast_to(np.arange(clips.counts[0]), (len(indices), int(clips.counts[0]))))


def split_task(clips: ClipSet, folds: int, fold: int, valid: float, seed: int) -> RecognitionTask:
    raise NotImplementedError
