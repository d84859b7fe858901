from __future__ import annotations

import numpy as np
import pytest

from reverie.errors import DataError
from reverie.video.clip_set import ClipSet, clip_digest
from reverie.video.shards import Shards


def clips(n: int = 5, count: int = 7, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, size=(n, count, 6, 8, 3), dtype=np.uint8)


def in_memory(frames: np.ndarray, labels: list[int] | None = None) -> ClipSet:
    return ClipSet.from_arrays("made", frames, np.array(labels or [0, 1, 0, 1, -1]), ("up", "down"), fps=8.0)


def test_frames_are_a_view_and_gather_takes_each_by_its_number() -> None:
    frames = clips()
    found = in_memory(frames)
    assert len(found) == 5
    assert found.size == (6, 8)
    assert np.shares_memory(found.frames(3), frames)
    chosen, numbers = np.array([4, 0, 4]), np.array([[6, 0], [1, 1], [2, 3]])
    expected = np.stack([np.stack([frames[i, t] for t in row]) for i, row in zip(chosen, numbers, strict=True)])
    np.testing.assert_array_equal(found.gather(chosen, numbers), expected)


def test_gather_over_several_shards_and_clips_of_unequal_length() -> None:
    frames = clips(1, 12)[0]
    shards = Shards((frames[:5], frames[5:]), np.array([1, 0, 1, 0]), np.array([3, 0, 0, 2]))
    begins = [8, 0, 5, 2]
    chosen, numbers = np.array([0, 1, 2, 3, 0]), np.array([[0, 3], [1, 0], [2, 2], [2, 0], [1, 1]])
    expected = np.stack([[frames[begins[i] + t] for t in row] for i, row in zip(chosen, numbers, strict=True)])
    np.testing.assert_array_equal(shards.gather(chosen, numbers), expected)
    np.testing.assert_array_equal(shards.subset(np.array([2, 0])).clip(1, 4), frames[8:12])


def test_a_frame_beyond_the_end_is_refused() -> None:
    with pytest.raises(IndexError, match="beyond the end"):
        in_memory(clips()).gather(np.array([0, 1]), np.array([[0, 1], [0, 7]]))


def test_the_digest_knows_pixels_and_names_of_classes_but_no_order() -> None:
    frames, labels = clips(), [0, 1, 0, 1, -1]
    found = in_memory(frames, labels)
    turned = in_memory(frames[::-1].copy(), labels[::-1])
    assert turned.digest == found.digest
    assert found.subset(np.array([4, 3, 2, 1, 0])).digest == found.digest
    assert in_memory(frames, [1, 0, 1, 0, -1]).digest != found.digest
    changed = frames.copy()
    changed[2, 3, 1, 1, 0] ^= 1
    assert in_memory(changed, labels).digest != found.digest
    assert clip_digest(frames[0]) != clip_digest(frames[0].reshape(7, 8, 6, 3))


def test_a_subset_by_mask_or_numbers_keeps_what_belongs_together() -> None:
    found = in_memory(clips())
    part = found.subset(found.labels == 1)
    assert part.ids == ("000001", "000003")
    assert part.sha256 == (found.sha256[1], found.sha256[3])
    np.testing.assert_array_equal(part.frames(1), found.frames(3))
    assert found.subset(np.array([3, 1])).ids == ("000003", "000001")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"labels": np.array([0, 1, 2, 0, 0])}, "labels must be"),
        ({"labels": np.array([0, 1])}, "as many labels"),
        ({"ids": ["a", "b", "c", "d", "a"]}, "no id twice"),
        ({"parts": ["train"] * 4 + ["dev"]}, "parts train"),
        ({"frames": clips().astype(np.float32)}, "must be uint8"),
    ],
)
def test_what_does_not_fit_together_is_refused(changed: dict[str, object], said: str) -> None:
    given = {"frames": clips(), "labels": np.zeros(5, dtype=np.int64), "classes": ("up", "down")} | changed
    with pytest.raises(DataError, match=said):
        ClipSet.from_arrays("made", **given)  # type: ignore[arg-type]
