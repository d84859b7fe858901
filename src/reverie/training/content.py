"""Features of titles, covers and other content, made before a model that reads them is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import polars as pl

from reverie.data.dataset import Dataset
from reverie.data.ids import matched
from reverie.data.read_as import told
from reverie.data.readers.beside import covered
from reverie.data.split import Split
from reverie.models.blend.config import part_options
from reverie.models.content_use import modalities_read, reads_content
from reverie.models.item_encoders.extract import contents, extract, silent
from reverie.models.item_encoders.shelf import EXTRACTORS
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.study.progress import Progress, progress
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import Recipe


def with_content(dataset: Dataset, *modalities: str, show: bool = True) -> Dataset:
    """Return a dataset with features made from the titles, covers or other content of its items.

    Parameters
    ----------
    dataset : Dataset
        With a catalogue that has the column that is read: ``title`` for ``text``, ``cover`` for ``image``.
    *modalities : str
        Names of extractors; features that the dataset has already stay as they are.
    show : bool
        Whether to show progress.

    Returns
    -------
    Dataset
        The same events and the same identity. Its notes, and the log ``reverie.data``, say how many items have which features and
        how many have none.

    Raises
    ------
    ConfigError
        If no extractor has such a name.
    DataError
        If no item has content that can be read.

    Examples
    --------
    ``split = rv.leave_one_out(rv.with_content(dataset, "text"))``
    """
    made = {}
    for name in modalities:
        if name in dataset.content:
            continue
        items = catalogue(dataset)
        what = f"{name} features of '{dataset.name}'"
        with progress(max(1, len(contents(name, items))), what, show) as shown:
            made[name] = extract(
                name, items, partial(_advance, shown, what), partial(told, warning=True), partial(_skip, shown, what)
            )
    if not made:
        return dataset
    result = replace(dataset, content={**dataset.content, **made})
    note = covered(result)
    told(f"content: {note}")
    return replace(result, notes=(*dataset.notes, note))


def _advance(shown: Progress, what: str, done: int) -> None:
    for _ in range(done):
        shown.advance(what)


def _skip(shown: Progress, what: str, done: int) -> None:
    """Tell of items that need no making: their features were made before."""
    if done:
        skip: Callable[[int], None] = getattr(shown, "skip", silent)
        skip(done)
        shown.line(f"{what}: {done:,} were made before")


def catalogue(dataset: Dataset) -> pl.DataFrame:
    """Return the catalogue of the items that have events, by the ids of the events."""
    ids = dataset.vocabulary.items
    named = dataset.catalog.with_columns(matched(dataset.catalog["item"], ids.dtype).alias("item"))
    return named.drop_nulls("item").filter(pl.col("item").is_in(ids.implode()))


def modalities_of(recipe: Recipe, known: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what content the model of a recipe reads, parts of a blend included; `known` is what is read by one that reads all."""
    return tuple(dict.fromkeys(_modalities(recipe.model_name, recipe.model_options, tuple(known))))


def _modalities(name: str, options: dict[str, Any], known: tuple[str, ...]) -> Iterable[str]:
    parts = options.get("parts", ()) if name == "blend" else ()
    for part in parts:
        if "name" in part:
            yield from _modalities(part["name"], part_options(part), known)
    config: Any = None if parts else checked(MODELS.config(name), options, f"model '{name}'")
    if reads_content(name, config):
        yield from modalities_read(config, known)


def open_with_content(recipes: Iterable[Recipe], offline: bool = False, show: bool = True) -> Dataset:
    """Open the dataset that recipes share, with the features that their models read where it has what they are made from."""
    recipes = list(recipes)
    dataset = open_recipe_dataset(recipes[0].dataset, offline)
    needed = dict.fromkeys(name for recipe in recipes for name in modalities_of(recipe, dataset.content))
    can = [name for name in needed if name in EXTRACTORS and len(contents(name, catalogue(dataset)))]
    return with_content(dataset, *can, show=show)


def content_of(recipe: Recipe, split: Split) -> dict[str, str]:
    """Return the digest of the content that a model reads, for its key; nothing for one that reads none."""
    read = [
        (name, split.vocabulary.content[name])
        for name in modalities_of(recipe, split.vocabulary.content)
        if name in split.vocabulary.content
    ]
    if not read:
        return {}
    whole = hashlib.sha256()
    for name, features in read:
        whole.update(f"{name} {features.values.shape}".encode() + features.values.tobytes() + features.present.tobytes())
    return {"content_sha256": whole.hexdigest()}
