"""Several models on one split: which recipes to run for a dataset, and running them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, DataError
from reverie.models.shelf import MODELS
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
    found = []
    for model in models:
        values = {"name": f"{model}-{slug}"} | start_values(dataset["name"], model, packaged)
        found.append(RECIPES.parse(values | {"dataset": dataset, "split": split}, f"model '{model}'"))
    return found


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
    tell: Callable[[str], None] = lambda _: None,
    finished: Callable[[Run], None] = lambda _: None,
) -> Comparison:
    """Run recipes that share a dataset and a split."""
    first = recipes[0]
    for other in recipes:
        if (other.dataset, other.split) != (first.dataset, first.split):
            raise ConfigError(f"'{other.name}' and '{first.name}' differ in dataset or split; compare what shares both")
    dataset = open_recipe_dataset(first.dataset, offline)
    comparison = Comparison(dataset, split_dataset(dataset, first.split))

    def one(recipe: Recipe) -> Run:
        run = _run(recipe, folder, comparison.split, device, show, offline, tell)
        comparison.runs.append(run)
        finished(run)
        return run

    for recipe in recipes:
        tags = MODELS[recipe.model_name].tags
        if "needs-time" in tags and not dataset.has_time and recipe.model_options.get("clock", "time") == "time":
            comparison.skipped[recipe.model_name] = "needs timestamps, which this dataset lacks"
            continue
        if "needs-user" in tags and first.split.protocol in ("by_user", "by_sequence"):
            comparison.skipped[recipe.model_name] = f"needs known users, and under '{first.split.protocol}' all are new"
            continue
        for seed in range(seeds) if seeds > 1 else (recipe.training.seed,):
            run = one(with_seed(recipe, seed))
            if refit:
                one(refitted(run))
    if not comparison.runs:
        reasons = "; ".join(f"{name} {why}" for name, why in comparison.skipped.items())
        raise DataError(f"no model can be compared on '{dataset.name}': {reasons}")
    return comparison


def _run(
    recipe: Recipe, folder: Path, split: Split, device: str | None, show: bool, offline: bool, tell: Callable[[str], None]
) -> Run:
    name = f"{recipe.name}-seed{recipe.training.seed}"
    tell(f"{recipe.name} …")
    run = run_recipe(recipe, folder / name, split=split, device=device, show=show, offline=offline)
    values = "  ".join(f"{name} {run.test.value(name):.4f}" for name in ("recall@10", "ndcg@10"))
    tell(f"{recipe.name}: {values}  ({run.fitted.seconds:.1f} s)")
    return run
