"""What the events of a log are worth: rewards by kind, by the rating, or from a column."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from reverie.data.dataset import Dataset
from reverie.errors import ConfigError, DataError

ELSE = "else"
"""Stands for ratings below every threshold."""
_THRESHOLD = re.compile(r"rating\s*>=\s*([0-9.]+)")


def with_rewards(dataset: Dataset, rewards: Mapping[str, float] | str) -> Dataset:
    """Return the dataset with a reward for each event.

    Parameters
    ----------
    dataset : Dataset
        With kinds of events, ratings, or a column of rewards.
    rewards : mapping of str to float, or str
        By kind, for instance ``{"view": 0.2, "cart": 0.5, "buy": 1.0}``, for every kind that occurs; by the rating, for instance
        ``{"rating>=8": 1.0, "else": 0.2}``, where the highest threshold that a rating reaches decides; or the name of a column
        of the events that holds the rewards.

    Returns
    -------
    Dataset
        With the column ``reward`` (float32); a note says what was taken as what.

    Raises
    ------
    ConfigError
        If the mapping is empty, a reward is not finite, or thresholds have no ``else``.
    DataError
        If a kind occurs that the mapping does not name, or the events have no such column or miss values in it.
    """
    if isinstance(rewards, str):
        if rewards not in dataset.events.columns:
            known = ", ".join(dataset.events.columns)
            raise DataError(f"'{dataset.name}' has no column '{rewards}' of rewards; its columns are {known}")
        values, note = pl.col(rewards).cast(pl.Float32), f"rewards are the column '{rewards}'"
    else:
        for name, reward in rewards.items():
            if not math.isfinite(reward):
                raise ConfigError(f"the reward of '{name}' is {reward}; give finite numbers")
        by_rating = any(_THRESHOLD.fullmatch(name) for name in rewards)
        values, note = (_by_rating if by_rating else _by_kind)(dataset, rewards)
    events = dataset.events.with_columns(values.alias("reward"))
    return replace(dataset, events=events, notes=(*dataset.notes, note))


def _by_kind(dataset: Dataset, rewards: Mapping[str, float]) -> tuple[pl.Expr, str]:
    example = "{view: 0.2, buy: 1.0}"
    if not rewards:
        raise ConfigError(f"the rewards name no kind of event; give for instance {example}")
    if "kind" not in dataset.events.columns:
        raise DataError(
            f"'{dataset.name}' has no kinds of events, so {', '.join(rewards)} cannot be rewarded; "
            "give thresholds of ratings such as {rating>=4: 1.0, else: 0.2}, or the name of a column"
        )
    for kind, count in dataset.kind_counts.items():
        if kind not in rewards:
            what = f"{count:,} events without a kind" if kind is None else f"events of the kind '{kind}'"
            raise DataError(
                f"'{dataset.name}' has {what}, which the rewards do not name; name every kind, or count only some (kinds)"
            )
    absent = [kind for kind in rewards if kind not in dataset.kind_counts]
    said = ", ".join(f"{reward:g} for {kind}" for kind, reward in rewards.items())
    note = f"rewards by kind: {said}" + (f"; no event is of the kind {', '.join(absent)}" if absent else "")
    return pl.col("kind").cast(pl.String).replace_strict(dict(rewards), return_dtype=pl.Float32), note


def _by_rating(dataset: Dataset, rewards: Mapping[str, float]) -> tuple[pl.Expr, str]:
    found = {name: _THRESHOLD.fullmatch(name) for name in rewards if name != ELSE}
    try:
        thresholds = {float(match[1]): rewards[name] for name, match in found.items() if match}
    except ValueError:
        thresholds = {}
    if ELSE not in rewards or len(thresholds) != len(rewards) - 1:
        raise ConfigError("rewards by rating are thresholds and the rest, for instance {rating>=8: 1.0, else: 0.2}")
    if "rating" not in dataset.events.columns:
        raise DataError(f"'{dataset.name}' has no ratings, so rewards cannot be made of them; give a reward to each kind of event")
    ratings = dataset.events["rating"]
    if ratings.null_count():
        row = int(ratings.is_null().arg_max() or 0) + 1
        raise DataError(f"'{dataset.name}' has no rating in row {row}, so it has no reward; leave such rows out")
    value = pl.lit(rewards[ELSE], dtype=pl.Float32)
    for threshold in sorted(thresholds):
        value = pl.when(pl.col("rating") >= threshold).then(pl.lit(thresholds[threshold], dtype=pl.Float32)).otherwise(value)
    said = ", ".join(f"{reward:g} for {name}" for name, reward in rewards.items())
    return value, f"rewards are a proxy made of ratings: {said}"
