"""The world on disk: clips in the layout of a prepared folder, with their sound, beside the events."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from reverie.content.clip_world.config import ClipWorldConfig
from reverie.content.clip_world.generate import SILENT, ClipWorld, generate_clip_world
from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset
from reverie.data.vocabulary import Vocabulary
from reverie.files import atomic_path, cache_folder, json_digest, locked, write_text
from reverie.video.audio import BANDS
from reverie.video.clip_set import set_digest
from reverie.video.item_encoders.frozen import frozen_sound
from reverie.video.item_encoders.item_clips import ItemClips
from reverie.video.preparing.index import INDEX, VERSION, Columns, Index, write_index

EVENTS, CATALOG, TRUTH = "events.csv", "items.csv", "truth.csv"
LONGEST = 2000
"""Windows of sound that the content `audio` is made of; more than a world has."""
WORLD_VERSION = 1
"""Of the generator: raised when the same options come to make another world."""


@dataclass(frozen=True, eq=False)
class OpenedWorld:
    """A world and the folder of its clips."""

    world: ClipWorld
    folder: Path

    @property
    def dataset(self) -> Dataset:
        """Return the events, with mean and deviation of the bands of sound as the content ``audio``."""
        ids, world = pl.Series("item", self.world.clips.ids), self.world
        clips = ItemClips(self.folder, Vocabulary(ids, ids.head(0)))
        heard = [at for at, one in enumerate(world.mel) if len(one)]
        content = {"audio": ItemFeatures(ids[heard], frozen_sound(clips, LONGEST)[heard])} if heard else {}
        return Dataset(
            world.events, pl.DataFrame({"item": ids}), f"clip-world-{world.config.seed}", licence="made by this package",
            citation="Reverie, docs/content.md", notes=(f"the clips lie in {self.folder}",), content=content,
        )  # fmt: skip


def world_folder(config: ClipWorldConfig) -> Path:
    """Return where the clips of a world are kept."""
    return (
        cache_folder() / "content" / f"clip-world-{json_digest(config.model_dump(mode='json') | {'version': WORLD_VERSION})[:16]}"
    )


def open_world(config: ClipWorldConfig, folder: Path | None = None) -> OpenedWorld:
    """Generate a world and write its clips where they are not written yet.

    Parameters
    ----------
    config : ClipWorldConfig
    folder : Path, optional
        By default one in the cache, named by the options.

    Returns
    -------
    OpenedWorld
        The folder holds ``index.json`` with the arrays that it names, as `reverie video prepare --audio` writes them;
        ``events.csv``; ``items.csv``, which names items only; ``truth.csv`` with motions and sounds, which no recommender reads.
    """
    world, place = generate_clip_world(config), folder or world_folder(config)
    if not (place / INDEX).exists():
        with locked(place):
            if not (place / INDEX).exists():
                write_world(world, place)
    return OpenedWorld(world, place)


def write_world(world: ClipWorld, folder: Path) -> None:
    """Write a world into a folder, the index last."""
    folder.mkdir(parents=True, exist_ok=True)
    clips, config = world.clips, world.config
    lengths = [len(one) for one in world.mel]
    for name, values in (
        ("frames-00000.npy", clips.shards.arrays[0]),
        ("sound-00000.npy", np.concatenate([*world.mel, np.zeros((0, BANDS), np.float16)])),
    ):
        with atomic_path(folder / name) as temporary, temporary.open("wb") as file:
            np.save(file, values, allow_pickle=False)
    motions = [config.motions[label] for label in clips.labels]
    sounds = ["" if kind == SILENT else config.sounds[kind] for kind in world.sounds]
    write_text(folder / EVENTS, world.events.write_csv())
    write_text(folder / CATALOG, "\n".join(["item", *clips.ids, ""]))
    rows = [",".join(row) for row in zip(clips.ids, motions, sounds, strict=True)]
    write_text(folder / TRUTH, "\n".join(["item,motion,sound", *rows, ""]))
    n, zeros = len(clips), [0] * len(clips)
    columns = Columns(
        ids=list(clips.ids), labels=[-1] * n, groups=list(clips.groups), folds=clips.folds.tolist(), parts=[""] * n,
        counts=clips.counts.tolist(), fps=[config.frames / config.seconds] * n, sha256=list(clips.sha256), shard=zeros,
        start=clips.shards.start.tolist(), seconds=[config.seconds] * n, file_frames=clips.counts.tolist(), width=[config.size] * n,
        height=[config.size] * n, lost=zeros, sound=["sound" if length else "silent" for length in lengths], sound_shard=zeros,
        sound_start=(np.cumsum(lengths) - lengths).tolist(), sound_count=lengths,
    )  # fmt: skip
    settings = {"generator": "clip-world", **config.model_dump(mode="json")}
    write_index(
        folder,
        Index(
            VERSION, folder.name, "generated", settings, config.size, [], ["frames-00000.npy"], ["sound-00000.npy"], columns,
            set_digest(columns.sha256, [""] * n),
        ),
    )  # fmt: skip
