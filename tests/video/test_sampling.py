from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.errors import ConfigError
from reverie.seeds import numpy_generator
from reverie.video.sampling import sample_batch, sample_indices
from reverie.video.views import average_views, crop_views


@settings(max_examples=50)
@given(
    st.integers(1, 60), st.integers(1, 12), st.sampled_from(["middle", "segments", "dense", "multi-clip"]),
    st.integers(1, 5), st.booleans(), st.integers(1, 4),
)  # fmt: skip
def test_indices_are_frames_of_the_clip_in_the_order_of_time(
    count: int, n: int, how: str, stride: int, drawn: bool, views: int
) -> None:
    generator = numpy_generator(count, "draw") if drawn else None
    views = views if how in ("segments", "multi-clip") or (how == "dense" and drawn) else 1
    found = sample_indices(count, n, how, generator, stride, views)
    assert found.shape == (views, n)
    assert found.dtype == np.int64
    assert found.min() >= 0
    assert found.max() < count
    steps = np.diff(found, axis=1)
    assert (steps >= 0).all()
    if how != "segments" and count > (n - 1) * stride:
        assert (steps == (1 if how == "middle" else stride)).all()


def test_segments_draw_one_frame_of_each_segment_and_all_of_them_alike() -> None:
    counts = np.full(4000, 12)
    found = sample_batch(counts, 4, "segments", numpy_generator(3, "draw"))[:, 0]
    for segment in range(4):
        values, times = np.unique(found[:, segment], return_counts=True)
        assert values.tolist() == [3 * segment, 3 * segment + 1, 3 * segment + 2]
        assert (abs(times / 4000 - 1 / 3) < 4 * math.sqrt(2 / 9 / 4000)).all()


def test_dense_views_begin_anywhere_they_fit() -> None:
    starts = sample_batch(np.full(5000, 10), 3, "dense", numpy_generator(0, "draw"), stride=2)[:, 0, 0]
    values, times = np.unique(starts, return_counts=True)
    assert values.tolist() == list(range(6))  # 4 * 1 + 1 = 5 frames of 10
    assert (abs(times / 5000 - 1 / 6) < 0.03).all()


def test_many_clips_are_sampled_as_each_alone() -> None:
    counts = np.array([3, 9, 40, 8])
    for how, views in (("middle", 1), ("segments", 3), ("dense", 1), ("multi-clip", 3)):
        together = sample_batch(counts, 5, how, stride=2, views=views)  # type: ignore[arg-type]
        alone = [sample_indices(int(count), 5, how, stride=2, views=views) for count in counts]  # type: ignore[arg-type]
        np.testing.assert_array_equal(together, np.stack(alone))


def test_multi_clip_spreads_views_from_the_first_frame_to_the_last() -> None:
    assert sample_indices(21, 3, "multi-clip", stride=2, views=3)[:, [0, -1]].tolist() == [[0, 4], [8, 12], [16, 20]]
    assert sample_indices(21, 3, "multi-clip", stride=2).tolist() == sample_indices(21, 3, "dense", stride=2).tolist()
    assert sample_indices(3, 6, "multi-clip", stride=2, views=2).tolist() == [[0, 0, 1, 1, 2, 2]] * 2


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ((5, 3, "often"), "unknown way"),
        ((5, 0, "middle"), "at least 1"),
        ((0, 3, "middle"), "at least 1"),
        ((5, 3, "middle", None, 1, 2), "would all be the same"),
    ],
)
def test_what_cannot_be_sampled_is_refused(given_: tuple[object, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        sample_indices(*given_)  # type: ignore[arg-type]


def test_crops_are_where_they_should_be() -> None:
    clips = torch.arange(2 * 3 * 3 * 6 * 10.0).reshape(2, 3, 3, 6, 10)
    three = crop_views(clips, 4, "three")
    assert three.shape == (2, 3, 3, 3, 4, 4)
    for view, left in enumerate((0, 3, 6)):
        assert torch.equal(three[:, view], clips[..., 1:5, left : left + 4])
    tall = crop_views(clips.transpose(-1, -2), 4, "three")
    assert torch.equal(tall, three.transpose(-1, -2))
    ten = crop_views(clips, 4, "ten")
    assert torch.equal(ten[:, 3], clips[..., 2:6, 6:10])
    assert torch.equal(ten[:, 4], crop_views(clips, 4)[:, 0])
    assert torch.equal(ten[:, 5:], ten[:, :5].flip(-1))
    with pytest.raises(ConfigError, match="do not fit"):
        crop_views(clips, 7)


def test_probabilities_not_logits_are_averaged() -> None:
    views = torch.randn(3, 4, 2, 3, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 9

    def network(clips: torch.Tensor) -> torch.Tensor:
        return clips.mean((1, 3, 4))

    expected = torch.zeros(3, 3, dtype=torch.float64)
    for b in range(3):
        for v in range(4):
            logits = [float(views[b, v, :, c].mean()) for c in range(3)]
            total = sum(math.exp(x) for x in logits)
            expected[b] += torch.tensor([math.exp(x) / total / 4 for x in logits], dtype=torch.float64)
    np.testing.assert_allclose(average_views(network, views), expected, rtol=1e-12)
