"""A sweep: trials of Optuna's study, resumed where they were cut."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from reverie import processes
from reverie.data.split import Split
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, RunError
from reverie.models import create_model
from reverie.seeds import numpy_generator
from reverie.study.store import held
from reverie.training.config import TrainingConfig
from reverie.training.content import open_with_content
from reverie.training.event_log import is_file, keep_log
from reverie.training.fit import fit, validation_measure
from reverie.training.recipe import SWEEPS, Recipe
from reverie.training.run import feedback_of
from reverie.training.sweeps.config import Choice, Range, SweepRecipe
from reverie.training.sweeps.trials import Sweep, Trial, at_setting, checked_space, in_words, own_setting

if TYPE_CHECKING:
    import optuna
    from optuna import Study
    from optuna.distributions import BaseDistribution

RANDOM_TRIALS = 4
"""Settings (the recipe's own and random ones) before the sampler learns from what it has seen."""


def load_optuna() -> ModuleType:
    """Return optuna."""
    try:
        import optuna
    except ModuleNotFoundError:
        raise ConfigError("a sweep needs the package optuna, which is not installed; pip install 'reverie[sweep]'") from None
    return optuna


@contextlib.contextmanager
def open_study(path: Path, sweep: SweepRecipe, training: TrainingConfig) -> Iterator[Study]:
    """Open a study, or make it; a trial that was cut is put back into the queue."""
    optuna = load_optuna()
    from sqlalchemy.exc import SQLAlchemyError

    warmup = training.patience * training.validate_every if sweep.warmup_epochs is None else sweep.warmup_epochs
    pruner = optuna.pruners.MedianPruner(sweep.startup_trials, warmup) if sweep.pruning else optuna.pruners.NopPruner()
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        try:
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
            study = optuna.create_study(
                storage=storage, study_name="sweep", direction="maximize", pruner=pruner, load_if_exists=True
            )
        except (SQLAlchemyError, RuntimeError) as error:
            raise RunError(f"{path} is damaged or of another version of optuna; delete {path.parent} and start again") from error
        try:
            _requeue(study)
            yield study
        finally:
            storage.remove_session()
            storage.engine.dispose()
    finally:
        optuna.logging.set_verbosity(verbosity)


def _requeue(study: Study) -> None:
    """Close trials that were cut: those with a result get it; the settings of the others are the next ones."""
    from optuna.trial import TrialState

    waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        if "trial" in trial.user_attrs:
            close_trial(study, trial.number, trial.user_attrs["trial"])
            continue
        if not waiting:
            study.enqueue_trial(trial.system_attrs.get("fixed_params", {}) | trial.params)
        study.tell(trial.number, state=TrialState.FAIL)


def close_trial(study: Study, number: int, result: dict[str, Any]) -> None:
    """Store how a trial ended."""
    from optuna.trial import TrialState

    states = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    study.tell(number, result["value"], states[result["state"]])


def distribution(dimension: Range | Choice) -> BaseDistribution:
    """Return a dimension of a search space in optuna's terms."""
    kinds = load_optuna().distributions
    found: BaseDistribution
    if isinstance(dimension, Choice):
        found = kinds.CategoricalDistribution(dimension.values)
    elif dimension.integer:
        found = kinds.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    else:
        found = kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    return found


def seed_sampler(study: Study, seed: int, number: int) -> None:
    """Give a study the sampler of one trial, so that a sweep that was cut draws what it would have drawn."""
    drawn = int(numpy_generator(seed, "sweep", number).integers(2**31))
    study.sampler = load_optuna().samplers.TPESampler(seed=drawn, n_startup_trials=RANDOM_TRIALS)


def stored_trials(study: Study) -> list[Trial]:
    """Return the trials so far, without those that were cut."""
    stored = [trial.user_attrs["trial"] for trial in study.get_trials(deepcopy=False) if "trial" in trial.user_attrs]
    return sorted((Trial(**result) for result in stored), key=lambda trial: trial.number)


def run_sweep(
    recipe: Recipe,
    folder: str | Path,
    *,
    split: Split | None = None,
    device: str | None = None,
    show: bool = True,
    offline: bool = False,
    report: Callable[[str], None] = lambda _: None,
) -> Sweep:
    """Run trials of a recipe until there are as many as its sweep says, counting those of an earlier call.

    The first setting is the recipe's own; the next are drawn at random, then by a tree-structured Parzen estimator (Bergstra et
    al., 2011). What is maximised is the validation metric of the training; the test queries are never asked.
    """
    load_optuna()
    folder, sweep = Path(folder), checked_space(recipe)
    if processes.world() > 1:
        raise ConfigError("a sweep runs in one process; start 'reverie sweep' without torchrun")
    claimed = held(folder, recipe, SWEEPS, "sweep", but_for=("sweep.trials",))
    with claimed, open_study(folder / "study.db", sweep, recipe.training) as study:
        if not study.get_trials(deepcopy=False):
            study.enqueue_trial(own_setting(recipe, sweep))
        trials = stored_trials(study)
        if trials and len(trials) < sweep.trials:
            report(f"going on after {len(trials)} of {sweep.trials} trials")
        if split is None and (len(trials) < sweep.trials or is_file(recipe.dataset)):
            split = split_dataset(open_with_content([recipe], offline, show), recipe.split)
        if split is not None:
            keep_log(folder, recipe.dataset, split.sha256, feedback=feedback_of(recipe, split))
        while split is not None and len(trials) < sweep.trials:
            seed_sampler(study, recipe.training.seed, len(trials) + 1)
            draw = study.ask({key: distribution(dimension) for key, dimension in sweep.space.items()})
            trial = _repeated_trial(draw, trials) or _run_trial(draw, recipe, sweep, split, len(trials) + 1, device, show)
            draw.set_user_attr("trial", asdict(trial))
            close_trial(study, draw.number, asdict(trial))
            trials.append(trial)
            report(f"trial {trial.number}/{sweep.trials}  {in_words(trial.setting)}  {outcome(trial, recipe.training.metric)}")
    if all(trial.value is None for trial in trials):
        raise RunError(f"none of the {len(trials)} trials in {folder} could be finished; the first: {trials[0].note}")
    return Sweep(folder, recipe, trials)


def outcome(trial: Trial, metric: str) -> str:
    """Return how a trial ended, in words."""
    if trial.state == "failed":
        return f"failed: {trial.note}"
    said = f"pruned after epoch {trial.epoch}" if trial.value is None else f"{metric} {trial.value:.4f}"
    return f"{said}  ({trial.note or f'{trial.seconds:.1f} s'})"


def _repeated_trial(draw: optuna.Trial, trials: list[Trial]) -> Trial | None:
    """Return the result of an earlier trial of the same setting, which would only come out again."""
    for earlier in trials:
        if earlier.setting == draw.params:
            note = earlier.note if earlier.state == "failed" else f"as trial {earlier.number}"
            return Trial(len(trials) + 1, earlier.state, draw.params, earlier.value, earlier.epoch, 0.0, note)
    return None


def _run_trial(
    draw: optuna.Trial, recipe: Recipe, sweep: SweepRecipe, split: Split, number: int, device: str | None, show: bool
) -> Trial:
    from optuna import TrialPruned

    begin, last = time.monotonic(), 0

    def check(value: float) -> None:
        if value != value:
            raise ConfigError(f"{recipe.training.undefined}, so no setting can be chosen; set training.metric to another")

    def watch(epoch: int, value: float) -> None:
        nonlocal last
        last = epoch
        check(value)
        draw.report(value, epoch)
        if sweep.pruning and draw.should_prune():
            raise TrialPruned

    try:
        chosen = at_setting(recipe, draw.params)
        model = create_model(chosen.model_name, split, seed=chosen.training.seed, **chosen.model_options)
        fitted = fit(model, split, chosen.training, device=device, show=show, on_validation=watch)
        value = fitted.best_value
        if value is None:
            value = validation_measure(model, split, chosen.training, device)()
            check(value)
    except TrialPruned:
        return Trial(number, "pruned", draw.params, None, last, time.monotonic() - begin, "")
    except (ConfigError, RunError) as error:
        return Trial(number, "failed", draw.params, None, None, time.monotonic() - begin, str(error))
    return Trial(number, "finished", draw.params, value, fitted.best_epoch, time.monotonic() - begin, "")
