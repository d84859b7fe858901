"""What was read, brought together with labels: the index of a prepared folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reverie.video.clip_set import set_digest
from reverie.video.layouts import LabelledFile
from reverie.video.preparing.index import VERSION, Columns, Index
from reverie.video.preparing.journal import Record
from reverie.video.preparing.options import PrepareOptions


def make_index(folder: Path, options: PrepareOptions, files: Mapping[str, LabelledFile], kept: Mapping[str, Record]) -> Index:
    """Return the index of clips that were kept, in the order of `kept`; classes are sorted by name."""
    asked = [files[name] for name in kept]
    records = list(kept.values())
    classes = sorted({one.label for one in asked if one.label is not None})
    numbers = {name: number for number, name in enumerate(classes)}
    labels = [-1 if one.label is None else numbers[one.label] for one in asked]
    columns = Columns(
        ids=list(kept), labels=labels, groups=[one.group for one in asked], folds=[one.fold for one in asked],
        parts=[one.part for one in asked], counts=[one.count for one in records], fps=[one.fps for one in records],
        sha256=[one.sha256 for one in records], shard=[one.shard for one in records], start=[one.start for one in records],
        seconds=[one.seconds for one in records], file_frames=[one.frames for one in records],
        width=[one.width for one in records], height=[one.height for one in records], lost=[one.lost for one in records],
        sound=[one.sound for one in records], sound_shard=[one.sound_shard for one in records],
        sound_start=[one.sound_start for one in records], sound_count=[one.sound_count for one in records],
    )  # fmt: skip
    shards = [f"frames-{number:05d}.npy" for number in range(1 + max(columns.shard))]
    last = max((one.sound_shard for one in records if one.sound_count), default=-1)
    sounds = [f"sound-{number:05d}.npy" for number in range(1 + last)]
    names = ["" if one.label is None else one.label for one in asked]
    return Index(
        VERSION, folder.resolve().name, str(folder.resolve()), options.model_dump(), options.size, classes, shards, sounds, columns,
        set_digest(columns.sha256, names),
    )  # fmt: skip
