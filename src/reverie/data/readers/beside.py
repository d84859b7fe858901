"""Features put beside a dataset: which of its items have some, and what matches nothing, is counted and said."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset
from reverie.data.ids import matched
from reverie.data.read_as import told
from reverie.data.readers.features import read_features
from reverie.errors import DataError


def with_features(dataset: Dataset, content: Mapping[str, str | os.PathLike[str] | ItemFeatures]) -> Dataset:
    """Return a dataset with features of its items beside it, for models that know items by their content.

    Parameters
    ----------
    dataset : Dataset
    content : mapping
        By the name of what features come from (``"text"``, ``"image"``, ``"audio"``, ``"video"``, or any other): a file for
        `read_features`, whose rows are those of the catalogue where it has no ids, or features. A name that the dataset has
        already is replaced.

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
    read = {name: one if isinstance(one, ItemFeatures) else read_features(one, catalog=catalog) for name, one in content.items()}
    items = dataset.events["item"].unique(maintain_order=True)
    more = matched(dataset.catalog["item"], items.dtype).drop_nulls().alias("item")
    for name, features in read.items():
        check_ids(name, features, pl.concat([items, more]), f"'{dataset.name}'")
    result = replace(dataset, content={**dataset.content, **read})
    note = covered(result)
    told(f"content: {note}")
    return replace(result, notes=(*dataset.notes, note))


def covered(dataset: Dataset) -> str:
    """Return how many items of the log have which features, and how many have none."""
    items = dataset.events["item"].unique()
    held = {name: pl.Series(features.ids) for name, features in dataset.content.items()}
    there = {name: items.is_in(matched(ids, items.dtype).drop_nulls().implode()).to_numpy() for name, ids in held.items()}
    parts = [
        f"{name}, {dataset.content[name].values.shape[1]:,} numbers, of {present.sum():,} of {len(items):,} items"
        for name, present in there.items()
    ]
    bare = int((~np.logical_or.reduce(list(there.values()))).sum())
    return "; ".join([*parts, *([f"{bare:,} items have no content at all"] if bare else [])])


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
