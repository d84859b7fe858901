"""One run: a recipe in, a run folder and rows of a results table out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from reverie import processes
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.data.transitions import require_rewards
from reverie.documents import read_as, read_json
from reverie.errors import ConfigError, RunError
from reverie.evaluation import Evaluation, by_kind, evaluate, with_history
from reverie.files import check_digests, check_seal, digests, json_digest, sealed, sha256, write_json
from reverie.models import create_model, load_model, save_model
from reverie.models.own import require_storable
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.protocols import Recommender
from reverie.settings import without
from reverie.shown import Shown
from reverie.study.environment import commit, environment
from reverie.study.run import KEY_DIGITS
from reverie.study.store import held, key
from reverie.training.config import TrainingConfig, settings_tried_by
from reverie.training.content import content_of, open_with_content
from reverie.training.event_log import is_file, keep_log
from reverie.training.fit import Fitted, fit
from reverie.training.optimiser import choose_device
from reverie.training.recipe import RECIPES, Recipe

METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20", "mrr@10")
"""What `--results` writes of a run."""
_DONE = "result.json"
VERSION = 1
"""Of a run; raised when the same recipe comes to mean something else."""


@dataclass(frozen=True)
class RunFacts:
    """What ``result.json`` of a run folder holds; other keys are kept as they are."""

    dataset: str
    dataset_sha256: Annotated[str, Field(pattern="^[0-9a-f]{12,64}$")]
    protocol: str
    commit: str
    fitted: Fitted
    evaluation: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the files of the evaluation; runs of before have none."""


@dataclass(frozen=True, repr=False)
class Run(Shown):
    """A finished run."""

    folder: Path
    recipe: Recipe
    fitted: Fitted
    valid: Evaluation
    test: Evaluation
    facts: dict[str, Any]

    def _facts(self) -> dict[str, str]:
        """Return folder, model, data and seed."""
        known = {"folder": str(self.folder), "model": self.model_name, "dataset": str(self.facts.get("dataset", ""))}
        return known | {"seed": str(self.training.seed)}

    @property
    def name(self) -> str:
        """Name of the recipe."""
        return self.recipe.name

    @property
    def model_name(self) -> str:
        """Registered name of the model."""
        return self.recipe.model_name

    @property
    def training(self) -> TrainingConfig:
        """How it was fitted."""
        return self.recipe.training

    @property
    def where(self) -> str:
        """What to call it in an error."""
        return str(self.folder)

    def model(self) -> Recommender:
        """Load the model."""
        return load_model(self.folder)


def feedback_of(recipe: Recipe, split: Split) -> dict[str, str]:
    """Return the digests of rewards and of items' content, for a model that learns from them, and of runs that are blended.

    Nothing for other models, whose keys lack it.
    """
    if folders := blended_runs(recipe):
        return {"parts_sha256": json_digest({folder: _part_sha256(Path(folder), split) for folder in folders})}
    content = content_of(recipe, split)
    if "needs-reward" not in MODELS[recipe.model_name].tags:
        return content
    digest = require_rewards(split.train).feedback_sha256
    return content if digest is None else content | {"feedback_sha256": digest}


def blended_runs(recipe: Recipe) -> list[str]:
    """Return the folders of the runs that a recipe blends."""
    return [part["run"] for part in recipe.model_options.get("parts", ()) if "run" in part] if recipe.model_name == "blend" else []


def _part_sha256(folder: Path, split: Split) -> str:
    """Return the digest of the model of a run that is to be blended, after checking that weights can be chosen for it."""
    run = load_run(folder)
    if (run.facts["dataset_sha256"], run.facts["protocol"]) != (split.sha256, split.protocol):
        raise RunError(f"{folder} was trained on other events or another split than the blend; train it again on these")
    if run.recipe.training.on != "train":
        raise RunError(f"{folder} has learned from validation events, on which weights are chosen; blend runs of training.on=train")
    return sha256(folder / "model" / "model.json")


def blend_of(runs: Sequence[Run], name: str) -> Recipe:
    """Return the recipe that blends finished runs on one split."""
    parts = []
    for run in runs:
        training = run.recipe.training.model_dump(mode="json", exclude_unset=True, exclude={"seed", "on"})
        training["epochs"] = run.fitted.best_epoch or run.recipe.training.epochs
        parts.append({"run": str(run.folder), "training": training})
    recipe, how = runs[0].recipe, TrainingConfig(seed=runs[0].recipe.training.seed, metric=runs[0].recipe.training.metric)
    changes = {"name": name, "description": "", "model": {"name": "blend", "parts": parts}, "training": how, "trials": 1}
    return recipe.model_copy(update=changes)


def run_inputs(recipe: Recipe, sha256: str, protocol: str, feedback: Mapping[str, str]) -> dict[str, Any]:
    """Return everything that a run depends on, as plain values; `feedback` is that of `feedback_of`."""
    content = without(RECIPES.content(recipe), ("name", "description", "dataset", "trials"))
    return {"recipe": content, "data": sha256, "protocol": protocol, "version": VERSION, **feedback}


def run_recipe(
    recipe: Recipe,
    folder: str | Path,
    *,
    split: Split | None = None,
    device: str | None = None,
    show: bool = True,
    offline: bool = False,
    on_validation: Callable[[int, float], None] | None = None,
) -> Run:
    """Train and evaluate as a recipe says; the folder is held meanwhile, and another process with the same recipe waits.

    What `on_validation` raises ends the training, which goes on from its last checkpoint when it is asked for again.
    """
    folder = Path(folder)
    processes.start(choose_device(device))
    with held(folder, recipe, RECIPES, "run", done=_DONE):
        processes.wait()
        done = (folder / _DONE).exists()
        if split is None and (not done or is_file(recipe.dataset)):
            split = split_dataset(open_with_content([recipe], offline, show), recipe.split)
        if split is not None:
            keep_log(folder, recipe.dataset, split.sha256, processes.rank() == 0, feedback_of(recipe, split))
            if not done:
                _make(recipe, folder, split, device, show, on_validation)
        processes.wait()
    return load_run(folder)


