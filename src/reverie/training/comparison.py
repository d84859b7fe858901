"""Comparison of several models on one split."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reverie import processes
from reverie.data.dataset import Dataset
from reverie.data.split import Split
from reverie.errors import DataError, ReverieError, short
from reverie.files import write_text
from reverie.memory import is_out_of_memory
from reverie.study.run import run_study
from reverie.study.store import claim
from reverie.training.event_log import ANOTHER, check_log, keep_log
from reverie.training.plan import Plan, open_comparison, plan_comparison
from reverie.training.recipe import RECIPES, Recipe
from reverie.training.run import Run, blend_of, feedback_of, result_rows, run_inputs, run_recipe

PARTS = 4
"""Runs, the best on validation, that a blend of a comparison is made of; those that do not help get no weight."""


@dataclass
class Comparison:
    """Runs over one split."""

    dataset: Dataset
    split: Split
    runs: list[Run] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)


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


class TimeUp(ReverieError):
    """The time that a comparison may take is used up."""


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
    limit: float | None = None
    """Of `time.monotonic`: when the time is used up."""
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
        """Return each row at its seeds, the refit of what is trained, and blends once what they are made of is there."""
        seeds = range(self.seeds) if self.seeds > 1 else None
        for label, recipe in self.planned.items():
            for seed in seeds or (recipe.training.seed,):
                if (found := self._recipe_of(recipe, seed, done)) is None:
                    continue
                self._recipes[cell := RunCell(label, seed)] = found
                yield cell
                if self.refit and isinstance(run := done.get(cell), Run):
                    self._recipes[again := RunCell(label, seed, refit=True)] = refitted(run)
                    yield again

    def _recipe_of(self, recipe: Recipe, seed: int, done: Mapping[RunCell, Run | Failure | None]) -> Recipe | None:
        """Return the recipe of a cell; that of a blend names the best finished runs of its seed, None while they are missing."""
        if recipe.model_name != "blend" or recipe.model_options:
            return with_seed(recipe, seed)
        labels = [label for label, other in self.planned.items() if other.model_name != "blend"]
        cells = [cell for cell in done if cell.label in labels and cell.seed == seed and not cell.refit]
        if len(cells) < len(labels):
            return None
        runs = [run for cell in cells if isinstance(run := done[cell], Run)]
        best = sorted(runs, key=lambda run: (-run.valid.value(recipe.training.metric), run.recipe.name))[:PARTS]
        return blend_of(best, recipe.name) if len(best) > 1 else None

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
        if self.limit is not None and time.monotonic() > self.limit and not self.is_kept(cell):
            return self._failed(cell, "the minutes were used up before its turn; the same command with more goes on")
        self.report(f"{recipe.name} …")
        try:
            run = run_recipe(
                recipe, self._folder(cell), split=self.comparison.split, device=self.device, show=self.show,
                on_validation=None if self.limit is None else self._stop_in_time,
            )  # fmt: skip
        except TimeUp as error:
            return self._failed(cell, str(error))
        except Exception as error:
            if processes.world() > 1:  # the other processes may be waiting for this one
                raise
            if isinstance(error, ReverieError):
                return self._failed(cell, str(error))
            if is_out_of_memory(error):
                return self._failed(cell, "does not fit into memory")
            write_text(self._folder(cell) / "error.txt", traceback.format_exc())
            what = short(f"{type(error).__name__}: {error}")
            return self._failed(cell, f"broke off ({what}); {self._folder(cell) / 'error.txt'} tells where")
        values = "  ".join(f"{name} {run.test.value(name):.4f}" for name in ("recall@10", "ndcg@10"))
        self.report(f"{recipe.name}: {values}  ({run.fitted.seconds:.1f} s)")
        return run

    def _stop_in_time(self, epoch: int, value: float) -> None:
        if self.limit is not None and time.monotonic() > self.limit:
            raise TimeUp(f"the minutes were used up after {epoch} epochs; the same command with more goes on")

    def _failed(self, cell: RunCell, reason: str) -> Failure:
        self.comparison.skipped[cell.label] = reason
        self.report(f"{cell.label} is left out: {reason}")
        return Failure(reason)

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
    dataset, split = open_comparison(recipes, offline)
    plan = plan_comparison(recipes, dataset, split, seeds=seeds, refit=refit)
    comparison = Comparison(dataset, split)
    return run_plan(plan, comparison, folder, seeds=seeds, refit=refit, device=device, results=results, show=show, report=report)


def run_plan(
    plan: Plan,
    comparison: Comparison,
    folder: Path,
    *,
    seeds: int = 1,
    refit: bool = False,
    device: str | None = None,
    results: Path | None = None,
    show: bool = True,
    minutes: float | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Run what a plan keeps, in its order; what fails, or would begin after so many minutes, is skipped with a reason."""
    comparison.skipped = plan.left_out
    planned = {row.label: row.recipe for row in plan.kept}
    limit = None if minutes is None else time.monotonic() + 60 * minutes
    study = ComparisonStudy(planned, comparison, folder, seeds, refit, device, show, report, limit)
    done: dict[RunCell, Run | Failure | None] = run_study(study, results=results, show=show)
    comparison.runs = [run for cell in study.cells(done) if isinstance(run := done[cell], Run)]
    elsewhere = dict.fromkeys(cell.label for cell, result in done.items() if result is None)
    made = {cell.label for cell in done}
    comparison.skipped |= {label: "needs two finished models to blend" for label in planned if label not in made}
    comparison.skipped |= {label: f"its rows stand in {results}; leave out --results to run it again" for label in elsewhere}
    if not comparison.runs:
        faults = "; ".join(f"{label}: {reason}" for label, reason in comparison.skipped.items())
        raise DataError(f"no model can be compared on '{comparison.dataset.name}': {faults}")
    return comparison
