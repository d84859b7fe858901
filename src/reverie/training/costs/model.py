"""Time and memory of a fit before it begins: sums of terms such as ``trials asked items``, with constants from ``costs.yaml``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat

from reverie.options import Options, checked
from reverie.plain_yaml import read_yaml
from reverie.training.costs.shape import Shape, Sizes, sizes_of
from reverie.training.recipe import Recipe

FILE = Path(__file__).with_name("costs.yaml")
Terms = dict[str, NonNegativeFloat]
"""Constants by term: a product of sizes, by their names with blanks between them."""


class ModelCosts(Options):
    """The constants of one model."""

    fit: Terms = Field(default_factory=dict)
    """Processor seconds, once."""
    epoch: Terms = Field(default_factory=dict)
    """Processor seconds of each epoch, its validation included."""
    megabytes: Terms = Field(default_factory=dict)
    """Largest resident memory."""
    epochs: PositiveFloat | None = None
    """Epochs until training stopped, median of the runs behind the results tables."""
    spread: PositiveFloat = 1.0
    """Nine of ten measured times lay within this factor of the estimate, either way."""


class Costs(Options):
    """What ``costs.yaml`` holds."""

    measured: dict[str, str]
    """When, where, and how."""
    probe: PositiveFloat
    """Seconds of `probe_seconds` on that machine."""
    models: dict[str, ModelCosts]
    """By registered name; ``others`` are models that were not measured."""


@dataclass(frozen=True)
class Cost:
    """What a fit, its validation and its test are expected to take."""

    seconds: float
    """Processor seconds, on the machine of the measurement."""
    most: float
    """The same if training does not stop early."""
    megabytes: float
    """Largest resident memory."""
    spread: float
    """Factor within which nine of ten measured times lay."""
    measured: bool
    """Whether this very model was measured."""


@cache
def load_costs() -> Costs:
    """Read the constants."""
    return checked(Costs, read_yaml(FILE), str(FILE))


def expected_cost(recipe: Recipe, shape: Shape) -> Cost:
    """Return what one run of a recipe is expected to cost.

    Parameters
    ----------
    recipe : Recipe
        Its model, options and training.
    shape : Shape
        Of the split, from `shape_of`.

    Returns
    -------
    Cost
    """
    known, name = load_costs().models, recipe.model_name
    wrapped = [recipe.model_options["model"]] if name == "rerank" and "model" in recipe.model_options else []
    if parts := wrapped or [part for part in recipe.model_options.get("parts", ()) if "name" in part]:
        return _cost_of_parts(recipe, parts, shape)
    costs, sizes = known.get(name, known["others"]), sizes_of(recipe, shape)
    once, each = evaluate_terms(costs.fit, sizes), evaluate_terms(costs.epoch, sizes)
    epochs = recipe.training.epochs if costs.epoch else 0
    stopped = min(epochs, (costs.epochs or 0) + recipe.training.patience) if costs.epochs else epochs
    memory = evaluate_terms(costs.megabytes, sizes)
    return Cost(once + stopped * each, once + epochs * each, memory, costs.spread, name in known)


def _cost_of_parts(recipe: Recipe, parts: list[dict[str, Any]], shape: Shape) -> Cost:
    """Return the cost of a blend that trains its parts."""
    alone = recipe.model_copy(update={"model": {"name": recipe.model_name}})
    costs = [expected_cost(recipe.model_copy(update={"model": model_of(part)}), shape) for part in parts]
    costs.append(expected_cost(alone, shape))
    together = (sum(one.seconds for one in costs), sum(one.most for one in costs), max(one.megabytes for one in costs))
    return Cost(*together, max(one.spread for one in costs), all(one.measured for one in costs))


def model_of(part: dict[str, Any]) -> dict[str, Any]:
    """Return the model of a part of a blend, without what its training does otherwise."""
    return {key: value for key, value in part.items() if key != "training"}


def evaluate_terms(terms: Terms, sizes: Sizes) -> float:
    """Return the sum of constants times products of sizes."""
    return sum(constant * prod(sizes[name] for name in term.split()) for term, constant in terms.items())


def speed() -> float:
    """Return how many of the measured machine's processor seconds this one does in a second, by a sort of random numbers."""
    return load_costs().probe / probe_seconds()


def probe_seconds() -> float:
    """Return the processor seconds of a fixed piece of work: the least of five sorts of 100,000 numbers."""
    numbers, found = np.random.default_rng(0).random(100_000), []
    for _ in range(5):
        begin = time.thread_time()
        np.argsort(numbers, kind="stable")
        found.append(time.thread_time() - begin)
    return max(min(found), 1e-6)
