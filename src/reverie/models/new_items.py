"""Items that nobody has clicked yet, added to a trained model that knows items by their content."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.content import Features, ItemFeatures
from reverie.data.ids import matched
from reverie.data.read_as import told
from reverie.data.readers import read_catalog, read_features
from reverie.data.readers.beside import check_ids
from reverie.data.vocabulary import Vocabulary
from reverie.errors import ConfigError, DataError
from reverie.models.content_use import modalities_read, reads_content, reads_titles
from reverie.models.warm_start import warm_start
from reverie.packed import without_packing
from reverie.protocols import Recommender

CHECKED = 4
"""Items whose features are made again, to see that the model's were made in the same way."""


def with_new_items(
    model: Recommender, items: Any, content: Mapping[str, str | os.PathLike[str] | ItemFeatures] | None = None, *, seed: int = 0
) -> Recommender:
    """Return a copy of a trained model that can also recommend items which nobody has clicked yet.

    Parameters
    ----------
    model : Recommender
        Knows items by their content: its option `item_encoder` is none of ids alone, or it has the tag ``needs-content``.
    items : path or frame
        A catalogue (`reverie.data.readers.read_catalog`) with the ids of the new items and their titles, or paths of covers.
    content : mapping, optional
        Features by the name of what they come from, of `read_features`: rows of a file without ids are those of `items`.
        What the model reads beyond them is made from titles or covers, as in training.
    seed : int
        Seed of what is drawn for new rows of tables of ids.

    Returns
    -------
    Recommender
        Its vocabulary ends with the new items; codes and scores of the others are what they were. Items that the model knows
        already stay as they were, and those without any content that it reads are left out; both are counted and told to
        the log ``reverie.data``.

    Raises
    ------
    ConfigError
        If the model knows items by their ids alone.
    DataError
        If no item is new or none has content, ids are of another type than the model's, an item is listed twice, or features do
        not fit.
    """
    name, config, known = model.card.name, model.card.config, model.card.vocabulary
    if not reads_content(name, config):
        other = f"train {name} with an item_encoder" if "item_encoder" in type(config).model_fields else "train sasrec with one"
        raise ConfigError(
            f"the model '{name}' knows items by their ids alone, so it can say nothing of an item that nobody has clicked; "
            f"{other}, such as model.item_encoder.kind=text"
        )
    where = str(items) if isinstance(items, str | os.PathLike) else "the list of new items"
    if without_packing(Path(where)).suffix.lower() in (".npy", ".npz"):
        raise DataError(
            f"{where} is an array, and new items need a table of their ids; give that, and the array as --content NAME={where}, "
            f"content={{'NAME': '{where}'}} in Python"
        )
    listed = _in_ids_of(read_catalog(items), known, where)
    rows, given = listed["item"], (content or {}).items()
    found = {kind: one if isinstance(one, ItemFeatures) else read_features(one, catalog=rows) for kind, one in given}
    wanted = modalities_read(config, known.content)
    for kind, features in found.items():
        if kind not in wanted:
            raise ConfigError(f"the model '{name}' reads no content '{kind}'; it reads {', '.join(wanted) or 'titles'}")
        check_ids(kind, features, rows, where)
    catalog = _new_rows(listed, known, where)
    ids = catalog["item"]
    for kind in wanted:
        if kind not in found and (made := _made(kind, catalog, known)) is not None:
            found[kind] = made
    aligned = {kind: features.align(ids) for kind, features in found.items()}
    kept = _filled(catalog, aligned, reads_titles(config), f"the model '{name}' reads {', '.join(wanted) or 'titles'}", where)
    titles = catalog["title"] if "title" in catalog.columns else None
    return warm_start(model, Vocabulary(ids, known.users.clear(), titles, aligned).only(kept), seed=seed)


def _in_ids_of(catalog: pl.DataFrame, known: Vocabulary, where: str) -> pl.DataFrame:
    """Return a catalogue with its ids in the type of a model's."""
    ids = matched(catalog["item"], known.items.dtype)
    if ids.null_count():
        odd = catalog["item"].filter(ids.is_null())[0]
        raise DataError(f"{where}: the item {odd!r} is no id like those of the model, such as {known.items[0]!r}; correct it")
    return catalog.with_columns(ids.alias("item"))


def _new_rows(catalog: pl.DataFrame, known: Vocabulary, where: str) -> pl.DataFrame:
    """Return the rows of items that a model does not know."""
    there = catalog["item"].is_in(known.items.implode())
    count, total = int(there.sum()), len(there)
    if count == total:
        raise DataError(f"{where} has no new item: the model knows all {total:,} of them already; list items that it does not know")
    if count:
        said = f"{where}: the model knows {count:,} of {total:,} items already, the first is {catalog['item'].filter(there)[0]!r}"
        told(f"{said}; they stay as they are", warning=True)
    return catalog.filter(~there)


def _made(kind: str, catalog: pl.DataFrame, known: Vocabulary) -> ItemFeatures | None:
    """Make features from titles, covers or what else there is of items, as in training; None where there is nothing."""
    from reverie.models.item_encoders.extract import contents, extract
    from reverie.models.item_encoders.shelf import EXTRACTORS

    if kind not in EXTRACTORS or not len(contents(kind, catalog)):
        return None
    if kind in known.content and known.titles is not None:  # a model keeps no covers, so of those nothing can be compared
        at = (pl.Series(known.content[kind].present) & known.titles.is_not_null()).arg_true().head(CHECKED)
        some, own = pl.DataFrame({"item": known.items[at], "title": known.titles[at]}), known.content[kind].values[at]
        if len(contents(kind, some)) and not _alike(extract(kind, some).align(some["item"]).values, own):
            raise DataError(
                f"the {kind} features of the model were not made from titles as these would be (they are your own, or of another "
                f"network); give those of the new items, as --content {kind}=FILE, content={{'{kind}': file}} in Python"
            )
    return extract(kind, catalog, tell=lambda said: told(said, warning=True))


def _alike(again: NDArray[np.float32], own: NDArray[np.float32]) -> bool:
    return again.shape == own.shape and np.allclose(again, own, rtol=1e-2, atol=1e-3)


def _filled(catalog: pl.DataFrame, content: Mapping[str, Features], titles: bool, reads: str, where: str) -> NDArray[np.bool_]:
    """Return which items have content that a model reads → [N]; how many have none is told."""
    has = np.zeros(len(catalog), dtype=np.bool_)
    for features in content.values():
        has |= features.present
    if titles and "title" in catalog.columns:
        has |= catalog["title"].str.strip_chars().str.len_bytes().fill_null(0).to_numpy() > 0
    if has.all():
        return has
    count, first = int((~has).sum()), catalog["item"][int(has.argmin())]
    said = f"{where}: {count:,} of {len(has):,} new items have no content that is read ({reads}), the first is {first!r}"
    if not has.any():
        raise DataError(f"{said}; give titles, covers or --content NAME=FILE")
    told(f"{said}; they are left out", warning=True)
    return has
