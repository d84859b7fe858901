"""Baselines that see no motion, on clips whose answer is known."""

import numpy as np

from reverie.video.baselines import (
    SIDE,
    backgrounds,
    baseline_accuracies,
    predict_majority,
    predict_neighbour,
    single_frames,
)
from reverie.video.clip_set import ClipSet
from reverie.video.splits import split_by_fold, with_folds


def clip_set(frames: np.ndarray, labels: list[int]) -> ClipSet:
    return ClipSet.from_arrays("toy", frames, np.array(labels), ["a", "b"])


def test_majority_of_a_value_then_of_all() -> None:
    labels = np.array([0, 0, 0, 1, 1, 0, 1, 1])
    train, test = np.arange(5), np.arange(5, 8)
    assert predict_majority(labels, train, test).tolist() == [0, 0, 0]
    values = ["x", "x", "y", "y", "y", "x", "y", "new"]
    assert predict_majority(labels, train, test, values).tolist() == [0, 1, 0]
    assert predict_majority(labels, train, test, ["x", "x", "y", "y", "x", "y", "y", "y"]).tolist() == [0, 0, 0]  # a tie in "y"


def test_nearest_neighbour_is_that_of_a_naive_search() -> None:
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(40, 6)).astype(np.float32), generator.integers(0, 3, 40)
    train, test = np.arange(25), np.arange(25, 40)
    naive = [labels[min(train, key=lambda j: float(np.linalg.norm(features[i] - features[j])))] for i in test]
    assert predict_neighbour(features, labels, train, test).tolist() == naive


def test_pictures_are_means_over_parts_of_a_frame() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 5, 50, 32, 3), dtype=np.uint8)
    clips = clip_set(frames, [0, 1])
    found = single_frames(clips).reshape(2, SIDE, SIDE, 3)
    np.testing.assert_allclose(found[1, 3, 5], frames[1, 2, 9:12, 10:12].mean((0, 1)), rtol=1e-5)
    still = backgrounds(clips).reshape(2, SIDE, SIDE, 3)
    np.testing.assert_allclose(still[0, 0, 0], np.median(frames[0], axis=0)[0:3, 0:2].mean((0, 1)), rtol=1e-5)
    tiny = clip_set(frames[:, :, :4, :4], [0, 1])
    assert np.isfinite(single_frames(tiny)).all()


def test_what_each_baseline_sees() -> None:
    """The background tells the class; the middle frame alone does not, as it is all black; the metadata tell half of it."""
    labels = [k % 2 for k in range(40)]
    frames = np.zeros((40, 5, 16, 16, 3), np.uint8)
    frames[:] = (40 + 100 * np.array(labels, np.uint8))[:, None, None, None, None]
    frames[:, 2] = 0
    frames[:, 2, 0, 0] = np.random.default_rng(0).integers(0, 255, (40, 3))
    clips = with_folds(clip_set(frames, labels), 4)
    values = [label if k < 20 else "same" for k, label in enumerate(labels)]
    found = baseline_accuracies(clips, [split_by_fold(clips, fold, 0) for fold in range(4)], values)
    assert list(found) == ["majority", "metadata", "single-frame", "background"]
    assert found["background"] == 1.0
    assert 0.2 < found["single-frame"] < 0.8
    assert found["majority"] == 0.5
    assert 0.6 <= found["metadata"] <= 0.85
    assert "metadata" not in baseline_accuracies(clips, [split_by_fold(clips, 0, 0)])
