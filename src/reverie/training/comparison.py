"""Comparison of several models on one split."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from reverie import processes
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, DataError, ReverieError
from reverie.models.shelf import MODELS
from reverie.study.store import claim
from reverie.training.recipe import RECIPES
from reverie.training.run import open_recipe_dataset, run_recipe
from reverie.training.suite import start_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from reverie.data.dataset import Dataset
    from reverie.data.split import Split
    from reverie.training.recipe import Recipe
    from reverie.training.run import Run


@dataclass
class Comparison:
    """Runs over one split."""

    dataset: Dataset
    split: Split
    runs: list[Run] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


def recipes_for(dataset: dict[str, Any], split: dict[str, Any], models: Sequence[str], slug: str) -> list[Recipe]:
    """Return one recipe per model: the packaged one for this dataset where there is one, else the model's defaults."""
    packaged = RECIPES.files() if len(dataset) == 1 else {}
    recipes = []
    for model in models:
        values = {"name": f"{model}-{slug}"} | start_values(dataset["name"], model, packaged)
        recipes.append(RECIPES.parse(values | {"dataset": dataset, "split": split}, f"model '{model}'"))
    return recipes


def with_seed(recipe: Recipe, seed: int) -> Recipe:
    """Return a recipe under another seed."""
    return recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})


def refitted(run: Run) -> Recipe:
    """Return the recipe that fits again on train and validation, with what the run chose on validation."""
    training = run.recipe.training.model_copy(
        update={"on": "train+valid", "epochs": run.fitted.best_epoch or run.recipe.training.epochs}
    )
    model = {"name": run.recipe.model_name, **run.recipe.model_options, **run.fitted.chosen}
    return run.recipe.model_copy(update={"name": f"{run.recipe.name}+valid", "training": training, "model": model})


def compare_recipes(
    recipes: Sequence[Recipe],
    folder: Path,
    *,
    seeds: int = 1,
    refit: bool = False,
    device: str | None = None,
    show: bool = True,
    offline: bool = False,
    report: Callable[[str], None] = lambda _: None,
    finished: Callable[[Run], None] = lambda _: None,
) -> Comparison:
    """Run recipes that share a dataset and a split; models that cannot be used here, or fail, are skipped with a reason."""
    first = recipes[0]
    for other in recipes:
        if (other.dataset, other.split) != (first.dataset, first.split):
            raise ConfigError(f"'{other.name}' and '{first.name}' differ in dataset or split; compare what shares both")
    dataset = open_recipe_dataset(first.dataset, offline)
    comparison = Comparison(dataset, split_dataset(dataset, first.split))
    count = Counter(recipe.model_name for recipe in recipes)
    labels = [recipe.model_name if count[recipe.model_name] == 1 else recipe.name for recipe in recipes]
    reasons = {label: reason_to_skip(recipe, dataset) for label, recipe in zip(labels, recipes, strict=True)}
    comparison.skipped = {label: reason for label, reason in reasons.items() if reason}
    planned = {
        label: [with_seed(recipe, seed) for seed in (range(seeds) if seeds > 1 else (recipe.training.seed,))]
        for label, recipe in zip(labels, recipes, strict=True)
        if label not in comparison.skipped
    }
    if processes.rank() == 0:
        for recipe in (recipe for seeded in planned.values() for recipe in seeded):
            claim(_folder(folder, recipe), recipe, RECIPES, "run")

    def run(recipe: Recipe) -> Run:
        report(f"{recipe.name} …")
        done = run_recipe(recipe, _folder(folder, recipe), split=comparison.split, device=device, show=show, offline=offline)
        values = "  ".join(f"{name} {done.test.value(name):.4f}" for name in ("recall@10", "ndcg@10"))
        report(f"{recipe.name}: {values}  ({done.fitted.seconds:.1f} s)")
        comparison.runs.append(done)
        finished(done)
        return done

    for label, seeded in planned.items():
        try:
            for recipe in seeded:
                done = run(recipe)
                if refit:
                    run(refitted(done))
        except (ReverieError, MemoryError, torch.OutOfMemoryError) as error:
            if processes.world() > 1:  # the other processes may be waiting for this one
                raise
            comparison.skipped[label] = str(error) if isinstance(error, ReverieError) else "does not fit into memory"
            report(f"{label} failed: {comparison.skipped[label]}")
    if not comparison.runs:
        faults = "; ".join(f"{label}: {reason}" for label, reason in comparison.skipped.items())
        raise DataError(f"no model can be compared on '{dataset.name}': {faults}")
    return comparison


def reason_to_skip(recipe: Recipe, dataset: Dataset) -> str:
    """Return why a model cannot be compared on a dataset; nothing where it can."""
    tags = MODELS[recipe.model_name].tags
    if "needs-time" in tags and not dataset.has_time and recipe.model_options.get("clock", "time") == "time":
        return "needs timestamps, which this dataset lacks"
    if "needs-user" in tags and recipe.split.protocol in ("by_user", "by_sequence"):
        return f"needs known users, and under '{recipe.split.protocol}' all are new"
    if "needs-labels" in tags:
        return "needs labelled events, and a comparison teaches only what was liked"
    if "needs-titles" in tags and dataset.vocabulary.titles is None:
        return "needs titles, which this dataset lacks"
    packages = [tag.partition(":")[2] for tag in tags if tag.startswith("needs-package:")]
    absent = sorted(package for package in packages if find_spec(package) is None)
    return f"needs the package {absent[0]}, which is not installed" if absent else ""


def _folder(folder: Path, recipe: Recipe) -> Path:
    return folder / f"{recipe.name}-seed{recipe.training.seed}"
