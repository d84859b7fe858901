"""Warm start: a trained model extended by rows for new items and users."""

import numpy as np
import polars as pl
import torch
from torch import Tensor

from reverie.data.content import Features
from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.data.vocabulary import Vocabulary, positions
from reverie.errors import ConfigError, DataError, RunError
from reverie.models.create import create_model
from reverie.models.fitted import mark_fitted
from reverie.protocols import Blends, Recommender, Wraps
from reverie.seeds import torch_generator

NOISE = 0.1
"""Standard deviation of the noise on a new item's vector, in standard deviations of the table."""


def warm_start(model: Recommender, data: Dataset | Split | Vocabulary, *, seed: int = 0) -> Recommender:
    """Return a copy of a model whose tables have room for the items and users of `data`.

    The new vocabulary is the old one with new ids appended, so no code changes and scores of old items stay what they were. A
    parameter or buffer belongs to items (or users) where its first dimension was their number (or one more, for a padding row
    in front) and grows with it. Features of new items come with their ids, so that an encoder of content knows them at once. Where
    a table of ids has rows, a new item starts at the mean of the old rows plus noise of `NOISE` standard deviations; a new
    user, and a new entry of a buffer, at the model's own initial value. To train on, cut the data with the new codes:
    ``reverie.data.recode.recode(split, model.card.vocabulary)``.

    Parameters
    ----------
    model : Recommender
        A trained torch module with a card.
    data : Dataset, Split or Vocabulary
        What has the new ids.
    seed : int
        Seed of the new rows.

    Returns
    -------
    Recommender
        In evaluation mode, on the CPU, of the same name and options; nothing is shared with `model`.

    Raises
    ------
    ConfigError
        If the model counts: it is fitted again in a moment.
    DataError
        If the ids are numbers on one side and text on the other.
    RunError
        If a table changed in a way that new ids do not explain.
    """
    name = model.card.name
    if not isinstance(model, torch.nn.Module) or isinstance(model, Blends | Wraps):
        does = "blends models" if isinstance(model, Blends) else "re-ranks another" if isinstance(model, Wraps) else "counts"
        raise ConfigError(f"model '{name}' {does} and has nothing to go on from; fit it again on all events")
    old = model.card.vocabulary
    vocabulary = append_vocabulary(old, data if isinstance(data, Vocabulary) else data.vocabulary)
    options = model.card.config.model_dump(mode="json")
    with torch.random.fork_rng(devices=[]):
        fresh = create_model(name, vocabulary, seed=seed, **options)
    before = {key: value.detach().cpu() for key, value in model.state_dict().items()}
    state: dict[str, Tensor] = fresh.state_dict()  # type: ignore[attr-defined]  # built like `model`, which is a module
    sizes = {"item": (old.n_items, vocabulary.n_items), "user": (old.n_users, vocabulary.n_users)}
    trained = {key for key, _ in model.named_parameters()}
    for key, value in state.items():
        kept = before[key]
        if kept.shape == value.shape:
            value.copy_(kept)
            continue
        kind = _grows(kept, value, sizes)
        if kind is None:
            raise RunError(
                f"model '{name}' cannot be warm-started: '{key}' went from {list(kept.shape)} to {list(value.shape)}, which new "
                f"items and users do not explain; train it from scratch"
            )
        value[: len(kept)] = kept
        if kind == "item" and key in trained:
            value[len(kept) :] = _new_rows(kept, len(value) - len(kept), seed, key)
    fresh.eval()  # type: ignore[attr-defined]  # as above
    mark_fitted(fresh, model.card.fitted)
    return fresh


def append_vocabulary(old: Vocabulary, new: Vocabulary) -> Vocabulary:
    """Return a vocabulary with the ids of another appended, with titles and features; what the old one says of an item stays.

    Raises
    ------
    DataError
        If the ids are numbers on one side and text on the other, or features of one name differ in width.
    """
    items, users = _appended(old.items, new.items, "item"), _appended(old.users, new.users, "user")
    content = _appended_content(old, new, items)
    if old.titles is None and new.titles is None:
        return Vocabulary(items, users, content=content)
    frame = pl.DataFrame({"item": items})
    for at, one in enumerate((old, new)):
        titles = pl.Series([None] * one.n_items, dtype=pl.String) if one.titles is None else one.titles
        named = pl.DataFrame({"item": one.items, f"title{at}": titles})
        frame = frame.join(named, on="item", how="left", maintain_order="left")
    return Vocabulary(items, users, frame.select(pl.coalesce("title0", "title1").alias("title")).to_series(), content)


def _appended_content(old: Vocabulary, new: Vocabulary, items: pl.Series) -> dict[str, Features]:
    """Return the features of both vocabularies in the order of the items of both [N]."""
    content = {}
    for name in dict.fromkeys([*old.content, *new.content]):
        sides = [one for one in (new, old) if name in one.content]  # the old one is written last
        widths = [one.content[name].width for one in sides]
        if len({*widths}) > 1:
            raise DataError(
                f"the {name} features of the model have {widths[1]:,} numbers an item and the new ones {widths[0]:,}; make the "
                "new ones as those of the model were made"
            )
        values, present = np.zeros((len(items), widths[0]), np.float32), np.zeros(len(items), np.bool_)
        for one in sides:
            own = one.content[name]
            at = positions(one.items, items)[own.present]
            values[at], present[at] = own.values[own.present], True
        content[name] = Features(values, present)
    return content


def _appended(old: pl.Series, new: pl.Series, kind: str) -> pl.Series:
    if old.dtype != new.dtype:
        raise DataError(
            f"the {kind} ids of the model are {old.dtype} and the new ones {new.dtype}; write the new ids as the model has them"
        )
    return pl.concat([old, new.filter(~new.is_in(old.implode())).alias(old.name)])


def _grows(before: Tensor, after: Tensor, sizes: dict[str, tuple[int, int]]) -> str | None:
    """Which vocabulary explains the change of a table's shape."""
    if not before.dim() or before.shape[1:] != after.shape[1:]:
        return None
    rows = len(before), len(after)
    return next((kind for kind, (a, b) in sizes.items() if rows in ((a, b), (a + 1, b + 1))), None)


def _new_rows(table: Tensor, count: int, seed: int, key: str) -> Tensor:
    if len(table) < 2:
        return table[:1].expand(count, *table.shape[1:])
    noise = torch.randn((count, *table.shape[1:]), generator=torch_generator(seed, "warm_start", key))
    return table.mean(dim=0) + NOISE * table.std(dim=0) * noise
