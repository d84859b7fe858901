"""The data of a content study: events, split, content of items and its digest, clips."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import polars as pl

from reverie.content.clip_world.files import OpenedWorld, open_world
from reverie.content.recipe import ContentData
from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError
from reverie.models.item_encoders.config import ItemEncoderOptions
from reverie.models.item_encoders.shelf import ENCODERS, EXTRACTORS
from reverie.options import checked
from reverie.seeds import numpy_generator
from reverie.training.content import with_content
from reverie.training.event_log import open_recipe_dataset


@dataclass(frozen=True, eq=False)
class OpenedData:
    """Data of a study.

    Parameters
    ----------
    dataset : Dataset
        With titles and features, those that are to be missing taken away.
    split : Split
    clips : str or None
        Folder of prepared clips.
    world : OpenedWorld or None
        Where the log is generated.
    """

    dataset: Dataset
    split: Split
    clips: str | None
    world: OpenedWorld | None

    @cached_property
    def content_sha256(self) -> str:
        """Return the SHA-256 of the content of the items: titles, features and the index of clips."""
        found, vocabulary = hashlib.sha256(), self.split.vocabulary
        if vocabulary.titles is not None:
            found.update("\0".join(one or "" for one in vocabulary.titles.to_list()).encode())
        for name, features in sorted(vocabulary.content.items()):
            found.update(f"{name} {features.values.shape}".encode() + features.values.tobytes() + features.present.tobytes())
        if self.clips is not None:
            from reverie.video.preparing.index import read_index

            index = read_index(self.clips)
            found.update("\0".join([index.clips_sha256, *index.clips.ids, *map(str, index.clips.sound_count)]).encode())
        return found.hexdigest()


def open_data(one: ContentData, modalities: Iterable[str] = (), offline: bool = False, show: bool = False) -> OpenedData:
    """Open the events, make features that encoders read and the data lack, take away what is to be missing, and cut.

    Parameters
    ----------
    one : ContentData
    modalities : iterable of str
        That encoders read; those of titles and covers are made where the data do not bring them.
    offline : bool
        Whether nothing may be fetched.
    show : bool
        Whether to show progress.
    """
    world = None if one.world is None else open_world(one.world)
    if one.dataset is not None:
        dataset = open_recipe_dataset(one.dataset, offline)
    elif world is not None:
        dataset = world.dataset
    dataset = with_content(dataset, *(name for name in modalities if name in EXTRACTORS), show=show)
    for name, share in one.missing.items():
        dataset = _without(dataset, name, share)
    clips = one.clips if world is None else str(world.folder)
    return OpenedData(dataset, split_dataset(dataset, one.split), clips, world)


def _without(dataset: Dataset, name: str, share: float) -> Dataset:
    """Return a dataset some of whose items have lost one kind of content."""
    items = dataset.vocabulary.items
    lost = numpy_generator(0, "content: missing", name).random(len(items)) < share
    if name not in dataset.content:
        have = ", ".join(dataset.content) or "none"
        raise ConfigError(f"'{dataset.name}' has no content '{name}' that could be missing; it has {have}")
    features = dataset.content[name].align(items)
    left = features.present & ~lost
    kept = ItemFeatures(items.filter(pl.Series(left)), features.values[left])
    return replace(dataset, content={**dataset.content, name: kept})


UNKNOWN = "."
"""Where clips lie that are not generated yet."""
READ_CLIPS = ("video", "audio")
"""Kinds of encoders that read clips."""


def with_clips(options: Mapping[str, Any], clips: str | None) -> Mapping[str, Any]:
    """Return options with the folder of clips where a kind reads some and names none."""
    filled = {key: _deeper(value, clips) for key, value in options.items()}
    if options.get("kind") in READ_CLIPS and "clips" not in options:
        if clips is None:
            raise ConfigError(f"an encoder of kind '{options['kind']}' needs clips; name their folder as clips of the data")
        filled["clips"] = clips
    return filled


def _deeper(value: Any, clips: str | None) -> Any:
    if isinstance(value, Mapping):
        return with_clips(value, clips)
    return [_deeper(one, clips) for one in value] if isinstance(value, list | tuple) else value


def weights_of_starts(options: Any) -> dict[str, Any]:
    """Return what identifies the weights of each trained network that encoders of clips begin with, by its place in the options."""
    if isinstance(options, Mapping):
        start = options.get("start") if options.get("kind") == "video" else None
        found = {} if start is None else {start: _weights(start)}
        return found | weights_of_starts(list(options.values()))
    each = map(weights_of_starts, options) if isinstance(options, list | tuple) else ()
    return {name: facts for one in each for name, facts in one.items()}


@cache
def _weights(start: str) -> dict[str, Any]:
    from reverie.video.embedding.encoders import find_encoder

    return dict(find_encoder(start).facts)


def encoder_options(values: Mapping[str, Any]) -> ItemEncoderOptions:
    """Return the checked options of an encoder, defaults filled in, wherever its clips lie."""
    kind = ENCODERS.config(str(values.get("kind", "id")))
    found: ItemEncoderOptions = checked(kind, with_clips(values, UNKNOWN), "item_encoder")
    return found


def in_place_of(folder: str | None, options: Any) -> Any:
    """Return options without the place of the clips, which says nothing of what they are."""
    if isinstance(options, Mapping):
        return {key: in_place_of(folder, value) for key, value in options.items() if not (key == "clips" and value == folder)}
    return [in_place_of(folder, one) for one in options] if isinstance(options, list | tuple) else options