def _make(
    recipe: Recipe, folder: Path, split: Split, device: str | None, show: bool, on_validation: Callable[[int, float], None] | None
) -> None:
    """Train, evaluate, and write everything, the result last."""
    first = processes.rank() == 0
    _keep_threads(folder)
    if first:
        write_json(folder / "environment.json", environment())
    code = commit()
    model = create_model(recipe.model_name, split, seed=recipe.training.seed, **recipe.model_options)
    require_storable(model)
    fitted = fit(model, split, recipe.training, folder=folder, device=device, show=show, on_validation=on_validation)
    if first:
        save_model(model, folder / "model")
    asked: dict[str, Any] = {"seen": recipe.evaluation.seen, "metrics": recipe.evaluation.metrics or None}
    for name, queries in (("valid", split.valid), ("test", split.test)):
        measured = evaluate(model, queries, device=device, train=split.train, protocol=split.protocol, **asked)
        if first:
            measured.save(folder / "evaluation" / name)
    facts = {"dataset": split.dataset, "dataset_sha256": split.sha256, "protocol": split.protocol, "commit": code}
    facts |= feedback_of(recipe, split)
    if first:
        files = digests(folder / "evaluation")
        write_json(folder / _DONE, sealed({**facts, "fitted": asdict(fitted), "evaluation": files}))


def _keep_threads(folder: Path) -> None:
    """Go on with as many threads as a cut training began with: the last digits of its numbers depend on them."""
    import torch

    if (folder / "state").exists() and (folder / "environment.json").exists():
        before = read_as(dict[str, Any], folder / "environment.json", "delete it").get("threads")
        if isinstance(before, int) and 0 < before <= 4096:
            torch.set_num_threads(before)


def load_run(folder: str | Path) -> Run:
    """Open a finished run.

    Parameters
    ----------
    folder : path
        A run folder, such as ``runs/sasrec-ml-100k``.

    Returns
    -------
    Run
        Its recipe and evaluations; ``run.model()`` loads the model.

    Raises
    ------
    RunError
        If it is no run folder, or the run is not finished or was changed.
    """
    folder = Path(folder)
    if not (folder / "recipe.yaml").exists():
        raise RunError(f"{folder} is no run folder (no recipe.yaml); 'reverie train' makes one")
    try:
        recipe = RECIPES.load(str(folder / "recipe.yaml"))
    except ConfigError as error:
        raise RunError(f"{folder} holds a run that this version cannot read ({error}); train again in another folder") from error
    if not (folder / "result.json").exists():
        raise RunError(f"the run in {folder} is not finished; give its 'reverie train' command again to go on")
    path, remedy = folder / "result.json", "train again in a new folder"
    known, facts = read_as(RunFacts, path, remedy, RunError), read_json(path)
    checked(MODELS.config(recipe.model_name), recipe.model_options | known.fitted.chosen, f"{path}: fitted.chosen")
    check_seal(facts, path, remedy, RunError)
    check_digests(folder / "evaluation", known.evaluation, remedy, RunError)
    valid, test = (Evaluation.load(folder / "evaluation" / name) for name in ("valid", "test"))
    for part in (valid, test):
        if (part.model, part.protocol) != (recipe.model_name, known.protocol):
            raise RunError(f"{folder / 'evaluation'} is of '{part.model}' ({part.protocol}), not of this run; {remedy}")
    return Run(folder, recipe, known.fitted, valid, test, {name: facts[name] for name in facts if name != "fitted"})


def result_rows(run: Run, metrics: Sequence[str] = METRICS) -> list[dict[str, Any]]:
    """Return the test metrics of a run as rows of a results table."""
    facts, recipe, fitted = run.facts, run.recipe, run.fitted
    feedback: dict[str, str] = {name: facts[name] for name in ("feedback_sha256", "parts_sha256") if name in facts}
    common = {
        "recipe": recipe.name, **{name: facts[name] for name in ("dataset", "dataset_sha256", "protocol", "commit")},
        "seen": run.test.seen, "fit_on": recipe.training.on, "model": recipe.model_name, "seed": recipe.training.seed,
        **{name: getattr(fitted, name) for name in ("best_epoch", "seconds", "peak_mb")}, "trials": tried_settings(run),
        "key": key(run_inputs(recipe, facts["dataset_sha256"], facts["protocol"], feedback))[:KEY_DIGITS],
    }  # fmt: skip
    some = {} if run.test.ranks["length"].min() != 0 else {"history:some": with_history(run.test)}
    rows, names = [], tuple(dict.fromkeys((*metrics, *recipe.evaluation.metrics)))
    for name, part in {"all": run.test, **some, **by_kind(run.test)}.items():
        measured = part.metrics(names).select("metric", "value", "low", "high", "interval", "n")
        rows += [common | {"slice": name} | row for row in measured.to_dicts()]
    return rows


def tried_settings(run: Run) -> int:
    """Return how many settings were tried on validation for a run: before its recipe was chosen, times by the model itself."""
    if not run.fitted.chosen:
        return run.recipe.trials
    return run.recipe.trials * settings_tried_by(MODELS.config(run.recipe.model_name)(**run.recipe.model_options))
