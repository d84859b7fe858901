"""Time and memory of a fit before it begins: sums of terms such as ``trials asked items``, with constants from ``costs.yaml``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat

from reverie.models.shelf import MODELS
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
    costs, sizes = known.get(name, known["others"]), sizes_of(recipe, shape)
    once, each = evaluate_terms(costs.fit, sizes), evaluate_terms(costs.epoch, sizes)
    epochs = recipe.training.epochs if "learns" in MODELS[name].tags else 0
    stopped = min(epochs, (costs.epochs or 0) + recipe.training.patience) if costs.epochs else epochs
    memory = evaluate_terms(costs.megabytes, sizes)
    return Cost(once + stopped * each, once + epochs * each, memory, costs.spread, name in known)


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
