"""Fitting and measuring, each once: what has been done is read from its folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dreamrec_page.controls import BUILDS, NewItems, NewItemsConfig, nearest_first, trained_only
from dreamrec_page.regression import Ridge, RidgeConfig
from reverie.evaluation import Evaluation, evaluate
from reverie.files import read_json, write_json
from reverie.models import create_model, load_model
from reverie.models.dreamrec.config import DreamRecConfig
from reverie.models.dreamrec.model import DreamRec
from reverie.models.store import with_options as copy_with_options
from reverie.options import checked
from reverie.protocols import Card
from reverie.seeds import seed_torch, torch_generator
from reverie.study.environment import commit
from reverie.training import fit
from reverie.training.comparison import refitted, with_seed
from reverie.training.fit import Fitted
from reverie.training.run import Run, run_recipe

if TYPE_CHECKING:
    from dreamrec_page.systems import System
    from reverie.data.split import Split
    from reverie.protocols import Recommender
    from reverie.training.recipe import Recipe


@dataclass(frozen=True)
class Measured:
    """A finished run, and its test with the items of histories taken out of the ranking.

    Parameters
    ----------
    run : Run
        Under the protocol's own rule.
    removed : Evaluation
        Seen items removed.
    """

    run: Run
    removed: Evaluation


def measured(system: System, split: Split, store: Path) -> dict[tuple[str, str, int], Measured]:
    """Fit a system on train and again on train and validation, with all its seeds and rankings.

    Parameters
    ----------
    system : System
        What to fit.
    split : Split
        Where.
    store : Path
        Gets a folder per fit.

    Returns
    -------
    dict
        By row name (the system's key, or key and view joined by a blank), what it was fitted on, and seed.
    """
    found = {}
    for seed in system.seeds:
        recipe = with_seed(system.recipe, seed)
        first = _fitted(system, recipe, split, store)
        for done in (first, _fitted(system, refitted(first.run), split, store)):
            on = done.run.recipe.training.on
            found[system.key, on, seed] = _settled(done) if system.build else done
            for view in system.views:
                found[f"{system.key} {view}", on, seed] = _viewed(done.run, view, split)
    return found


def fitted_on_validation(name: str, recipe: Recipe, split: Split, store: Path) -> Measured:
    """Fit a counting model on the validation sequences alone: the latest before the test, which published models do not use.

    Parameters
    ----------
    name : str
        A registered counting model.
    recipe : Recipe
        Any of the page; dataset and seed are taken from it.
    split : Split
        Where.
    store : Path
        Gets a folder.

    Returns
    -------
    Measured
        Its `fit_on` is ``"valid"``.
    """
    latest = split.refit.take(np.flatnonzero(~np.isin(split.refit.users, split.train.users)))
    training = recipe.training.model_copy(update={"on": "valid"})
    named = {"name": f"{name}-{split.dataset}-validation", "description": "", "training": training, "model": {"name": name}}

    def make() -> tuple[Recommender, Fitted]:
        model: Any = create_model(name, split)
        model.fit_counts(latest)
        return model, Fitted(0.0, 0.0)

    return _kept(store / named["name"], recipe.model_copy(update=named), split, make)


def with_options(run: Run, **options: Any) -> DreamRec:
    """Return a trained DreamRec whose sampler, guidance or noise are others; the weights are the same.

    Parameters
    ----------
    run : Run
        Of DreamRec.
    **options
        Options to replace.

    Returns
    -------
    DreamRec
        In evaluation mode.
    """
    model = copy_with_options(run.model(), **options)
    assert isinstance(model, DreamRec)
    return model


def _settled(done: Measured) -> Measured:
    """Move what a model of the page chose on validation into its recipe: tables know the options of registered models only."""
    run = done.run
    recipe = run.recipe.model_copy(update={"model": run.recipe.model | run.fitted.chosen})
    return replace(done, run=replace(run, recipe=recipe, fitted=replace(run.fitted, chosen={})))


def _viewed(run: Run, view: str, split: Split) -> Measured:
    recipe = run.recipe.model_copy(update={"name": f"{run.recipe.name}-{view}"})
    return _kept(run.folder / "views" / view, recipe, split, lambda: (VIEWS[view](run, split), run.fitted))


VIEWS: Mapping[str, Callable[[Run, Split], Any]] = {
    "500-steps": lambda run, split: with_options(run, sampler={"kind": "ddpm"}, noise_seed=run.recipe.training.seed),
    "exact-draw": lambda run, split: with_options(
        run, sampler={"kind": "exact", "use": "sample"}, noise_seed=run.recipe.training.seed
    ),
    "nearest": lambda run, split: nearest_first(with_options(run)),
    "trained-items": lambda run, split: trained_only(with_options(run), split.learn_from(run.recipe.training.on)),
}
"""Further rankings by the same weights."""


def _fitted(system: System, recipe: Recipe, split: Split, store: Path) -> Measured:
    folder = store / f"{recipe.name}-seed{recipe.training.seed}"
    if system.build:
        return _kept(folder, recipe, split, lambda: _trained(system, recipe, split, folder))
    run = run_recipe(recipe, folder, split=split, device="cpu", show=False)
    return Measured(run, _evaluated(folder / "evaluation" / "removed", lambda: run.model(), split, "test", "remove"))


def _trained(system: System, recipe: Recipe, split: Split, folder: Path) -> tuple[Recommender, Fitted]:
    """Create and fit one of the page's own models."""
    model: Any
    if system.build.startswith("ridge"):
        config = checked(RidgeConfig, recipe.model_options, "ridge")
        model = Ridge(config, split.vocabulary, _table(system, recipe, split, folder))
    elif system.build == "new-items":
        model = NewItems(NewItemsConfig(), split.vocabulary)
    else:
        seed_torch(recipe.training.seed, "weights")
        options = checked(DreamRecConfig, recipe.model_options, system.key)
        model = BUILDS[system.build](options, split.vocabulary)
        model.card = Card(system.key, options, split.vocabulary)
    return model, fit(model, split, recipe.training, folder=folder, device="cpu", show=False)


def _table(system: System, recipe: Recipe, split: Split, folder: Path) -> torch.Tensor:
    """Return the item vectors of a regression: those of DreamRec fitted on the same events with the same seed, or random ones."""
    base = load_model(folder.parent / folder.name.replace(f"-{system.key}", ""))
    assert isinstance(base, DreamRec)
    table = base.item_table().detach()
    if system.build == "ridge-trained":
        return table
    return torch.randn(table.shape, generator=torch_generator(recipe.training.seed, "dreamrec-page", "table"))


def _kept(folder: Path, recipe: Recipe, split: Split, make: Callable[[], tuple[Any, Fitted]]) -> Measured:
    """Return a run from its folder, or make and measure it."""
    described = recipe.model_dump(mode="json", warnings=False)
    facts: dict[str, Any] = {"dataset": split.dataset, "dataset_sha256": split.sha256, "protocol": split.protocol}
    result = folder / "result.json"
    if not result.exists():
        code = commit()
        model, done = make()
        _measure(model, split, folder)
        write_json(result, {"recipe": described, "commit": code, "fitted": asdict(done)})
    stored = read_json(result)
    if stored["recipe"] != described:
        raise SystemExit(f"{folder} holds another recipe; delete it")
    valid, test, removed = (Evaluation.load(folder / "evaluation" / name) for name in ("valid", "test", "removed"))
    run = Run(folder, recipe, Fitted(**stored["fitted"]), valid, test, facts | {"commit": stored["commit"]})
    return Measured(run, removed)


def _measure(model: Any, split: Split, folder: Path) -> None:
    for name, part, seen in (("valid", "valid", None), ("test", "test", None), ("removed", "test", "remove")):
        _evaluated(folder / "evaluation" / name, lambda: model, split, part, seen)


def _evaluated(folder: Path, model: Callable[[], Any], split: Split, part: str, seen: Any) -> Evaluation:
    if not (folder / "ranks.parquet").exists():
        queries = getattr(split, part)
        evaluate(model(), queries, seen=seen, train=split.train, protocol=split.protocol).save(folder)
    return Evaluation.load(folder)


def without_seen(done: Measured) -> Run:
    """Return the run as if seen items were removed by its protocol.

    Parameters
    ----------
    done : Measured
        Both rules.

    Returns
    -------
    Run
        Its test is the other one.
    """
    return replace(done.run, test=done.removed)
