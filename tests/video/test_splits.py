"""Splits of clips: sources are never divided, classes are spread evenly, all by the seed alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.errors import ConfigError, DataError
from reverie.video.clip_set import ClipSet
from reverie.video.splits import draw_folds, keep_back, split_by_fold, split_by_part, with_folds


def clip_set(labels: list[int], **columns: object) -> ClipSet:
    frames = np.arange(len(labels), dtype=np.uint8)[:, None, None, None, None] * np.ones((1, 2, 4, 4, 3), np.uint8)
    return ClipSet.from_arrays("toy", frames, np.array(labels), ["a", "b", "c"], **columns)  # type: ignore[arg-type]


def sourced() -> ClipSet:
    """Nine sources of fifteen clips, five of each class."""
    return clip_set([k % 3 for k in range(135)], groups=[f"s{k // 15}" for k in range(135)])


def test_folds_keep_sources_whole_and_classes_even() -> None:
    clips = with_folds(sourced(), 5)
    assert sorted(np.bincount(clips.folds).tolist()) == [15, 30, 30, 30, 30]
    for fold in range(5):
        split = split_by_fold(clips, fold, seed=1)
        sources = [{clips.groups[i] for i in part} for part in (split.train, split.valid, split.test)]
        assert not sources[0] & sources[1] | sources[0] & sources[2] | sources[1] & sources[2]
        assert len(np.unique(np.concatenate([split.train, split.valid, split.test]))) == 135
        for part in (split.train, split.valid, split.test):
            assert np.ptp(np.bincount(clips.labels[part])) == 0
        assert split.protocol == "source-disjoint folds"
        assert 15 <= len(split.valid) <= 30
    one, other = split_by_fold(clips, 0, seed=1), split_by_fold(clips, 0, seed=1)
    np.testing.assert_array_equal(one.valid, other.valid)
    assert any(set(split_by_fold(clips, 0, seed).valid) != set(one.valid) for seed in range(2, 8))


def test_clips_without_sources_are_split_by_class() -> None:
    clips = with_folds(clip_set([k % 3 for k in range(60)]), 4)
    split = split_by_fold(clips, 2, seed=0)
    assert split.protocol == "folds"
    for part, each in ((split.train, 12), (split.valid, 3), (split.test, 5)):
        assert np.bincount(clips.labels[part]).tolist() == [each] * 3


def test_a_source_in_two_folds_is_refused() -> None:
    folds = np.zeros(135, dtype=np.int64)
    folds[17:] = 1
    with pytest.raises(DataError, match="toy: source 's1' stands in folds 0 and 1; put all clips of a source into one fold"):
        split_by_fold(replace(sourced(), folds=folds), 0, seed=0)


def test_neither_folds_nor_parts() -> None:
    with pytest.raises(DataError, match=r"toy has no folds and no parts .* a column fold, or a column split with train and test"):
        split_by_part(sourced())


def test_folds_that_do_not_fit() -> None:
    with pytest.raises(ConfigError, match="toy has no fold 5; its folds are 0, 1, 2, 3, 4"):
        split_by_fold(with_folds(sourced(), 5), 5, seed=0)
    with pytest.raises(ConfigError, match="toy has no fold 0; its folds are none"):
        split_by_fold(sourced(), 0, seed=0)
    with pytest.raises(DataError, match="toy has 9 sources for 10 folds"):
        with_folds(sourced(), 10)
    alone = clip_set([0, 1, 0, 1], groups=["x", "x", "y", "y"])
    with pytest.raises(DataError, match="no clips to validate on that are of other sources"):
        split_by_fold(with_folds(alone, 2), 0, seed=0)
    with pytest.raises(ConfigError, match="valid=1"):
        split_by_fold(with_folds(sourced(), 5), 0, seed=0, valid=1.0)


def test_parts_are_taken_as_they_are() -> None:
    parts = ["train"] * 30 + ["valid"] * 9 + ["test"] * 9 + [""] * 3
    split = split_by_part(clip_set([k % 3 for k in range(51)], parts=parts))
    assert (split.protocol, len(split.train), len(split.valid), len(split.test)) == ("parts", 30, 9, 9)
    assert split.valid.tolist() == list(range(30, 39))


def test_without_a_validation_part_training_clips_are_kept_back() -> None:
    parts = ["train"] * 30 + ["test"] * 9
    split = split_by_part(clip_set([k % 3 for k in range(39)], parts=parts), seed=4)
    assert (len(split.train), len(split.valid), len(split.test)) == (24, 6, 9)
    with pytest.raises(DataError, match="toy has no clips to test on"):
        split_by_part(clip_set([0, 1, 2] * 5, parts=["train"] * 15))


def test_clips_without_label_are_in_no_part() -> None:
    clips = with_folds(clip_set([k % 4 - 1 for k in range(80)]), 4)
    assert (clips.folds[clips.labels < 0] == -1).all()
    split = split_by_fold(clips, 0, seed=0)
    assert (clips.labels[np.concatenate([split.train, split.valid, split.test])] >= 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=8, max_size=60), st.integers(0, 5))
def test_whole_groups_are_kept_back_and_no_class_is_lost(pairs: list[tuple[int, int]], seed: int) -> None:
    labels, groups = (np.array(column) for column in zip(*pairs, strict=True))
    kept = keep_back(labels, groups, 0.25, seed)
    for group in set(groups):
        assert len(set(kept[groups == group])) == 1
    assert set(labels[~kept]) == set(labels)
    assert kept.mean() <= 0.8
    if len(set(groups)) >= 2:
        folds = draw_folds(labels, groups, 2, seed)
        assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
        assert set(folds) == {0, 1}
