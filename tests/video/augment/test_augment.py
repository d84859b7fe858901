"""Augmentation: the same for all frames of a clip, a function of the generator, and what naive references compute."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.seeds import torch_generator
from reverie.video.augment import AugmentConfig, RandAugmentConfig, augment_clips, centre_crop, rand_augment
from reverie.video.augment.geometry import crop_maps, warp
from reverie.video.augment.operations import OPERATIONS, apply_operations

STRONG = AugmentConfig(size=24, brightness=0.4, contrast=0.4, saturation=0.4, rand_augment=RandAugmentConfig(chance=1.0))


def frames(b: int = 6, t: int = 4, size: int = 32) -> Tensor:
    return torch.randint(0, 256, (b, t, size, size, 3), generator=torch_generator(0, "frames"), dtype=torch.uint8)


def test_what_is_drawn_for_a_clip_holds_for_all_its_frames() -> None:
    still = frames(40, 1).expand(-1, 5, -1, -1, -1)
    out, _ = augment_clips(still, STRONG, torch_generator(0, "a"))
    assert out.shape == (40, 5, 3, 24, 24)
    np.testing.assert_allclose(out, out[:, :1].expand_as(out), rtol=0, atol=0)
    mild = STRONG.model_copy(update={"rand_augment": RandAugmentConfig(chance=0.0)})  # rounding of levels would go on otherwise
    single, whole = (augment_clips(still[:, :t], mild, torch_generator(0, "a"))[0] for t in (1, 5))
    np.testing.assert_allclose(single, whole[:, :1], rtol=0, atol=1e-5)
    assert (out[0] - out[1]).abs().mean() > 0.05  # other clips, other changes


def test_frames_are_not_mixed() -> None:
    order = torch.tensor([2, 0, 3, 1])
    plain, _ = augment_clips(frames(), STRONG, torch_generator(1, "a"))
    moved, _ = augment_clips(frames()[:, order], STRONG, torch_generator(1, "a"))
    np.testing.assert_allclose(moved, plain[:, order], rtol=0, atol=1e-5)


def test_all_comes_from_the_generator() -> None:
    one, other, third = (augment_clips(frames(), STRONG, torch_generator(seed, "a"))[0] for seed in (3, 3, 4))
    np.testing.assert_allclose(one, other, rtol=0, atol=0)
    assert not torch.equal(one, third)
    assert one.min() >= 0
    assert one.max() <= 1


@pytest.mark.parametrize("strong", [False, True])
def test_masks_go_where_the_pixels_go(strong: bool) -> None:
    masks = torch.zeros(20, 3, 32, 32, dtype=torch.bool)
    masks[:, 0, 4:16, 8:20] = masks[:, 1, 10:22, 10:30] = masks[:, 2, 20:, 2:9] = True
    seen = (masks[..., None] * 255).expand(-1, -1, -1, -1, 3).to(torch.uint8)
    config = AugmentConfig(size=32, area=(0.3, 0.9))
    clips, moved = augment_clips(seen, config, torch_generator(0, "m"), masks)
    assert moved is not None
    assert moved.shape == (20, 3, 32, 32)
    if strong:
        kinds = torch.arange(20) % 5 + OPERATIONS.index("rotate")
        turned, there = apply_operations(clips, kinds, torch.full((20,), 0.7), torch.ones(20), moved[:, :, None])
        assert there is not None
        inside = there[:, :, 0] > 0.999
        np.testing.assert_allclose(turned[:, :, 1][inside], torch.ones(int(inside.sum())), rtol=0, atol=2e-3)
        assert inside.any((1, 2, 3)).all()
    else:
        np.testing.assert_allclose(clips[:, :, 1], moved, rtol=0, atol=1e-5)


def test_warp_is_linear_between_pixels() -> None:
    clip = torch.rand(2, 1, 2, 7, 9, generator=torch_generator(0, "warp"), dtype=torch.float64)
    maps = crop_maps(torch.rand(2, 5, generator=torch_generator(1, "warp"), dtype=torch.float64), (0.2, 0.8), 1.5, 0.5)
    found = warp(clip, maps, (5, 4), 0.3)
    for b in range(2):
        for row in range(5):
            for column in range(4):
                x, y = maps[b].numpy() @ [(2 * column + 1) / 4 - 1, (2 * row + 1) / 5 - 1, 1]
                x, y = ((x + 1) * 9 - 1) / 2, ((y + 1) * 7 - 1) / 2
                expected = np.zeros(2)
                for i in (int(np.floor(y)), int(np.floor(y)) + 1):
                    for j in (int(np.floor(x)), int(np.floor(x)) + 1):
                        value = clip[b, 0, :, i, j].numpy() if 0 <= i < 7 and 0 <= j < 9 else 0.3
                        expected += (1 - abs(y - i)) * (1 - abs(x - j)) * value
                np.testing.assert_allclose(found[b, 0, :, row, column], expected, atol=1e-12)


def test_crops_keep_the_asked_area_and_stay_in_the_frame() -> None:
    maps = crop_maps(torch.rand(5000, 5, generator=torch_generator(0, "crops")), (0.3, 0.7), 4 / 3, 0.25)
    wide, high, across, down = maps[:, 0, 0].abs(), maps[:, 1, 1], maps[:, 0, 2], maps[:, 1, 2]
    assert ((across.abs() + wide <= 1 + 1e-6) & (down.abs() + high <= 1 + 1e-6)).all()
    assert (wide * high).max() <= 0.7 + 1e-6
    uncut = (wide < 1) & (high < 1)
    assert (wide * high)[uncut].min() >= 0.3 - 1e-6
    assert 0.70 < (wide / high).min() < 0.8 < 1.3 < (wide / high).max() < 1.34
    assert abs((maps[:, 0, 0] < 0).float().mean() - 0.25) < 0.03
    assert (crop_maps(torch.rand(100, 5), (0.3, 0.7), 1.0, 0.0)[:, 0, 0] > 0).all()


def test_without_changes_a_clip_stays_as_it_is() -> None:
    plain = AugmentConfig(size=32, area=(1.0, 1.0), aspect=1.0, flip=0.0)
    out, _ = augment_clips(frames(), plain, torch_generator(0, "a"))
    np.testing.assert_allclose(out, frames().movedim(-1, 2) / 255, rtol=0, atol=1e-6)


def picture() -> tuple[Image.Image, Tensor]:
    ramp = np.linspace(30, 200, 32 * 32 * 3).reshape(32, 32, 3)
    noise = np.random.default_rng(0).normal(0, 12, (32, 32, 3))
    array = np.clip(ramp + noise, 0, 255).astype(np.uint8)
    return Image.fromarray(array), torch.from_numpy(array)[None, None].movedim(-1, 2) / 255


@pytest.mark.parametrize(
    ("name", "strength", "sign", "reference", "levels"),
    [
        ("auto-contrast", 0.7, 1, ImageOps.autocontrast, 1),
        ("equalise", 0.7, 1, ImageOps.equalize, 0),
        ("invert", 0.7, 1, ImageOps.invert, 0),
        ("posterise", 0.7, 1, lambda image: ImageOps.posterize(image, 2), 0),
        ("solarise", 0.7, 1, lambda image: ImageOps.solarize(image, 256 - 179), 0),
        ("solarise-add", 0.7, 1, lambda image: image.point([min(i + 77, 255) if i < 128 else i for i in range(256)] * 3), 0),
        ("saturation", 0.7, 1, lambda image: ImageEnhance.Color(image).enhance(1.63), 2),
        ("contrast", 0.7, -1, lambda image: ImageEnhance.Contrast(image).enhance(0.37), 1),
        ("brightness", 0.7, -1, lambda image: ImageEnhance.Brightness(image).enhance(0.37), 1),
        ("sharpness", 0.7, 1, lambda image: ImageEnhance.Sharpness(image).enhance(1.63), 2),
    ],
)
def test_colours_are_changed_as_pillow_does(name: str, strength: float, sign: int, reference: object, levels: int) -> None:
    image, clip = picture()
    kinds = torch.tensor([OPERATIONS.index(name)])
    found, _ = apply_operations(clip, kinds, torch.tensor([strength]), torch.tensor([float(sign)]))
    expected = np.asarray(reference(image)).astype(int)  # type: ignore[operator]
    got = torch.round(found[0, 0].movedim(0, -1) * 255).numpy().astype(int)
    assert np.abs(got - expected).max() <= levels
    assert np.abs(expected - np.asarray(image).astype(int)).max() > 5  # the reference does something


@pytest.mark.parametrize("name", ["auto-contrast", "equalise", "contrast"])
def test_what_stands_still_keeps_its_colour(name: str) -> None:
    _, clip = picture()
    moving = torch.cat([clip, clip], 1)
    moving[:, 1, :, 20:] = torch.rand(1, 3, 12, 32, generator=torch_generator(0, "moves"))
    moving = 0.2 + 0.6 * moving
    found, _ = apply_operations(moving, torch.tensor([OPERATIONS.index(name)]), torch.tensor([0.7]), torch.tensor([1.0]))
    np.testing.assert_allclose(found[:, 0, :, :20], found[:, 1, :, :20], rtol=0, atol=1e-6)
    assert (found - moving).abs().max() > 0.02


def test_a_clip_of_one_colour_stays_finite() -> None:
    flat = torch.full((len(OPERATIONS), 2, 3, 16, 16), 0.25)
    found, _ = apply_operations(flat, torch.arange(len(OPERATIONS)), torch.ones(len(OPERATIONS)), -torch.ones(len(OPERATIONS)))
    assert torch.isfinite(found).all()
    for name in ("auto-contrast", "equalise"):
        np.testing.assert_allclose(found[OPERATIONS.index(name)], flat[0], rtol=0, atol=2e-3)


def test_rand_augment_draws_all_operations_with_the_asked_chance() -> None:
    clips = torch.rand(3000, 1, 3, 8, 8, generator=torch_generator(0, "many"))
    config = RandAugmentConfig(operations=1)
    found, _ = rand_augment(clips, config, torch_generator(0, "draw"))
    changed = ((found - clips).abs().amax((1, 2, 3, 4)) > 1e-3).float().mean()
    assert abs(changed - 0.5) < 0.05
    never, _ = rand_augment(clips[:9], RandAugmentConfig(chance=0.0), torch_generator(0, "draw"))
    np.testing.assert_allclose(never, clips[:9], rtol=0, atol=0)


def test_centre_crop() -> None:
    stored = frames(2, 3, 40)
    found = centre_crop(stored, 32)
    np.testing.assert_allclose(found, stored[:, :, 4:36, 4:36].movedim(-1, 2) / 255, rtol=0, atol=0)
    whole = centre_crop(stored, 20, side=40)
    assert whole.shape == (2, 3, 3, 20, 20)
    assert abs(whole.mean() - stored.float().mean() / 255) < 0.01
    masks = torch.zeros(2, 3, 40, 40, dtype=torch.bool)
    masks[:, :, 4:8, 4:8] = True
    assert centre_crop(masks, 32).sum().item() == 2 * 3 * 16
    with pytest.raises(ConfigError, match="64 x 64 pixels does not fit into frames of 40 x 40"):
        centre_crop(stored, 64)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"area": [0.9, 0.5]}, "the smaller first"),
        ({"rand_augment": {"magnitude": 11}}, "option 'rand_augment.magnitude'"),
        ({"flips": 0}, "did you mean 'flip'"),
    ],
)
def test_options_that_are_wrong(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked(AugmentConfig, options, "augment")
