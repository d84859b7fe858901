"""One run: a recipe in, a run folder out; interrupted runs go on, finished ones are read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie import processes
from reverie.data.sources import open_dataset
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, RunError
from reverie.evaluation import Evaluation, evaluate
from reverie.files import read_json, write_json, write_text
from reverie.models import create_model, load_model, save_model
from reverie.options import checked
from reverie.training.device import choose_device
from reverie.training.environment import commit, environment
from reverie.training.fit import Fitted, fit
from reverie.training.recipe import Recipe, load_recipe, recipe_yaml

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset
    from reverie.data.split import Split
    from reverie.protocols import Recommender
    from reverie.training.recipe import DatasetRecipe


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


def open_recipe_dataset(recipe: DatasetRecipe, offline: bool = False) -> Dataset:
    """Open the dataset that a recipe names, filtered as it says."""
    columns = recipe.model_dump(include={"catalog", "user", "item", "timestamp", "rating"}, exclude_none=True)
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
        claim_run(folder, recipe)
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
    recipe = _stored_recipe(folder)
    if recipe is None:
        raise RunError(f"{folder} is no run folder (no recipe.yaml); 'reverie train' makes one")
    if not (folder / "result.json").exists():
        raise RunError(f"the run in {folder} is not finished; give its 'reverie train' command again to go on")
    facts = read_json(folder / "result.json")
    try:
        fitted = Fitted(**facts.pop("fitted"))
    except (AttributeError, KeyError, TypeError) as error:
        raise RunError(f"{folder / 'result.json'} is of another version of reverie; train again in a new folder") from error
    valid, test = (Evaluation.load(folder / "evaluation" / name) for name in ("valid", "test"))
    return Run(folder, recipe, fitted, valid, test, facts)


def _stored_recipe(folder: Path) -> Recipe | None:
    path = folder / "recipe.yaml"
    if not path.exists():
        return None
    try:
        return load_recipe(str(path))
    except ConfigError as error:
        raise RunError(f"{folder} holds a run that this version cannot read ({error}); choose another folder with --out") from error


def claim_run(folder: Path, recipe: Recipe) -> None:
    """Take a folder for the run of a recipe; refuse one that holds anything else."""
    stored = _stored_recipe(folder)
    if stored is None:
        if folder.exists() and any(folder.iterdir()):
            raise RunError(f"{folder} is not empty and holds no run; choose another folder with --out")
        write_text(folder / "recipe.yaml", recipe_yaml(recipe))
    elif stored != checked(Recipe, recipe.model_dump(mode="json"), "recipe"):
        raise RunError(f"{folder} holds a run of another recipe; choose another folder with --out, or delete it")
