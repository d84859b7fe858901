"""Features put beside a dataset: which of its items have some, and what matches nothing, is counted and said."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset
from reverie.data.ids import matched
from reverie.data.read_as import told
from reverie.data.readers.features import read_features
from reverie.errors import ConfigError, DataError, short

Given = str | os.PathLike[str] | ItemFeatures | NDArray[np.floating]
"""A file of features, features, or an array whose rows are those of the catalogue."""


def with_features(dataset: Dataset, content: Mapping[str, Given]) -> Dataset:
    """Return a dataset with features of its items beside it, for models that know items by their content.

    Parameters
    ----------
    dataset : Dataset
    content : mapping
        By the name of what features come from (``"text"``, ``"image"``, ``"audio"``, ``"video"``, or any other): a file for
        `read_features`, whose rows are those of the catalogue where it has no ids, such an array, or features. A name that the
        dataset has already is replaced.

    Returns
    -------
    Dataset
        The same events and the same identity. Its notes say how many items have which features and how many have none at all,
        and so does the log ``reverie.data``, with a warning where ids match no item.

    Raises
    ------
    DataError
        If a file cannot be read, see `read_features`, or none of its ids matches an item.
    """
    catalog = None if dataset.catalog.is_empty() else dataset.catalog["item"]
    if not isinstance(content, Mapping):
        raise ConfigError(f"{short(repr(content))} names no modality; write with_features(dataset, {{'image': 'image.npy'}})")
    read = {name: _read(name, one, catalog) for name, one in content.items()}
    items = dataset.events["item"].unique(maintain_order=True)
    more = matched(dataset.catalog["item"], items.dtype).drop_nulls().alias("item")
    for name, features in read.items():
        check_ids(name, features, pl.concat([items, more]), f"'{dataset.name}'")
    result = replace(dataset, content={**dataset.content, **read})
    note = covered(result)
    told(f"content: {note}")
    return replace(result, notes=(*dataset.notes, note))


def _read(name: str, given: Any, catalog: pl.Series | None) -> ItemFeatures:
    """Return features that are given as a file, as an array in the order of the catalogue, or as they are."""
    if isinstance(given, ItemFeatures):
        return given
    if isinstance(given, np.ndarray) and catalog is not None:
        return ItemFeatures(catalog, given)
    if isinstance(given, str | os.PathLike):
        return read_features(given, catalog=catalog)
    array = isinstance(given, np.ndarray)
    what = "an array needs a catalogue to say whose its rows are" if array else f"a {type(given).__name__} is neither"
    raise ConfigError(f"features '{name}': {what}; give a file, or ItemFeatures(ids, values) of reverie.data.content")


def covered(dataset: Dataset) -> str:
    """Return how many items of the log have which features, and how many lack each, or all."""
    items = dataset.events["item"].unique()
    held = {name: pl.Series(features.ids) for name, features in dataset.content.items()}
    there = {name: items.is_in(matched(ids, items.dtype).drop_nulls().implode()).to_numpy() for name, ids in held.items()}
    parts = [
        f"{name}, {dataset.content[name].values.shape[1]:,} numbers, of {present.sum():,} of {len(items):,} items" + _lack(present)
        for name, present in there.items()
    ]
    bare = int((~np.logical_or.reduce(list(there.values()))).sum())
    return "; ".join([*parts, *([f"{bare:,} items have no content at all"] if bare else [])])


def _lack(present: NDArray[np.bool_]) -> str:
    """Return how many items are without, and which share of them, in words; nothing where none is."""
    lacking = int((~present).sum())
    return f" ({lacking:,} lack it, {lacking / len(present):.1%})" if lacking else ""


def check_ids(name: str, features: ItemFeatures, items: pl.Series, where: str) -> None:
    """Refuse features of which none, and warn of those of which some are of no item of a place."""
    ids = features.ids
    missing = ~matched(ids, items.dtype).is_in(items.implode()).fill_null(False)
    if missing.all():
        raise DataError(
            f"none of the {len(ids):,} ids of the {name} features is an item of {where}: ids like {ids[0]!r} in the features, "
            f"{items[0]!r} there; give features of these items"
        )
    if missing.any():
        count, first = int(missing.sum()), ids[int(missing.arg_max() or 0)]
        told(
            f"{count:,} of {len(ids):,} ids of the {name} features ({count / len(ids):.1%}) match no item of {where}, the first is "
            f"{first!r}; they are left out", warning=True,
        )  # fmt: skip
