from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reverie.content.clip_world import ClipWorldConfig, Oracle, open_world
from reverie.content.clip_world.generate import ClipWorld, generate_clip_world
from reverie.content.clip_world.oracle import blind_hit_rates
from reverie.content.clip_world.sounds import DRAWS, draw_sounds
from reverie.data.dataset import Dataset
from reverie.data.splits import leave_one_out
from reverie.errors import ConfigError
from reverie.evaluation import evaluate
from reverie.options import checked
from reverie.video.audio import mel_bands
from reverie.video.preparing.index import open_prepared
from reverie.video.sound_set import open_sound

TINY = {"clips": 24, "users": 400, "events": 4, "frames": 2, "size": 16, "seconds": 0.1}


@pytest.fixture(scope="module")
def world() -> ClipWorld:
    return generate_clip_world(ClipWorldConfig(**TINY, silent=0.25))


def test_a_world_is_a_function_of_its_options(world: ClipWorld) -> None:
    again = generate_clip_world(world.config)
    assert again.clips.digest == world.clips.digest
    assert (again.clicked == world.clicked).all()
    other = generate_clip_world(world.config.model_copy(update={"seed": 1}))
    assert other.clips.digest != world.clips.digest
    assert (other.clicked != world.clicked).any()


def test_every_user_clicks_different_clips_and_likes_what_the_options_say(world: ClipWorld) -> None:
    assert (np.diff(np.sort(world.clicked, axis=1), axis=1) > 0).all()
    motions = len(world.config.motions)
    assert (world.likes[:, :motions].sum(1) == 2).all()
    assert (world.likes[:, motions:].sum(1) == 2).all()
    assert np.bincount(world.sounds[world.sounds >= 0]).max() <= 4  # each kind equally often before some are silent
    assert (world.sounds < 0).sum() == 6


def test_first_clicks_follow_the_odds(world: ClipWorld) -> None:
    config, cut = world.config, len(world.config.motions)
    expected, seen = [], 0
    for likes, first in zip(world.likes, world.clicked[:, 0], strict=True):
        odds = []
        for motion, sound in zip(world.clips.labels, world.sounds, strict=True):
            liked = config.motion_weight * likes[motion] + config.sound_weight * (sound >= 0 and likes[cut + sound])
            odds.append(np.exp(liked))
        both = [motion_odds >= np.exp(config.motion_weight + config.sound_weight) for motion_odds in odds]
        expected.append(np.sum(odds, where=both) / np.sum(odds))
        seen += both[first]
    spread = np.sqrt(np.sum(np.array(expected) * (1 - np.array(expected))))
    assert abs(seen - sum(expected)) < 4 * spread


def test_an_oracle_is_better_the_more_it_knows(world: ClipWorld) -> None:
    split = leave_one_out(Dataset(world.events, name="w"))
    known = {
        (motion, sound): evaluate(Oracle(world, split.vocabulary, motion, sound), split.test).value("ndcg@5")
        for motion in (True, False)
        for sound in (True, False)
    }
    assert known[True, True] > max(known[True, False], known[False, True])
    assert min(known[True, False], known[False, True]) > known[False, False]
    candidates = 24 - 3
    assert evaluate(Oracle(world, split.vocabulary, False, False), split.test).value("recall@5") == pytest.approx(5 / candidates)


def test_rising_and_falling_differ_in_their_order_alone() -> None:
    draws = np.random.default_rng(0).random((4, DRAWS))
    draws[2:] = draws[:2]
    mel = [mel_bands(one) for one in draw_sounds(["rising", "rising", "falling", "falling"], draws, 0.5)]
    centres = [(np.exp(one) @ np.arange(64)) / np.exp(one).sum(1) for one in mel]
    slopes = [np.polyfit(np.arange(len(one)), one, 1)[0] for one in centres]
    assert min(slopes[:2]) > 0 > max(slopes[2:])
    for up, down in zip(mel[:2], mel[2:], strict=True):
        assert np.abs(up.mean(0) - down.mean(0)).mean() < 0.15


def test_the_folder_is_that_of_prepared_clips(world: ClipWorld, tmp_path: Path) -> None:
    opened = open_world(world.config, tmp_path / "w")
    clips, sound = open_prepared(opened.folder), open_sound(opened.folder)
    assert clips.ids == world.clips.ids
    assert (clips.labels == -1).all()  # the truth is in no file that a recommender reads
    for at in range(len(clips)):
        assert (clips.frames(at) == world.clips.frames(at)).all()
        assert (sound.mel(at) == world.mel[at]).all()
    assert [one == "silent" for one in sound.states] == list(world.sounds < 0)
    heard = opened.dataset.content["audio"]
    assert len(heard.ids) == (world.sounds >= 0).sum()
    assert "motion" not in (opened.folder / "items.csv").read_text() + (opened.folder / "events.csv").read_text()
    before = (opened.folder / "index.json").stat().st_mtime_ns
    assert open_world(world.config, tmp_path / "w").folder == opened.folder
    assert (opened.folder / "index.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("candidates", "cold", "k", "expected"),
    [([20, 40], [5, 20], 10, (0.375, 0.75)), ([100], [50], 10, (0.1, 0.2)), ([5], [0], 10, (1.0, 1.0))],
)
def test_what_can_be_had_blindly(candidates: list[int], cold: list[int], k: int, expected: tuple[float, float]) -> None:
    assert blind_hit_rates(np.array(candidates), np.array(cold), k) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"liked": 6}, "motions must be more than the 6"),
        ({"sounds": ["low", "low", "high"]}, "each named once"),
        ({"clips": 16, "events": 9}, "leave nothing to recommend"),
    ],
)
def test_worlds_that_cannot_be_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        checked(ClipWorldConfig, options, "world")
