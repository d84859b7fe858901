"""Hyperparameter search over a recipe, chosen on validation; a search that was cut goes on."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie import processes
from reverie.data.splits.config import split_dataset
from reverie.errors import ConfigError, RunError
from reverie.models import create_model
from reverie.study.store import claim
from reverie.training.fit import fit, validation_measure
from reverie.training.recipe import SWEEPS
from reverie.training.run import open_recipe_dataset
from reverie.training.sweeps.space import at_setting, checked_space, in_words, own_setting
from reverie.training.sweeps.study import Trial, close_trial, distributions, load_optuna, open_study, seed_sampler, stored_trials

if TYPE_CHECKING:
    from collections.abc import Callable

    import optuna

    from reverie.data.split import Split
    from reverie.training.recipe import Recipe
    from reverie.training.sweeps.config import SweepRecipe


@dataclass(frozen=True)
class Sweep:
    """A finished sweep."""

    folder: Path
    recipe: Recipe
    trials: list[Trial]

    @property
    def ranked(self) -> list[Trial]:
        """Finished trials, the best first and of equals the earlier one; then the others as they came."""
        return sorted(self.trials, key=lambda trial: (trial.value is None, -(trial.value or 0.0)))

    @property
    def best(self) -> Trial:
        """The finished trial with the largest value."""
        return self.ranked[0]

    @property
    def best_recipe(self) -> Recipe:
        """The recipe at the best setting; its `trials` counts this sweep's on top of those that led to the recipe."""
        trials = self.recipe.trials - 1 + len(self.trials)
        return at_setting(self.recipe, self.best.setting, name=f"{self.recipe.name}-best", trials=trials)


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
    claim(folder, recipe, SWEEPS, "sweep", but_for=("sweep.trials",))
    with open_study(folder / "study.db", sweep, recipe.training) as study:
        if not study.get_trials(deepcopy=False):
            study.enqueue_trial(own_setting(recipe, sweep))
        trials = stored_trials(study)
        if trials and len(trials) < sweep.trials:
            report(f"going on after {len(trials)} of {sweep.trials} trials")
        if split is None and len(trials) < sweep.trials:
            split = split_dataset(open_recipe_dataset(recipe.dataset, offline), recipe.split)
        while split is not None and len(trials) < sweep.trials:
            seed_sampler(study, recipe.training.seed, len(trials) + 1)
            draw = study.ask(distributions(sweep))
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

    def watch(epoch: int, value: float) -> None:
        nonlocal last
        last = epoch
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
    except TrialPruned:
        return Trial(number, "pruned", draw.params, None, last, time.monotonic() - begin, "")
    except (ConfigError, RunError) as error:
        return Trial(number, "failed", draw.params, None, None, time.monotonic() - begin, str(error))
    return Trial(number, "finished", draw.params, value, fitted.best_epoch, time.monotonic() - begin, "")
