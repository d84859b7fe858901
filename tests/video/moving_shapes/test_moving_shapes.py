"""Moving shapes: motion alone decides the class, a clip depends on its seed and number alone, masks are where the object is."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation
from scipy.stats import chisquare, kstest

from reverie.errors import ConfigError
from reverie.options import checked
from reverie.video.moving_shapes import MOTIONS, MovingClips, MovingShapesConfig, generate_moving_shapes
from reverie.video.moving_shapes.glyphs import EXTENT, GRID, NAMES, distances
from reverie.video.moving_shapes.paths import DRAWS, Paths, draw_paths

SMALL = MovingShapesConfig(clips=20, valid=10, test=10, frames=8, size=32, distractors=2)


@pytest.fixture(scope="module")
def small() -> MovingClips:
    return generate_moving_shapes(SMALL)


def paths_of(motion: str, n: int, **options: object) -> Paths:
    draws = np.random.default_rng(0).random((n, DRAWS))
    return draw_paths([motion] * n, draws, MovingShapesConfig(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize("motion", MOTIONS)
def test_each_single_frame_has_one_distribution_whatever_the_motion(motion: str) -> None:
    found, other = paths_of(motion, 4000, radius=(0.2, 0.2)), paths_of("left", 4000, radius=(0.2, 0.2))
    for frame in (0, 7, 15):
        cells = np.floor(found.centres[:, frame] / 80 * 4).astype(int)
        assert chisquare(np.bincount(cells[:, 0] * 4 + cells[:, 1], minlength=16)).pvalue > 1e-3
        assert kstest(found.radii[:, frame], other.radii[:, 0]).pvalue > 1e-3


def test_motions_are_what_their_names_say() -> None:
    ways = {motion: np.diff(paths_of(motion, 50).centres, axis=1) for motion in MOTIONS}
    ways = {motion: (way + 40) % 80 - 40 for motion, way in ways.items()}  # on the torus
    for motion, axis, sign in (("left", 0, -1), ("right", 0, 1), ("up", 1, -1), ("down", 1, 1)):
        assert (sign * ways[motion][..., axis] > 0).all()
        assert (np.abs(ways[motion][..., axis]) > np.abs(ways[motion][..., 1 - axis])).all()
    for motion, sign in (("clockwise", 1), ("anticlockwise", -1)):
        (x1, y1), (x2, y2) = ways[motion][:, :-1].transpose(2, 0, 1), ways[motion][:, 1:].transpose(2, 0, 1)
        assert (sign * (x1 * y2 - y1 * x2) > 0).all()  # y is down: a turn to the right
    for motion, sign in (("grow", 1), ("shrink", -1)):
        steps = np.sign(np.diff(paths_of(motion, 50).radii, axis=1))
        assert (steps == sign).mean() > 0.7
        assert (ways[motion] == 0).all()
    assert (ways["bounce"][..., 1] > 0).any(1).all()
    assert (ways["bounce"][..., 1] < 0).any(1).all()
    turned = np.abs(np.diff(ways["zigzag"], axis=1)).max(-1) > 1
    assert (turned.sum(1) >= 2).all()
    assert (~turned).any(1).all()  # straight in between


def test_every_clip_depends_on_seed_part_and_number_alone(small: MovingClips) -> None:
    again = generate_moving_shapes(SMALL)
    assert again.clips.digest == small.clips.digest
    more = generate_moving_shapes(SMALL.model_copy(update={"clips": 33}))
    kept = np.array([name in small.clips.ids for name in more.clips.ids])
    assert more.clips.subset(kept).sha256 == small.clips.sha256
    np.testing.assert_array_equal(more.masks[kept], small.masks)
    assert generate_moving_shapes(SMALL.model_copy(update={"seed": 1})).clips.digest != small.clips.digest
    assert len(set(small.clips.sha256)) == 40


def test_parts_and_classes_are_balanced(small: MovingClips) -> None:
    clips = small.clips
    assert clips.classes == MOTIONS
    assert [clips.parts.count(part) for part in ("train", "valid", "test")] == [20, 10, 10]
    for part, each in (("train", 2), ("valid", 1), ("test", 1)):
        assert np.bincount(clips.labels[np.array(clips.parts) == part]).tolist() == [each] * 10
    few = generate_moving_shapes(MovingShapesConfig(clips=7, valid=0, test=0, frames=2, size=16, motions=("left", "right")))
    assert sorted(np.bincount(few.clips.labels).tolist()) == [3, 4]


def test_masks_are_where_the_object_is() -> None:
    plain = MovingShapesConfig(clips=30, valid=0, test=0, frames=4, size=80, distractors=0, noise=0.0, radius=(0.2, 0.22))
    made = generate_moving_shapes(plain)
    assert made.masks.any((2, 3)).all()
    for i in range(30):
        frames, mask = made.clips.frames(i).astype(int), made.masks[i]
        inside = np.array([np.median(frames[t][mask[t]], 0) for t in range(4)])
        assert np.ptp(inside, 0).max() <= 2  # one colour in all frames
        behind = np.broadcast_to(~mask.any(0), mask.shape)
        moved = np.abs(frames - frames[:1]).max(-1)
        around = binary_dilation(np.pad(mask.any(0), 3, mode="wrap"), iterations=3)[3:-3, 3:-3]
        assert moved[behind & ~around].max(initial=0) <= 1  # without noise only the object changes
    areas = made.masks.mean((2, 3))
    assert areas.min() > 0.001
    assert areas.max() < 0.16


def test_distractors_and_noise_do_not_touch_the_mask(small: MovingClips) -> None:
    bare = generate_moving_shapes(SMALL.model_copy(update={"noise": 0.0, "tremble": 0.0}))
    np.testing.assert_array_equal(bare.masks, small.masks)
    assert bare.clips.digest != small.clips.digest


def test_one_frame_is_at_chance_and_places_over_time_are_not() -> None:
    made = generate_moving_shapes(MovingShapesConfig(clips=300, valid=0, test=0, frames=12, size=32, distractors=0))
    labels, masks = made.clips.labels, made.masks.astype(float)
    line = np.arange(32) + 0.5
    area = masks.sum((2, 3))
    angles = 2 * np.pi / 32 * line  # the mean place on a torus
    place = np.stack([np.angle(masks.sum(axis) @ np.exp(1j * angles)) for axis in (2, 3)], -1)
    steps = np.angle(np.exp(1j * np.diff(place, axis=1))).reshape(300, -1)
    growth = np.diff(np.log(area + 1), axis=1)
    single = np.stack([made.clips.frames(i)[6].ravel() for i in range(300)]).astype(float)

    def neighbour(features: np.ndarray) -> float:
        apart = (features**2).sum(1) - 2 * features @ features.T  # and a constant for each row
        np.fill_diagonal(apart, np.inf)
        return float((labels[apart.argmin(1)] == labels).mean())

    seen = np.concatenate([np.cos(place[:, 6]), np.sin(place[:, 6]), np.log(area[:, 6:7] + 1)], 1)
    assert neighbour(seen) < 0.17  # chance is 0.1, its spread over 300 clips 0.017
    assert neighbour(single) < 0.17
    assert neighbour(np.concatenate([steps, growth], 1)) > 0.5


def test_glyphs_lie_within_a_circle_and_are_neither_empty_nor_alike() -> None:
    table = distances()
    line = np.linspace(-EXTENT, EXTENT, GRID)
    beyond = np.hypot(*np.meshgrid(line, line)) > 1.01
    assert (table[:, beyond] > 0).all()
    inside = (table < 0).reshape(len(NAMES), -1)
    share = inside.mean(1)
    assert share.min() > 0.08
    assert share.max() < 0.55
    overlap = inside.astype(float) @ inside.T / np.maximum(inside.sum(1), inside.sum(1)[:, None])
    np.fill_diagonal(overlap, 0)
    assert overlap.max() < 0.95


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"motions": ["left", "left"]}, "each motion once"),
        ({"motions": ["left", "sideways"]}, "option 'motions.1'"),
        ({"radius": [0.3, 0.2]}, "the smaller first"),
        ({"size": 8}, "greater than or equal to 16"),
        ({"clip": 3}, "did you mean 'clips'"),
    ],
)
def test_options_that_are_wrong(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        checked(MovingShapesConfig, options, "moving-shapes")
