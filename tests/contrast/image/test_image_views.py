"""Views: shapes, ranges, independence of images, and each change against a loop over pixels."""

from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.contrast.image.config import ViewOptions
from reverie.contrast.image.images import draw_shapes
from reverie.contrast.image.training import Boxes, Views, brightness, contrast, crop, draw_boxes, grayscale, hue, saturation

STILL = ViewOptions(crop=1, aspect=1, flip=0, jitter=0, gray=0)


def _some(n: int = 6, side: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def _bytes(n: int = 6, side: int = 8) -> torch.Tensor:
    return draw_shapes(n, "views", side).pixels


def _generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_views_keep_shape_and_range() -> None:
    strong = ViewOptions(crop=0.05, aspect=3, brightness=2, contrast=2, saturation=2, hue=0.5, jitter=1)
    views = Views(strong)(_bytes(200), _generator())
    assert views.shape == (200, 3, 8, 8)
    assert views.dtype == torch.float32
    assert float(views.min()) >= 0
    assert float(views.max()) <= 1
    assert float(views.std()) > 0.1


def test_views_follow_from_the_generator_alone() -> None:
    views, images = Views(ViewOptions()), _bytes(40)
    assert torch.equal(views(images, _generator()), views(images, _generator()))
    assert not torch.equal(views(images, _generator()), views(images, _generator(4)))
    after = _generator()
    views(images, after)
    assert not torch.equal(views(images, after), views(images, _generator()))  # the second view is another one


def test_a_view_does_not_depend_on_the_other_images() -> None:
    views, images = Views(ViewOptions()), _bytes(40)
    changed = images.clone()
    changed[1::2] = 255 - changed[1::2]
    one, other = views(images, _generator()), views(changed, _generator())
    assert torch.equal(one[::2], other[::2])
    assert not torch.allclose(one[1::2], other[1::2])


def test_without_any_change_a_view_is_the_image() -> None:
    images = _bytes()
    torch.testing.assert_close(Views(STILL)(images, _generator()), images / 255, atol=2e-6, rtol=0)


@pytest.mark.parametrize("option", ["flip", "gray"])
def test_chances_are_kept(option: str) -> None:
    images = _bytes(1).repeat(4000, 1, 1, 1)
    views = Views(STILL.model_copy(update={option: 0.3}))(images, _generator())
    changed = ((views - images / 255).abs().amax((1, 2, 3)) > 1e-3).float().mean()
    assert abs(float(changed) - 0.3) < 0.04  # 5 standard errors
    always = Views(STILL.model_copy(update={option: 1}))(images[:2], _generator())
    wanted = images[:2].flip(3) / 255 if option == "flip" else grayscale(images[:2] / 255).expand(-1, 3, -1, -1)
    torch.testing.assert_close(always, wanted, atol=2e-6, rtol=0)


def test_jitter_leaves_some_images_alone_and_changes_the_others() -> None:
    images = _bytes(1).repeat(2000, 1, 1, 1)
    views = Views(STILL.model_copy(update={"jitter": 0.6}))(images, _generator())
    changed = ((views - images / 255).abs().amax((1, 2, 3)) > 1e-3).float().mean()
    assert abs(float(changed) - 0.6) < 0.06


def test_hue_is_that_of_colorsys() -> None:
    images, shift = _some().double(), torch.tensor([-0.5, -0.21, 0.0, 0.1, 0.34, 0.5], dtype=torch.float64)
    images[0, :, 0, 0] = 0.4  # gray: no hue
    images[1, :, 0, 0], images[1, :, 0, 1] = 0.0, 1.0
    images[2, 1] = images[2, 0]  # two largest values
    wanted = images.clone()
    for n, row, column in np.ndindex(6, 7, 7):
        h, s, v = colorsys.rgb_to_hsv(*images[n, :, row, column].tolist())
        wanted[n, :, row, column] = torch.tensor(colorsys.hsv_to_rgb((h + float(shift[n])) % 1, s, v))
    torch.testing.assert_close(hue(images, shift), wanted, atol=1e-7, rtol=0)  # colorsys's colours pass through float32 here
    torch.testing.assert_close(hue(images.float(), shift.float()), wanted.float(), atol=1e-5, rtol=0)


def test_gray_and_strengths_are_those_of_a_loop_over_pixels() -> None:
    images, factor = _some().double(), torch.tensor([0.0, 0.4, 1.0, 1.3, 1.9, 3.0], dtype=torch.float64)
    gray = torch.zeros(6, 7, 7, dtype=torch.float64)
    for n, row, column in np.ndindex(6, 7, 7):
        red, green, blue = images[n, :, row, column].tolist()
        gray[n, row, column] = 0.299 * red + 0.587 * green + 0.114 * blue
    torch.testing.assert_close(grayscale(images)[:, 0], gray)
    bright, strong, rich = images.clone(), images.clone(), images.clone()
    for n, channel, row, column in np.ndindex(6, 3, 7, 7):
        at, by = (n, channel, row, column), float(factor[n])
        value, own, mean = float(images[at]), float(gray[n, row, column]), float(gray[n].mean())
        bright[at] = min(max(value * by, 0), 1)
        strong[at] = min(max(mean + by * (value - mean), 0), 1)
        rich[at] = min(max(own + by * (value - own), 0), 1)
    torch.testing.assert_close(brightness(images, factor), bright)
    torch.testing.assert_close(contrast(images, factor), strong)
    torch.testing.assert_close(saturation(images, factor), rich)


def test_a_crop_is_that_of_a_loop_over_pixels() -> None:
    images, boxes = _some(4, 5).double(), draw_boxes(torch.rand(4, 5, generator=_generator()).double(), 0.1, 2, 0.5)
    assert 0 < int(boxes.mirrored.sum()) < 4
    wanted = torch.zeros_like(images)
    for n, row, column in np.ndindex(4, 5, 5):
        across = (4 - column if bool(boxes.mirrored[n]) else column) + 0.5
        x = (float(boxes.left[n]) + float(boxes.width[n]) * across / 5) * 5 - 0.5
        y = (float(boxes.top[n]) + float(boxes.height[n]) * (row + 0.5) / 5) * 5 - 0.5
        x, y = min(max(x, 0), 4), min(max(y, 0), 4)
        for i in range(5):
            for j in range(5):
                weight = max(0, 1 - abs(y - i)) * max(0, 1 - abs(x - j))
                wanted[n, :, row, column] += weight * images[n, :, i, j]
    torch.testing.assert_close(crop(images, boxes), wanted)


def test_the_whole_image_as_a_box_is_the_image() -> None:
    images, nothing = _some(2), torch.zeros(2)
    whole = Boxes(nothing, nothing, nothing + 1, nothing + 1, torch.tensor([False, True]))
    torch.testing.assert_close(crop(images, whole), torch.stack([images[0], images[1].flip(2)]), atol=1e-5, rtol=0)


@given(st.integers(0, 2**31), st.floats(0.01, 1), st.floats(1, 5))
@settings(max_examples=40, deadline=None)
def test_boxes_lie_in_the_image_and_keep_their_least_area(seed: int, smallest: float, aspect: float) -> None:
    boxes = draw_boxes(torch.rand(50, 5, generator=_generator(seed)).double(), smallest, aspect, 0.5)
    for start, length in ((boxes.left, boxes.width), (boxes.top, boxes.height)):
        assert float(start.min()) >= 0
        assert float((start + length).max()) <= 1 + 1e-9
    whole = (boxes.width < 1) & (boxes.height < 1)
    assert bool(((boxes.width * boxes.height)[whole] >= smallest - 1e-9).all())
    ratio = boxes.width / boxes.height
    assert bool(((ratio <= aspect + 1e-6) & (ratio >= 1 / aspect - 1e-6)).all())


def test_views_refuse_what_are_no_bytes_of_images() -> None:
    with pytest.raises(ValueError, match=r"images must be uint8 of shape \[N, 3, H, W\], got torch.float32"):
        Views(STILL)(_some(), _generator())
    with pytest.raises(ValueError, match=r"shape \[6, 1, 8, 8\]"):
        Views(STILL)(_bytes()[:, :1], _generator())
