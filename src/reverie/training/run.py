"""One run: a recipe in, a run folder and rows of a results table out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie import processes
from reverie.data.sources import open_dataset
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, RunError
from reverie.evaluation import Evaluation, evaluate, with_history
from reverie.files import read_json, write_json
from reverie.models import create_model, load_model, save_model
from reverie.models.shelf import MODELS
from reverie.settings import without
from reverie.study.environment import commit, environment
from reverie.study.run import KEY_DIGITS
from reverie.study.store import claim, key
from reverie.training.fit import Fitted, fit
from reverie.training.optimiser import choose_device
from reverie.training.recipe import RECIPES, Recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.data.dataset import Dataset
    from reverie.data.split import Split
    from reverie.protocols import Recommender
    from reverie.training.recipe import DatasetRecipe


METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20", "mrr@10")
"""What `--results` writes of a run."""
VERSION = 1
"""Of a run; raised when the same recipe comes to mean something else."""


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: Path
    recipe: Recipe
    fitted: Fitted
    valid: Evaluation
    test: Evaluation
    facts: dict[str, Any]

    def model(self) -> Recommender:
        """Load the model."""
        return load_model(self.folder)


def run_inputs(recipe: Recipe, sha256: str, protocol: str) -> dict[str, Any]:
    """Return everything that a run depends on, as plain values."""
    content = without(RECIPES.content(recipe), ("name", "description", "dataset", "trials"))
    return {"recipe": content, "data": sha256, "protocol": protocol, "version": VERSION}


def open_recipe_dataset(recipe: DatasetRecipe, offline: bool = False) -> Dataset:
    """Open the dataset that a recipe names, filtered as it says."""
    columns = recipe.model_dump(include={"catalog", "user", "item", "timestamp", "rating", "kinds"}, exclude_none=True)
    dataset = open_dataset(recipe.name, offline=offline, **columns)
    if recipe.user_core > 1 or recipe.item_core > 1:
        dataset = dataset.k_core(recipe.user_core, recipe.item_core)
    return dataset


def run_recipe(
    recipe: Recipe,
    folder: str | Path,
    *,
    split: Split | None = None,
    device: str | None = None,
    show: bool = True,
    offline: bool = False,
) -> Run:
    """Train and evaluate as a recipe says."""
    folder, first = Path(folder), processes.rank() == 0
    processes.start(choose_device(device))
    if first:
        claim(folder, recipe, RECIPES, "run")
    processes.wait()
    if (folder / "result.json").exists():
        return open_run(folder)
    if split is None:
        split = split_dataset(open_recipe_dataset(recipe.dataset, offline), recipe.split)
    if first:
        write_json(folder / "environment.json", environment())
    code = commit()
    model = create_model(recipe.model_name, split, seed=recipe.training.seed, **recipe.model_options)
    fitted = fit(model, split, recipe.training, folder=folder, device=device, show=show)
    if fitted.chosen:
        model.card = type(model.card)(model.card.name, model.card.config.model_copy(update=fitted.chosen), split.vocabulary)
    if first:
        save_model(model, folder / "model")
    seen = recipe.evaluation.seen
    for name, queries in (("valid", split.valid), ("test", split.test)):
        measured = evaluate(model, queries, seen=seen, device=device, train=split.train, protocol=split.protocol)
        if first:
            measured.save(folder / "evaluation" / name)
    facts = {"dataset": split.dataset, "dataset_sha256": split.sha256, "protocol": split.protocol, "commit": code}
    if first:
        write_json(folder / "result.json", facts | {"fitted": asdict(fitted)})
    processes.wait()
    return open_run(folder)


def open_run(folder: str | Path) -> Run:
    """Open a finished run."""
    folder = Path(folder)
    if not (folder / "recipe.yaml").exists():
        raise RunError(f"{folder} is no run folder (no recipe.yaml); 'reverie train' makes one")
    try:
        recipe = RECIPES.load(str(folder / "recipe.yaml"))
    except ConfigError as error:
        raise RunError(f"{folder} holds a run that this version cannot read ({error}); choose another folder with --out") from error
    if not (folder / "result.json").exists():
        raise RunError(f"the run in {folder} is not finished; give its 'reverie train' command again to go on")
    facts = read_json(folder / "result.json")
    try:
        fitted = Fitted(**facts.pop("fitted"))
    except (AttributeError, KeyError, TypeError) as error:
        raise RunError(f"{folder / 'result.json'} is of another version of reverie; train again in a new folder") from error
    valid, test = (Evaluation.load(folder / "evaluation" / name) for name in ("valid", "test"))
    return Run(folder, recipe, fitted, valid, test, facts)


def result_rows(run: Run, metrics: Sequence[str] = METRICS) -> list[dict[str, Any]]:
    """Return the test metrics of a run as rows of a results table."""
    facts, recipe, fitted = run.facts, run.recipe, run.fitted
    common = {
        "recipe": recipe.name,
        **{name: facts[name] for name in ("dataset", "dataset_sha256", "protocol", "commit")},
        "seen": run.test.seen,
        "fit_on": recipe.training.on,
        "model": recipe.model_name,
        "seed": recipe.training.seed,
        **{name: getattr(fitted, name) for name in ("best_epoch", "seconds", "peak_mb")},
        "trials": tried_settings(run),
        "key": key(run_inputs(recipe, facts["dataset_sha256"], facts["protocol"]))[:KEY_DIGITS],
    }
    parts = [run.test] if run.test.ranks["length"].min() != 0 else [run.test, with_history(run.test)]
    rows = []
    for name, part in zip(("all", "history:some"), parts, strict=False):
        measured = part.metrics(metrics).select("metric", "value", "low", "high", "interval", "n")
        rows += [common | {"slice": name} | row for row in measured.to_dicts()]
    return rows


def tried_settings(run: Run) -> int:
    """Return how many settings were tried on validation for a run: before its recipe was chosen, times by the model itself."""
    if not run.fitted.chosen:
        return run.recipe.trials
    config = MODELS.config(run.recipe.model_name)(**run.recipe.model_options)
    own = getattr(config, "trials", 0) or len(getattr(config, "grid", ()))
    return run.recipe.trials * max(1, int(own))
