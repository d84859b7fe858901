"""Parts to learn from, to choose on and to test on, of generated and of recorded clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from reverie.video.baselines import baseline_accuracies
from reverie.video.cells import Baselines
from reverie.video.clip_set import ClipSet
from reverie.video.moving_shapes.generate import generate_moving_shapes
from reverie.video.recognition.task import RecognitionTask
from reverie.video.splits import ClipSplit, keep_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.video.moving_shapes.config import MovingShapesConfig
    from reverie.video.named_sets.opening import OpenedSet


def shapes_task(name: str, config: MovingShapesConfig, test: MovingShapesConfig, valid: float, seed: int) -> RecognitionTask:
    """Return generated clips: those of a seed to learn from, a share of them to choose on, and test clips that all seeds share.

    Parameters
    ----------
    name : str
        Of the set.
    config, test : MovingShapesConfig
        Of the clips to learn from, and of those to test on; of the latter the test part is taken.
    valid : float
        Share of each class to choose on.
    seed : int
        Of the draw of those.
    """
    learned, tested = generate_moving_shapes(config), generate_moving_shapes(test)
    kept, n = np.flatnonzero(np.array(tested.clips.parts) == "test"), len(learned.clips)
    frames = np.concatenate([_frames(learned.clips, np.arange(n)), _frames(tested.clips, kept)])
    labels = np.concatenate([learned.clips.labels, tested.clips.labels[kept]])
    ids = [*learned.clips.ids, *(tested.clips.ids[at] for at in kept)]
    clips = ClipSet.from_arrays(name, frames, labels, config.motions, ids=ids)
    back = keep_back(labels[:n], np.arange(n), valid, seed)
    masks = np.concatenate([learned.masks, tested.masks[kept]])
    return RecognitionTask(clips, np.flatnonzero(~back), np.flatnonzero(back), np.arange(n, len(clips)), masks, "generated")


def recorded_task(opened: OpenedSet, fold: int, valid: float, seed: int) -> RecognitionTask:
    """Return the parts of a set for one fold, or as published where there are no folds (-1)."""
    split = opened.split(fold if fold >= 0 else None, seed, valid)
    return RecognitionTask(opened.clips, split.train, split.valid, split.test, opened.masks, split.protocol)


def measure_baselines(tasks: Sequence[RecognitionTask], metadata: Sequence[str] | None, commit: str) -> Baselines:
    """Return the accuracies of what does not see motion, over the test clips of all folds.

    Parameters
    ----------
    tasks : sequence of RecognitionTask
        One for each fold, of the same clips.
    metadata : sequence of str or None
        What the file of each clip tells without being looked at.
    commit : str
        Of the code.
    """
    splits = [ClipSplit(one.protocol, one.train, one.valid, one.test) for one in tasks]
    first, n = tasks[0], sum(len(one.test) for one in tasks)
    found = baseline_accuracies(first.clips, splits, metadata)
    return Baselines(found, n, len(first.train) + len(first.valid), first.clips.digest, first.protocol, commit)


def _frames(clips: ClipSet, indices: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return all frames of clips of one length → uint8 [N, F, H, W, 3]."""
    count = int(clips.counts[0])
    return clips.gather(indices, np.broadcast_to(np.arange(count), (len(indices), count)))
