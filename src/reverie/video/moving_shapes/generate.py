"""Generated sets of clips with the truth of where the object is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reverie.seeds import numpy_generator
from reverie.video.clip_set import ClipSet
from reverie.video.moving_shapes import paths as moving
from reverie.video.moving_shapes import scenes
from reverie.video.moving_shapes.config import MovingShapesConfig
from reverie.video.moving_shapes.drawing import draw_glyphs
from reverie.video.moving_shapes.glyphs import NAMES

TOGETHER = 25
"""Clips drawn at a time."""
_DRAWS = moving.DRAWS + scenes.DRAWS + 3 * scenes.CANDIDATES + 3
_DISTRACTOR = 12
"""Uniform numbers that decide a distractor."""


@dataclass(frozen=True)
class MovingClips:
    """Generated clips.

    Parameters
    ----------
    clips : ClipSet
    masks : ndarray, shape [N, F, S, S], bool
        Where the object is seen.
    """

    clips: ClipSet
    masks: NDArray[np.bool_]


def generate_moving_shapes(config: MovingShapesConfig) -> MovingClips:
    """Generate clips of one object that moves among distractors; each clip depends on the seed, its part and its number alone.

    Parameters
    ----------
    config : MovingShapesConfig

    Returns
    -------
    MovingClips
        Training clips, then validation, then test; in each part every run of as many clips as there are classes has one of each.
    """
    names = [(part, number) for part in ("train", "valid", "test") for number in range(_count(config, part))]
    labels = np.array([_label(config, part, number) for part, number in names])
    shape = (len(names), config.frames, config.size, config.size)
    frames, masks = np.empty((*shape, 3), np.uint8), np.empty(shape, np.bool_)
    for at in range(0, len(names), TOGETHER):
        some = slice(at, at + TOGETHER)
        frames[some], masks[some] = _draw(config, names[some], labels[some])
    clips = ClipSet.from_arrays(
        f"moving-shapes-{config.clips}", frames, labels, config.motions,
        ids=[f"{part}-{number:06d}" for part, number in names], parts=[part for part, _ in names],
    )  # fmt: skip
    return MovingClips(clips, masks)


def _count(config: MovingShapesConfig, part: str) -> int:
    return {"train": config.clips, "valid": config.valid, "test": config.test}[part]


def _label(config: MovingShapesConfig, part: str, number: int) -> int:
    """Return the class of a clip: each run of clips has each class once, in an order of its own."""
    run, place = divmod(number, len(config.motions))
    order = numpy_generator(config.seed, "moving shapes: classes", part, run).permutation(len(config.motions))
    return int(order[place])


def _draw(
    config: MovingShapesConfig, names: list[tuple[str, int]], labels: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return frames [n, F, S, S, 3] and masks [n, F, S, S] of some clips."""
    size, frames = config.size, config.frames
    generators = [numpy_generator(config.seed, "moving shapes", part, number) for part, number in names]
    draws = np.stack([generator.random(_DRAWS) for generator in generators])
    clouds = tuple(np.stack([generator.random((k, k)) for generator in generators]) for k in scenes.CLOUDS)
    others = np.stack([generator.random((config.distractors, _DISTRACTOR)) for generator in generators])
    grain = np.stack([np.frombuffer(generator.bytes(frames * size * size * 3), np.uint8) for generator in generators])

    path, scene, colour, last = np.split(draws, np.cumsum([moving.DRAWS, scenes.DRAWS, 3 * scenes.CANDIDATES]), axis=1)
    backgrounds = scenes.draw_backgrounds(scene, clouds, config)
    colours = scenes.choose_colours(scenes.within(colour, config.colour).reshape(len(names), -1, 3), backgrounds, config.contrast)
    canvas = np.repeat(backgrounds[:, None].astype(np.float32), frames, axis=1)
    for one in np.moveaxis(others, 1, 0):
        draw_glyphs(
            canvas, _trembling(one, config), _glyphs(one[:, 10]), 2 * np.pi * one[:, 11], scenes.within(one[:, :3], config.colour)
        )
    paths = moving.draw_paths([config.motions[label] for label in labels], path, config)
    cover = draw_glyphs(canvas, paths, _glyphs(last[:, 0]), 2 * np.pi * last[:, 1], colours)
    amplitude = (config.noise * last[:, 2]).astype(np.float32)[:, None, None, None, None]
    canvas += amplitude * ((grain.reshape(canvas.shape).astype(np.float32) - 127.5) / 127.5)
    return np.round(np.clip(canvas, 0, 1) * 255).astype(np.uint8), cover >= 0.5


def _glyphs(draws: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return numbers of glyphs, of uniform draws."""
    return (draws * len(NAMES)).astype(np.int64)


def _trembling(draws: NDArray[np.float64], config: MovingShapesConfig) -> moving.Paths:
    """Return the places of distractors, which swing about a point in the frame; draws [n, 12]."""
    low, high = config.radius
    time = np.arange(config.frames)
    turns = draws[:, 6:8, None] + time * (0.15 + 0.35 * draws[:, 8:10, None])
    swing = config.tremble * np.sin(2 * np.pi * turns) * draws[:, 3, None, None]
    centres = config.size * (draws[:, 4:6, None] + swing).transpose(0, 2, 1)
    radii = config.size * (0.5 * low + (high - 0.5 * low) * draws[:, 3])
    return moving.Paths(centres, np.repeat(radii[:, None], config.frames, axis=1))
