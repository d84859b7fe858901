"""The search space of a sweep, its trials, and its files: the best recipe, a table, a plot."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reverie.errors import ConfigError
from reverie.files import atomic_path, write_text
from reverie.models.shelf import MODELS
from reverie.options import checked
from reverie.plain_yaml import dump_yaml
from reverie.training.recipe import RECIPES, Recipe, change_recipe
from reverie.training.sweeps.config import Choice, Range, SweepRecipe

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Setting = dict[str, Any]
"""Values by dotted key of the recipe."""

_FIXED = {
    "training.seed": "a seed is luck, not a setting",
    "training.metric": "settings must be compared by the same metric",
    "training.on": "settings are compared on validation",
    "training.validation_queries": "settings must be compared on the same queries",
}


def checked_space(recipe: Recipe) -> SweepRecipe:
    """Return the sweep of a recipe after checking its keys and values against the recipe."""
    sweep, where = recipe.sweep, f"{recipe.name}: sweep.space"
    if sweep is None:
        raise ConfigError(f"{recipe.name}: the recipe has no 'sweep' section; add one with a 'space', e.g. {_EXAMPLE}")
    if recipe.training.on != "train":
        raise ConfigError(f"{recipe.name}: a sweep chooses on validation events; set training.on to train")
    for key, dimension in sweep.space.items():
        if key.partition(".")[0] not in ("model", "training"):
            raise ConfigError(f"{where}: '{key}' cannot be swept; keys begin with 'model.' or 'training.'")
        if key in _FIXED:
            raise ConfigError(f"{where}: '{key}' cannot be swept, because {_FIXED[key]}; leave it out")
        faults = [_fault(recipe, {key: value}) for value in dimension.examples()]
        if all(faults):
            raise ConfigError(f"sweep.space: {faults[0]}")
        own = _value(recipe, key)
        if not dimension.holds(own):
            raise ConfigError(f"{where}: the recipe's own {key}={own} is outside the space; widen the space or change the recipe")
    return sweep


_EXAMPLE = "{sweep: {space: {training.learning_rate: {low: 0.0005, high: 0.003, log: true}}}}"


def own_setting(recipe: Recipe, sweep: SweepRecipe) -> Setting:
    """Return the recipe's own values of the keys of a space."""
    return {key: _value(recipe, key) for key in sweep.space}


def at_setting(recipe: Recipe, setting: Setting, **fields: Any) -> Recipe:
    """Return a recipe at a setting, without its sweep."""
    plain = recipe.model_copy(update={"sweep": None})
    return change_recipe(plain, [f"{key}={_yaml(value)}" for key, value in (fields | setting).items()])


def in_words(setting: Setting) -> str:
    """Return a setting as words that ``--set`` takes, numbers with four digits."""
    return " ".join(f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={_yaml(value)}" for key, value in setting.items())


def _yaml(value: Any) -> str:
    """Return a plain value as YAML reads it back."""
    return dump_yaml(value, float("inf")).removesuffix("...\n").strip()


def _fault(recipe: Recipe, setting: Setting) -> str:
    try:
        at_setting(recipe, setting)
    except ConfigError as error:
        return str(error)
    return ""


def _value(recipe: Recipe, key: str) -> Any:
    """Return the value at a dotted key, with the model's defaults written out; None where nothing is there."""
    options = checked(MODELS.config(recipe.model_name), recipe.model_options, recipe.name).model_dump(mode="json")
    values: Any = recipe.model_dump(mode="json") | {"model": {"name": recipe.model_name, **options}}
    for part in key.split("."):
        values = values.get(part) if isinstance(values, dict) else None
    return values


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


_COLUMNS = 3
_DOT, _BEST = "#2f6fb0", "#c2571a"


def plot_trials(sweep: Sweep) -> str:
    """Draw the trials of a sweep."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    space = {} if sweep.recipe.sweep is None else sweep.recipe.sweep.space
    rows = -(-(1 + len(space)) // _COLUMNS)
    style = mpl.rc_params_from_file(Path(__file__).with_name("trials.mplstyle"), use_default_template=False)
    with mpl.rc_context(style):
        figure = Figure(figsize=(3.2 * min(_COLUMNS, 1 + len(space)), 2.5 * rows), layout="constrained")
        panels = [figure.add_subplot(rows, min(_COLUMNS, 1 + len(space)), at + 1) for at in range(1 + len(space))]
        _order(panels[0], sweep)
        for panel, (key, dimension) in zip(panels[1:], space.items(), strict=True):
            _parameter(panel, sweep, key, dimension)
        for panel in panels:
            panel.set_ylabel(f"validation {sweep.recipe.training.metric}")
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def _order(panel: Axes, sweep: Sweep) -> None:
    from matplotlib.ticker import MaxNLocator

    _dots(panel, sweep, [trial.number for trial in sweep.trials])
    done = [trial for trial in sweep.trials if trial.value is not None]
    so_far = [max(other.value or 0.0 for other in done[: at + 1]) for at in range(len(done))]
    panel.step([trial.number for trial in done], so_far, where="post", color=_BEST, linewidth=1)
    panel.set_xlabel("trial")
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))


def _parameter(panel: Axes, sweep: Sweep, key: str, dimension: Range | Choice) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    given = [trial.setting[key] for trial in sweep.trials]
    if isinstance(dimension, Range):
        _dots(panel, sweep, given)
        if dimension.log:
            panel.set_xscale("log")
            panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            panel.xaxis.set_major_formatter("{x:g}")
            panel.xaxis.set_minor_formatter(NullFormatter())
    else:
        _dots(panel, sweep, [dimension.values.index(value) for value in given])
        panel.set_xticks(range(len(dimension.values)), [str(value) for value in dimension.values])
        panel.set_xlim(-0.5, len(dimension.values) - 0.5)
    panel.set_xlabel(key)


def _dots(panel: Axes, sweep: Sweep, places: list[float]) -> None:
    for place, trial in zip(places, sweep.trials, strict=True):
        if trial.value is None:
            panel.plot([place], [0.98], "|", color="#888888", transform=panel.get_xaxis_transform())
        elif trial == sweep.best:
            panel.plot([place], [trial.value], "D", color=_BEST, zorder=3)
        else:
            panel.plot([place], [trial.value], "o", color=_DOT, markersize=4)


@dataclass(frozen=True)
class SweepFiles:
    """Where the results of a sweep are."""

    recipe: Path
    table: Path
    plot: Path


def write_sweep(sweep: Sweep) -> SweepFiles:
    """Write the best recipe, the table and the plot into the folder of a sweep; each file is replaced whole."""
    import polars as pl

    files = SweepFiles(*(sweep.folder / name for name in ("best.yaml", "trials.csv", "trials.svg")))
    write_text(files.recipe, RECIPES.dump(sweep.best_recipe))
    columns = ("number", "state", "value", "epoch", "seconds", "note")
    rows = [[getattr(trial, name) for name in columns] + list(map(_cell, trial.setting.values())) for trial in sweep.trials]
    keys = list(sweep.trials[0].setting)
    table = pl.DataFrame(rows, schema=[*columns, *keys], orient="row", infer_schema_length=None)
    with atomic_path(files.table) as temporary:
        table.write_csv(temporary)
    with atomic_path(files.plot) as temporary:
        temporary.write_text(plot_trials(sweep), encoding="utf-8")
    return files


def _cell(value: object) -> str:
    return "" if value is None else str(value)
