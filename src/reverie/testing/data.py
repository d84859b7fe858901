"""Tiny, learnable, made-up event logs."""

from dataclasses import replace

import numpy as np
import polars as pl

from reverie.data.content import ItemFeatures
from reverie.data.dataset import Dataset
from reverie.data.sequences import Sequences
from reverie.data.split import Split
from reverie.data.splits import leave_one_out


def tiny_dataset(users: int = 48, items: int = 20, seed: int = 0, repeats: bool = False) -> Dataset:
    """Return an event log in which the next item mostly follows from the last one.

    Parameters
    ----------
    users, items : int
        How many; each user has 4 to 15 events.
    seed : int
    repeats : bool
        Whether users mostly choose an item twice before they go on to the next one.

    Returns
    -------
    Dataset
        Items "a00", "a01", ... with titles, users 100, 101, ..., timestamps in seconds, ratings 1 to 5.
    """
    generator = np.random.default_rng(seed)
    lengths = generator.integers(4, 16, users)
    user = np.repeat(np.arange(users), lengths)
    position = np.arange(len(user)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    first = generator.integers(0, items, users)[user]
    noise = np.where(generator.random(len(user)) < 0.1, generator.integers(0, items, len(user)), 0)
    item = (first + 3 * (position // 2 if repeats else position) + noise) % items
    events = pl.DataFrame(
        {
            "user": user + 100,
            "item": [f"a{i:02d}" for i in item],
            "timestamp": 1_600_000_000 + 3600 * (generator.integers(0, 24 * 200, users)[user] + 5 * position),
            "rating": generator.integers(1, 6, len(user)).astype(np.float64),
        }
    )
    catalog = pl.DataFrame({"item": [f"a{i:02d}" for i in range(items)], "title": [f"Tale {i:02d}" for i in range(items)]})
    return Dataset(events, catalog, name="tiny", licence="CC0-1.0")


def tiny_split(seed: int = 0, rewards: bool = False, content: bool = False, repeats: bool = False) -> Split:
    """Return `tiny_dataset`, cut by leave-one-out.

    Parameters
    ----------
    seed : int
        Seed of the data.
    rewards : bool
        Whether training events have a column ``reward``: 1 where the rating is 4 or 5, else 0.2.
    content : bool
        Whether items have features of two modalities, ``image`` and ``text``; "a03" lacks the first, "a05" both.
    repeats : bool
        Whether users come back to items, see `tiny_dataset`.

    Returns
    -------
    Split
        48 users, 20 items.
    """
    dataset = tiny_dataset(seed=seed, repeats=repeats)
    split = leave_one_out(replace(dataset, content=_features(dataset.catalog["item"], seed)) if content else dataset)
    return replace(split, train=_rewarded(split.train), refit=_rewarded(split.refit)) if rewards else split


def _features(items: pl.Series, seed: int) -> dict[str, ItemFeatures]:
    """Return features of which those of neighbours in `tiny_dataset` are alike."""
    angles, generator = 2 * np.pi * np.arange(len(items)) / len(items), np.random.default_rng(seed)
    round_ = np.stack([np.cos(angles), np.sin(angles)], 1)
    wide = {"image": round_ @ generator.normal(size=(2, 6)), "text": round_ @ generator.normal(size=(2, 4))}
    kept = {"image": ~items.is_in(["a03", "a05"]).to_numpy(), "text": ~items.is_in(["a05"]).to_numpy()}
    return {name: ItemFeatures(items.filter(pl.Series(kept[name])), values[kept[name]]) for name, values in wide.items()}


def _rewarded(rows: Sequences) -> Sequences:
    rewards = np.where(rows.columns["rating"].astype(np.float32) >= 4, 1.0, 0.2).astype(np.float32)
    return replace(rows, columns={**rows.columns, "reward": rewards})
