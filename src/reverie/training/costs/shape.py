"""The sizes that a cost is made of: those of a split, and those of a recipe."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from reverie.data.split import Split
from reverie.models.shelf import MODELS
from reverie.options import Options, checked
from reverie.training.config import COUNTING_QUERIES, TrainingConfig, settings_tried_by
from reverie.training.recipe import Recipe

Sizes = dict[str, float]
"""A number for each name that a term of ``costs.yaml`` may hold."""
_WINDOW = 50
"""Events between which co-occurrence counts pairs, at most."""


@dataclass(frozen=True)
class Shape:
    """How large a split is.

    Parameters
    ----------
    users, items, events : int
        Training rows, catalogue and training events.
    pairs : int
        Pairs of events of one row, the sum of squared lengths.
    near : int
        Those at most 50 events apart.
    valid, test : int
        Queries.
    """

    users: int
    items: int
    events: int
    pairs: int
    near: int
    valid: int
    test: int
    lengths: tuple[tuple[int, int], ...] = ()
    """How many rows have which number of events."""


def shape_of(split: Split) -> Shape:
    """Measure a split; nothing but lengths of rows is read."""
    length, count = np.unique(split.train.lengths, return_counts=True)
    reach = np.minimum(length, _WINDOW + 1)  # a row of n events has n - d pairs at distance d
    near = int((count * ((reach - 1) * length - reach * (reach - 1) // 2)).sum())
    events, pairs = int((count * length).sum()), int((count * length.astype(np.int64) ** 2).sum())
    lengths = tuple(zip(length.tolist(), count.tolist(), strict=True))
    sizes = (split.vocabulary.n_items, events, pairs, max(near, 0), len(split.valid), len(split.test))
    return Shape(len(split.train), *sizes, lengths)


def sizes_of(recipe: Recipe, shape: Shape) -> Sizes:
    """Return every size by its name in ``costs.yaml``; `epochs` is 1, as the number of epochs is not known before."""
    config, training = checked(MODELS.config(recipe.model_name), recipe.model_options, recipe.name), recipe.training
    counts = "learns" not in MODELS[recipe.model_name].tags or hasattr(config, "parts")
    length, count = (np.array(one, dtype=np.float64) for one in (zip(*shape.lengths, strict=True) if shape.lengths else ((), ())))
    history = float(getattr(config, "history", None) or max(length, default=1))
    size = training.batch_size
    read = np.minimum(length, history)  # by a prefix as long as its row at most
    sizes = {name: float(number) for name, number in asdict(shape).items() if name != "lengths"}
    return sizes | {
        "one": 1.0, "ranked": float(shape.valid + shape.test), "asked": _asked(training, shape, counts),
        "trials": float(settings_tried_by(config)),
        "modelled": float(min(shape.items, getattr(config, "max_items", None) or shape.items)),
        "dim": _width(config), "batch": float(size), "history": min(history, float(max(length, default=1))),
        "row_steps": float(np.ceil((count * np.ceil(np.maximum(length - 1, 0) / history)).sum() / size)),
        "event_steps": float(np.ceil(shape.events / size)),
        "prefixes": float((count * (length * read - read * (read - 1) / 2)).sum()),
    }  # fmt: skip


def _asked(training: TrainingConfig, shape: Shape, counts: bool) -> float:
    """Return how many queries a validation asks."""
    limit = training.validation_queries or (COUNTING_QUERIES if counts else shape.valid)
    return 0.0 if training.on == "train+valid" else float(min(limit, shape.valid))


def _width(config: Options) -> float:
    """Return the width of item vectors, 1 for a model without any."""
    return float(getattr(config, "dim", getattr(config, "factor", 1)))
