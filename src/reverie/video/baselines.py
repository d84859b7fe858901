"""What can be told of a clip without seeing it move: baselines that stand beside every accuracy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.video.clip_set import ClipSet
from reverie.video.splits import ClipSplit

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]
SIDE = 16
"""Width and height of the pictures that are compared."""


def predict_majority(labels: Integers, train: Integers, test: Integers, values: Sequence[Hashable] | None = None) -> Integers:
    """Return the most frequent training class, of clips of the same value where there are some.

    Parameters
    ----------
    labels : int64 [N]
    train, test : int64 arrays
        Numbers of clips.
    values : sequence of hashable, optional
        Of N clips, such as their size and frame rate; by default all are the same.

    Returns
    -------
    int64 array
        Of the test clips. Where classes are equally frequent, it is the one that is more frequent in all training clips, then the
        first.
    """
    values = [""] * len(labels) if values is None else values
    overall = np.bincount(labels[train])
    ranks = {label: (-overall[label], label) for label in range(len(overall))}
    found: dict[Hashable, Counter[int]] = {}
    for i in train:
        found.setdefault(values[i], Counter())[int(labels[i])] += 1
    counts = [found.get(values[i], Counter()) for i in test]
    return np.array([min(ranks, key=lambda label: (-count[label], *ranks[label])) for count in counts], np.int64)


def predict_neighbour(features: Floats, labels: Integers, train: Integers, test: Integers) -> Integers:
    """Return the class of the nearest training clip by Euclidean distance; features [N, D], labels [N] → of the test clips."""
    one, other = features[test].astype(np.float64), features[train].astype(np.float64)
    distances = (other**2).sum(1) - 2 * one @ other.T  # and a constant for each test clip
    return np.asarray(labels[train][distances.argmin(1)])


def single_frames(clips: ClipSet) -> Floats:
    """Return the middle frame of each clip, small → [N, SIDE * SIDE * 3]."""
    return np.stack([_small(clips.frames(i)[clips.counts[i] // 2]) for i in range(len(clips))])


def backgrounds(clips: ClipSet) -> Floats:
    """Return what stands still in each clip, the median over its frames, small → [N, SIDE * SIDE * 3]."""
    return np.stack([_small(np.median(clips.frames(i), axis=0)) for i in range(len(clips))])


def _small(frame: NDArray[np.uint8] | NDArray[np.float64]) -> Floats:
    """Return the means over SIDE x SIDE parts of a frame; [H, W, 3] → [SIDE * SIDE * 3]."""
    for axis in (0, 1):
        starts = np.arange(SIDE) * frame.shape[axis] // SIDE
        widths = np.maximum(np.diff(starts, append=frame.shape[axis]), 1).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        frame = np.add.reduceat(frame, starts, axis, dtype=np.float64) / widths
    return frame.astype(np.float32).ravel()


def baseline_predictions(
    clips: ClipSet, splits: Sequence[ClipSplit], values: Sequence[Hashable] | None = None
) -> dict[str, list[Integers]]:
    """Return what baselines say of the test clips of each split.

    Parameters
    ----------
    clips : ClipSet
    splits : sequence of ClipSplit
        Training and validation clips are both learned from.
    values : sequence of hashable, optional
        What a clip's file tells of it, such as its size and frame rate.

    Returns
    -------
    dict
        ``majority``, ``metadata`` where there are values, ``single-frame`` and ``background``.
    """
    learned = [np.concatenate([split.train, split.valid]) for split in splits]
    pairs = list(zip(learned, (split.test for split in splits), strict=True))
    found = {"majority": [predict_majority(clips.labels, train, test) for train, test in pairs]}
    if values is not None:
        found["metadata"] = [predict_majority(clips.labels, train, test, values) for train, test in pairs]
    for name, features in (("single-frame", single_frames(clips)), ("background", backgrounds(clips))):
        found[name] = [predict_neighbour(features, clips.labels, train, test) for train, test in pairs]
    return found


def baseline_accuracies(clips: ClipSet, splits: Sequence[ClipSplit], values: Sequence[Hashable] | None = None) -> dict[str, float]:
    """Return the accuracy of `baseline_predictions` over the test clips of all splits together."""
    truth = np.concatenate([clips.labels[split.test] for split in splits])
    found = baseline_predictions(clips, splits, values)
    return {name: float((np.concatenate(told) == truth).mean()) for name, told in found.items()}
