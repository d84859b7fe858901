"""Optuna studies in SQLite that can be resumed, and their trials."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from reverie.errors import ConfigError, RunError
from reverie.seeds import numpy_generator
from reverie.training.sweeps.config import Choice

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

    from reverie.training.config import TrainingConfig
    from reverie.training.sweeps.config import Range, SweepRecipe
    from reverie.training.sweeps.space import Setting

RANDOM_TRIALS = 4
"""Settings (the recipe's own and random ones) before the sampler learns from what it has seen."""


@dataclass(frozen=True)
class Trial:
    """One setting, and how its training ended."""

    number: int
    state: Literal["finished", "pruned", "failed"]
    setting: Setting
    value: float | None
    epoch: int | None
    seconds: float
    note: str


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


def distributions(sweep: SweepRecipe) -> dict[str, BaseDistribution]:
    """Return a search space in optuna's terms."""
    return {key: _distribution(dimension) for key, dimension in sweep.space.items()}


def _distribution(dimension: Range | Choice) -> BaseDistribution:
    kinds = load_optuna().distributions
    distribution: BaseDistribution
    if isinstance(dimension, Choice):
        distribution = kinds.CategoricalDistribution(dimension.values)
    elif dimension.integer:
        distribution = kinds.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    else:
        distribution = kinds.FloatDistribution(dimension.low, dimension.high, log=dimension.log)
    return distribution


def seed_sampler(study: Study, seed: int, number: int) -> None:
    """Give a study the sampler of one trial, so that a sweep that was cut draws what it would have drawn."""
    drawn = int(numpy_generator(seed, "sweep", number).integers(2**31))
    study.sampler = load_optuna().samplers.TPESampler(seed=drawn, n_startup_trials=RANDOM_TRIALS)


def stored_trials(study: Study) -> list[Trial]:
    """Return the trials so far, without those that were cut."""
    stored = [trial.user_attrs["trial"] for trial in study.get_trials(deepcopy=False) if "trial" in trial.user_attrs]
    return sorted((Trial(**result) for result in stored), key=lambda trial: trial.number)
