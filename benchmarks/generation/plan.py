"""What is trained on which data, and which settings are tried on validation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from reverie.data.splits.config import LeaveOneOut, split_dataset
from reverie.testing import tiny_dataset
from reverie.training.event_log import open_recipe_dataset
from reverie.training.recipe import RECIPES, Recipe, start_values

if TYPE_CHECKING:
    from reverie.data.split import Split

NEXT = 5
"""Events of each user that the lists should hold."""
COUNTING = ("popularity", "markov", "co-occurrence")
SOFTMAX = {"kind": "full_softmax"}
SAMPLED = {"kind": "sampled_softmax", "negatives": {"source": "uniform", "n": 1024, "shared": True}}
SHARE = {"ml-1m": 0.5}
"""Share of the users that takes part, drawn with seed 0: models are taught, chosen and measured on these alone."""
READER: dict[str, dict[str, Any]] = {
    "ml-1m": {"dim": 64, "history": 50, "blocks": 1, "heads": 1, "dropout": 0.1, "objective": SAMPLED},
    "movietweetings": {"dim": 64, "history": 50, "blocks": 1, "heads": 1, "dropout": 0.2, "objective": SOFTMAX},
    "tiny": {"dim": 8, "history": 8, "blocks": 1, "heads": 1, "dropout": 0.1, "objective": SOFTMAX},
}
"""The transformer that reads histories, the same in SASRec and Daydream. On ML-1M it is shorter than in the suite `sequential` (50
events and one block instead of 200 and two, a sampled softmax); an epoch of SASRec takes about 40 s of a core with all users."""
TRAINING: dict[str, dict[str, Any]] = {
    "ml-1m": {"epochs": 25, "patience": 3, "batch_size": 64},
    "movietweetings": {"epochs": 60, "patience": 5, "batch_size": 32},
    "tiny": {"epochs": 2, "batch_size": 16},
}
PREFIXES: dict[str, dict[str, Any]] = {
    "ml-1m": {"epochs": 4, "patience": 2, "batch_size": 1024},
    "movietweetings": {"batch_size": 512},
}
"""What differs for ComiRec, whose epoch is one example per event and so takes several times as long."""


@dataclass(frozen=True)
class Settings:
    """What is tried and reported.

    Parameters
    ----------
    lengths : tuple of int
        Lengths K of the lists.
    draws : tuple of int
        Numbers n of draws whose lists are joined.
    samplers : tuple of (int, float)
        Steps and η of DDIM.
    guidance : tuple of float
        Strengths w of guidance.
    trades : tuple of float
        λ of MMR; 1 would be SASRec's own list.
    candidates : int
        How many of SASRec's first items MMR orders anew.
    validation : int
        Most validation queries that settings are chosen on.
    """

    lengths: tuple[int, ...] = (10, 20)
    draws: tuple[int, ...] = (2, 5, 10)
    samplers: tuple[tuple[int, float], ...] = ((1, 0.0), (4, 0.0), (4, 1.0), (8, 0.0), (8, 1.0))
    guidance: tuple[float, ...] = (0.0, 1.0, 2.0)
    trades: tuple[float, ...] = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
    candidates: int = 100
    validation: int = 3000


FULL = Settings()
SMALL = Settings((3, 5), (2, 3), ((1, 0.0), (4, 1.0)), (0.0, 1.0), (0.5, 0.9), 8, 20)


def recipes(dataset: str) -> dict[str, Recipe]:
    """Return the recipes of one dataset by the name of the row.

    Parameters
    ----------
    dataset : str
        A registered dataset, or ``"tiny"``.

    Returns
    -------
    dict of str to Recipe
        Counting models first; ``sasrec`` is what the others are compared with.
    """
    reader, training = READER[dataset], TRAINING[dataset]
    daydream = {"name": "daydream", **reader, **({"steps": 8} if dataset == "tiny" else {})}
    pooled = {key: reader[key] for key in ("dim", "dropout", "objective")} | {"history": min(50, reader["history"])}
    learned: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
        "sasrec": ({"name": "sasrec", **reader}, training),
        "comirec": ({"name": "comirec", **pooled}, training | PREFIXES.get(dataset, {})),
        "daydream": (daydream, training),
        "daydream-noise-off": (daydream | {"noise": False}, training),
    }
    rows: dict[str, dict[str, Any]] = {name: start_values(dataset, name, RECIPES.files()) for name in COUNTING}
    rows |= {name: {"model": model, "training": options} for name, (model, options) in learned.items()}
    common = {"dataset": {"name": dataset}, "split": {"protocol": "leave_one_out", "last": NEXT}}
    part = f"{dataset}-{SHARE[dataset]:.2f}" if dataset in SHARE else dataset
    named = {name: values | common | {"name": f"{name}-{part}-next{NEXT}", "description": ""} for name, values in rows.items()}
    return {name: RECIPES.parse(values, f"row '{name}'") for name, values in named.items()}


def open_split(dataset: str) -> Split:
    """Return the split of one dataset.

    Parameters
    ----------
    dataset : str
        A registered dataset, or ``"tiny"``.

    Returns
    -------
    Split
        The last five events left out.
    """
    recipe = recipes(dataset)["sasrec"]
    events = tiny_dataset() if dataset == "tiny" else open_recipe_dataset(recipe.dataset)
    assert isinstance(recipe.split, LeaveOneOut)
    if dataset in SHARE:
        users = events.events["user"].unique().sort().sample(fraction=SHARE[dataset], seed=0)
        events = replace(events, events=events.events.filter(pl.col("user").is_in(users.implode())))
    return split_dataset(events, recipe.split)
