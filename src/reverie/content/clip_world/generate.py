"""The world: clips with their sound, users with their tastes, and what they click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.content.clip_world.config import ClipWorldConfig
from reverie.content.clip_world.sounds import DRAWS, draw_sounds
from reverie.seeds import numpy_generator
from reverie.video.audio import mel_bands
from reverie.video.moving_shapes import MovingShapesConfig, generate_moving_shapes

if TYPE_CHECKING:
    from reverie.video.clip_set import ClipSet

SILENT = -1
"""In the place of the number of a kind of sound."""
_TOGETHER = 2000
"""Users drawn at a time."""


@dataclass(frozen=True, eq=False)
class ClipWorld:
    """A world; N items, U users.

    Parameters
    ----------
    config : ClipWorldConfig
    clips : ClipSet
        Item i is clip i; its label is its motion.
    mel : list of float16 [W, 64]
        Log-mel bands of each clip; W is 0 for a silent one.
    sounds : ndarray, shape [N], int64
        Kind of sound, -1 for a silent clip.
    likes : ndarray, shape [U, M + S], bool
        Motions, then sounds that each user likes.
    clicked : ndarray, shape [U, E], int64
        Clips in the order of clicks.
    """

    config: ClipWorldConfig
    clips: ClipSet
    mel: list[NDArray[np.float16]]
    sounds: NDArray[np.int64]
    likes: NDArray[np.bool_]
    clicked: NDArray[np.int64]

    @property
    def events(self) -> pl.DataFrame:
        """Columns ``user``, ``item`` (ids of clips) and ``timestamp``, the number of the click."""
        users, count = self.clicked.shape
        ids = np.array(self.clips.ids)
        return pl.DataFrame(
            {
                "user": [f"user-{number:06d}" for number in np.repeat(np.arange(users), count)],
                "item": ids[self.clicked.reshape(-1)],
                "timestamp": np.tile(np.arange(count), users),
            }
        )

    def utilities(self, users: NDArray[np.int64], motion: bool = True, sound: bool = True) -> NDArray[np.float64]:
        """Return the log odds of each clip by what is known of it, motion or sound or both; users [B] → [B, N]."""
        config, cut = self.config, len(self.config.motions)
        total = np.zeros((len(users), len(self.clips)))
        if motion:
            total += config.motion_weight * self.likes[users][:, self.clips.labels]
        if sound:
            heard = self.likes[users][:, cut + np.maximum(self.sounds, 0)] & (self.sounds != SILENT)
            total += config.sound_weight * heard
        return total


def generate_clip_world(config: ClipWorldConfig) -> ClipWorld:
    """Generate a world.

    Motions come from `reverie.video.moving_shapes`, where every single frame has one distribution whatever the motion: what the
    shape is, where it is, its colour and what is behind it tell nothing. Kinds of sound are drawn apart from motions. A user
    likes `liked` motions and as many sounds, drawn evenly, so that no clip is more popular than another but by chance. Clicks
    are drawn one after the other without repetition, with odds ``exp(a [motion liked] + b [sound liked])``: Gumbel noise is added
    to the log odds, and the greatest are taken in turn.

    Parameters
    ----------
    config : ClipWorldConfig

    Returns
    -------
    ClipWorld
    """
    shapes = MovingShapesConfig(
        clips=config.clips, valid=0, test=0, frames=config.frames, size=config.size, seed=config.seed, motions=config.motions,
        radius=config.radius, speed=config.speed, noise=config.noise,
    )  # fmt: skip
    clips = generate_moving_shapes(shapes).clips
    kinds = _kinds(config)
    names = ["" if kind == SILENT else config.sounds[kind] for kind in kinds]
    draws = np.stack([numpy_generator(config.seed, "clip world: sound", i).random(DRAWS) for i in range(config.clips)])
    tracks = draw_sounds(names, draws, config.seconds)
    mel = [
        mel_bands(track).astype(np.float16)[: len(track) if kind != SILENT else 0]
        for kind, track in zip(kinds, tracks, strict=True)
    ]
    likes = _likes(config)
    world = ClipWorld(config, clips, mel, kinds, likes, np.zeros((0, config.events), np.int64))
    clicked = np.concatenate(
        [_clicks(world, part) for part in np.split(np.arange(config.users), range(_TOGETHER, config.users, _TOGETHER))]
    )
    return ClipWorld(config, clips, mel, kinds, likes, clicked)


def _kinds(config: ClipWorldConfig) -> NDArray[np.int64]:
    """Return the kind of sound of each clip, all kinds equally often, and -1 for those that are silent → [N]."""
    generator = numpy_generator(config.seed, "clip world: kinds of sound")
    kinds = np.arange(config.clips) % len(config.sounds)
    generator.shuffle(kinds)
    kinds[generator.choice(config.clips, round(config.silent * config.clips), replace=False)] = SILENT
    return kinds


def _likes(config: ClipWorldConfig) -> NDArray[np.bool_]:
    """Return the motions and sounds that users like → [U, M + S]."""
    generator = numpy_generator(config.seed, "clip world: tastes")
    parts = [generator.random((config.users, len(kinds))).argsort(1) < config.liked for kinds in (config.motions, config.sounds)]
    return np.concatenate(parts, axis=1)


def _clicks(world: ClipWorld, users: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what users click, in order; users [B] → [B, E]."""
    generator = numpy_generator(world.config.seed, "clip world: clicks", int(users[0]))
    reached = world.utilities(users) + generator.gumbel(size=(len(users), len(world.clips)))
    return np.argsort(-reached, axis=1, kind="stable")[:, : world.config.events]
