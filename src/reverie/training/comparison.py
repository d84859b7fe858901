"""Comparison of several models on one split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from reverie import processes
from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, DataError, ReverieError
from reverie.memory import is_out_of_memory
from reverie.models.shelf import MODELS
from reverie.study.run import run_study
from reverie.study.store import claim
from reverie.training.event_log import ANOTHER, check_log, keep_log, open_recipe_dataset
from reverie.training.recipe import RECIPES, Recipe, start_values
from reverie.training.run import Run, feedback_of, result_rows, run_inputs, run_recipe


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


@dataclass(frozen=True)
class RunCell:
    """A run of one row of the comparison at one seed; `refit` is the fit on train and validation after it."""

    label: str
    seed: int
    refit: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a run could not be made."""

    reason: str


@dataclass
class ComparisonStudy:
    """Recipes that share a dataset and a split, as a study: one cell a run."""

    planned: Mapping[str, Recipe]
    comparison: Comparison
    folder: Path
    seeds: int = 1
    refit: bool = False
    device: str | None = None
    show: bool = True
    report: Callable[[str], None] = lambda _: None
    name: str = "comparison"
    columns: tuple[str, ...] = ()
    long_cells: bool = True

    def __post_init__(self) -> None:
        self._recipes: dict[RunCell, Recipe] = {}
        if processes.rank() == 0:
            cells, split = list(self.cells({})), self.comparison.split
            for cell in cells:
                check_log(self._folder(cell), self._recipes[cell].dataset.name, split.sha256, ANOTHER)
            for cell in cells:
                claim(self._folder(cell), self._recipes[cell], RECIPES, "run")
                recipe = self._recipes[cell]
                keep_log(self._folder(cell), recipe.dataset, split.sha256, feedback=feedback_of(recipe, split))

    def cells(self, done: Mapping[RunCell, Run | Failure | None]) -> Iterator[RunCell]:
        """Return each row at its seeds, and the refit of what is trained."""
        for label, recipe in self.planned.items():
            for seed in range(self.seeds) if self.seeds > 1 else (recipe.training.seed,):
                cell = RunCell(label, seed)
                self._recipes[cell] = with_seed(recipe, seed)
                yield cell
                if self.refit and isinstance(run := done.get(cell), Run):
                    self._recipes[again := RunCell(label, seed, refit=True)] = refitted(run)
                    yield again

    def upper_bound(self, done: Mapping[RunCell, Run | Failure | None]) -> int:
        """Return how many runs there are at most."""
        return len(self.planned) * self.seeds * (2 if self.refit else 1)

    def facts(self, cell: RunCell) -> dict[str, Any]:
        """Return everything that a run depends on."""
        recipe, split = self._recipes[cell], self.comparison.split
        return run_inputs(recipe, split.sha256, split.protocol, feedback_of(recipe, split))

    def is_kept(self, cell: RunCell) -> bool:
        """Return whether a run is finished."""
        return (self._folder(cell) / "result.json").exists()

    def run(self, cell: RunCell, tell: Callable[[str], None]) -> Run | Failure:
        """Train and measure; what fails is told, and its row is left out."""
        recipe = self._recipes[cell]
        if cell.label in self.comparison.skipped:
            return Failure(self.comparison.skipped[cell.label])
        self.report(f"{recipe.name} …")
        try:
            run = run_recipe(recipe, self._folder(cell), split=self.comparison.split, device=self.device, show=self.show)
        except (ReverieError, MemoryError, RuntimeError, ValueError, TypeError) as error:
            if not isinstance(error, ReverieError) and not is_out_of_memory(error):
                raise
            if processes.world() > 1:  # the other processes may be waiting for this one
                raise
            reason = str(error) if isinstance(error, ReverieError) else "does not fit into memory"
            self.comparison.skipped[cell.label] = reason
            self.report(f"{cell.label} failed: {reason}")
            return Failure(reason)
        values = "  ".join(f"{name} {run.test.value(name):.4f}" for name in ("recall@10", "ndcg@10"))
        self.report(f"{recipe.name}: {values}  ({run.fitted.seconds:.1f} s)")
        return run

    def restore(self, cell: RunCell, rows: Sequence[Mapping[str, str]]) -> None:
        """Return None: a run is more than its rows."""

    def describe(self, cell: RunCell, result: Run | Failure) -> str:
        """Return the name of a run."""
        return self._recipes[cell].name

    def rows(self, cell: RunCell, result: Run | Failure) -> list[dict[str, Any]]:
        """Return the rows of a results table."""
        return result_rows(result) if isinstance(result, Run) else []

    def _folder(self, cell: RunCell) -> Path:
        return self.folder / f"{self._recipes[cell].name}-seed{cell.seed}"


def compare_recipes(
    recipes: Sequence[Recipe],
    folder: Path,
    *,
    seeds: int = 1,
    refit: bool = False,
    device: str | None = None,
    results: Path | None = None,
    show: bool = True,
    offline: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Run recipes that share a dataset and a split; models that cannot be used here, or fail, are skipped with a reason."""
    first = recipes[0]
    for other in recipes:
        if (other.dataset, other.split) != (first.dataset, first.split):
            raise ConfigError(f"'{other.name}' and '{first.name}' differ in dataset or split; compare what shares both")
    dataset = open_recipe_dataset(first.dataset, offline)
    if dataset.kind_counts:
        report(f"counted events: {', '.join(f'{count:,} {kind}' for kind, count in dataset.kind_counts.items())}")
    comparison = Comparison(dataset, split_dataset(dataset, first.split))
    count = Counter(recipe.model_name for recipe in recipes)
    labelled = {one.model_name if count[one.model_name] == 1 else one.name: one for one in recipes}
    reasons = {label: reason_to_skip(recipe, dataset) for label, recipe in labelled.items()}
    comparison.skipped = {label: reason for label, reason in reasons.items() if reason}
    planned = {label: recipe for label, recipe in labelled.items() if label not in comparison.skipped}
    study = ComparisonStudy(planned, comparison, folder, seeds, refit, device, show, report)
    done: dict[RunCell, Run | Failure | None] = run_study(study, results=results, show=show)
    comparison.runs = [run for cell in study.cells(done) if isinstance(run := done[cell], Run)]
    elsewhere = dict.fromkeys(cell.label for cell, result in done.items() if result is None)
    comparison.skipped |= {label: f"its rows stand in {results}; leave out --results to run it again" for label in elsewhere}
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
    if "needs-reward" in tags and "reward" not in dataset.events.columns:
        what = f"a reward for each kind ({', '.join(map(str, dataset.kind_counts))})" if dataset.kind_counts else "rewards"
        return f"needs rewards, which this dataset lacks; give {what} with --set dataset.rewards"
    if "needs-labels" in tags:
        return "needs labelled events, and a comparison teaches only what was liked"
    if "needs-titles" in tags and dataset.vocabulary.titles is None:
        return "needs titles, which this dataset lacks"
    packages = [tag.partition(":")[2] for tag in tags if tag.startswith("needs-package:")]
    absent = sorted(package for package in packages if find_spec(package) is None)
    return f"needs the package {absent[0]}, which is not installed" if absent else ""
