"""Recipes: YAML files that name a dataset, a split, a model and how to train it; suites, which cross rows with datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from reverie.data.splits.config import LeaveOneOut, SplitConfig
from reverie.errors import ConfigError, UnknownRecipe, nearest, unknown
from reverie.models.shelf import MODELS
from reverie.options import Few, Options, checked
from reverie.plain_yaml import read_yaml
from reverie.settings import Settings, overridden, put
from reverie.study.recipe import Name, RecipeShelf
from reverie.training.config import TrainingConfig
from reverie.training.sweeps.config import SweepRecipe


class SuiteRow(Options):
    """One row of the table: a model, and what makes it this row."""

    model: str
    """Registered name."""
    description: str = ""
    """What the row stands for."""
    set: Settings = Field(default_factory=dict)
    """Settings on every dataset."""


class SuiteDataset(Options):
    """One dataset of the suite; settings are applied in the order `set`, `models`, the row's own, `cells`."""

    split: SplitConfig = LeaveOneOut()
    """Protocol."""
    seeds: Few = 1
    """Seeds of each row."""
    rows: tuple[str, ...] | Literal["all"] = "all"
    """Rows to run here."""
    without: dict[str, str] = Field(default_factory=dict)
    """Rows that cannot be run here, and why."""
    set: Settings = Field(default_factory=dict)
    """Settings of every row."""
    models: dict[str, Settings] = Field(default_factory=dict)
    """Settings of every row of a model, by its registered name."""
    cells: dict[str, Settings] = Field(default_factory=dict)
    """Settings of one row on this dataset alone."""


class Suite(Options):
    """Rows crossed with datasets."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")
    """Name of the suite, and of its file."""
    description: str = ""
    """What it is for."""
    rows: dict[str, SuiteRow]
    """By name, in the order of the table."""
    datasets: dict[str, SuiteDataset]
    """By registered name of the dataset."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Suite:
        models = {row.model for row in self.rows.values()}
        for name, row in self.rows.items():
            _all_known(f"rows.{name}.model", [row.model], MODELS)
        for name, dataset in self.datasets.items():
            for key in ("rows", "without", "cells"):
                named = getattr(dataset, key)
                _all_known(f"datasets.{name}.{key}", () if named == "all" else named, self.rows)
            _all_known(f"datasets.{name}.models", dataset.models, models)
        return self

    def rows_on(self, dataset: str) -> list[str]:
        """Return the rows that are run on a dataset."""
        if dataset not in self.datasets:
            raise unknown(f"dataset of the suite '{self.name}'", dataset, self.datasets)
        part = self.datasets[dataset]
        return [row for row in self.rows if (part.rows == "all" or row in part.rows) and row not in part.without]

    def recipe_values(self, row: str, dataset: str, packaged: Mapping[str, Path]) -> dict[str, Any]:
        """Return the recipe of one cell, not yet checked."""
        line, part = self.rows[row], self.datasets[dataset]
        name = cell_name(row, dataset)
        values = start_values(dataset, line.model, packaged) | {
            "name": name,
            "description": line.description,
            "dataset": {"name": dataset},
            "split": {"protocol": part.split.protocol, **part.split.model_dump(mode="json", exclude_unset=True)},
        }
        for settings in (part.set, part.models.get(line.model, {}), line.set, part.cells.get(row, {})):
            for key, value in settings.items():
                values = put(values, key, value, f"suite '{self.name}', {name}, {key}")
        return values


def cell_name(row: str, dataset: str) -> str:
    """Return the name of a cell's recipe."""
    return f"{row}-{dataset}"


def start_values(dataset: str, model: str, packaged: Mapping[str, Path]) -> dict[str, Any]:
    """Return what a recipe for a dataset and a model starts from: the packaged base, else the model's defaults."""
    for values in filter(None, map(_base_values, packaged.values())):
        if values["dataset"] == {"name": dataset} and values["model"]["name"] == model:
            return deepcopy(values)
    training = getattr(MODELS.config(model), "training_defaults", {})
    return {"model": {"name": model}, "training": dict(training)}


@cache
def _base_values(path: Path) -> dict[str, Any] | None:
    """Return what a packaged recipe says, read once, where it is a base."""
    values: dict[str, Any] = read_yaml(path)
    return values if values.pop("base", False) else None


def suite_files() -> dict[str, Path]:
    """Return the suites inside the package by name."""
    folder = Path(str(resources.files("reverie") / "suites"))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def parse_suite(values: Any, where: str) -> Suite:
    """Check a suite; its recipes are checked when they are loaded."""
    if not isinstance(values, dict):
        raise ConfigError(f"{where}: a suite is a mapping with the keys {', '.join(Suite.model_fields)}")
    return checked(Suite, values, where)


def load_suite(name: str) -> Suite:
    """Load a suite of the package."""
    known = suite_files()
    if name not in known:
        raise unknown("suite", name, known)
    return parse_suite(read_yaml(known[name]), f"suite '{name}'")


def suite_cells() -> dict[str, tuple[Suite, str, str]]:
    """Return every recipe that the suites of the package describe."""
    suites = [load_suite(name) for name in suite_files()]
    return {cell_name(row, data): (suite, row, data) for suite in suites for data in suite.datasets for row in suite.rows_on(data)}


def _all_known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: unknown name '{name}'{nearest(name, known)}; known: {', '.join(known)}")


EXAMPLE = "training.epochs=5"
"""A setting, for messages."""


def _where_given() -> Any:
    """Return the field of an option that is no part of a recipe where it is not given: keys of stored studies lack it."""
    return Field(default=None, exclude_if=lambda value: value is None)


class SessionCut(Options):
    """How histories are cut into sessions, see `reverie.data.dataset.Dataset.cut_sessions`."""

    gap_minutes: float = Field(default=30, gt=0)
    """A new session begins where more minutes pass between two events of a user."""


class ContentFile(Options):
    """Features of items in a file, see `reverie.data.readers.read_features`; a path alone means a file that names its rows."""

    file: str
    """Path, looked for beside the recipe first."""
    ids: str | None = _where_given()
    """Which items the rows of an array are: ``from 0``, ``from 1``, or a file of ids; the catalogue's in its order by default."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value

    def beside(self, folder: Path) -> ContentFile:
        """Return the same with the paths that are found in a folder."""
        found = {key: str((folder / path).absolute()) for key, path in self if path is not None and (folder / path).is_file()}
        return self.model_copy(update=found)


class DatasetRecipe(Options):
    """Which events to use."""

    name: str
    """A registered dataset, or the path of a file."""
    catalog: str | None = None
    """Path of a table with titles, for a file."""
    user: str | None = None
    """Column of the user, for a file; found by its usual names where not given."""
    item: str | None = None
    """Column of the item, and of the catalogue where that has one of this name."""
    timestamp: str | None = None
    """Column of the time."""
    rating: str | None = None
    """Column of the rating."""
    kind: str | None = _where_given()
    """Column of the kinds of events, for a file."""
    format: str | None = _where_given()
    """Format of a file, where its content does not tell: csv, …, or rc15, retailrocket and their kin."""
    columns: str | tuple[str, ...] | None = _where_given()
    """What each field of a row is, for a file without a header: ``user,item,-,timestamp``."""
    layout: str | None = _where_given()
    """A public log of known layout, in the place of `columns`: movielens-1m, lastfm-1k, taobao …"""
    separator: str | None = _where_given()
    """What stands between the fields of a file of text."""
    encoding: str | None = _where_given()
    """Of a file of text: latin-1, utf-16 …"""
    day_first: bool | None = _where_given()
    """Whether dates such as 03/04/2024 have the day first, where all of them can be read both ways."""
    catalog_columns: str | tuple[str, ...] | None = _where_given()
    """What each field of a catalogue without a header is: ``item,title,-``."""
    kinds: tuple[str, ...] | None = _where_given()
    """Kinds of events to count; all where not given."""
    rewards: dict[str, float] | str | None = _where_given()
    """What each kind of event is worth; or thresholds of ratings such as {rating>=8: 1.0, else: 0.2}; or the column of rewards."""
    content: dict[str, ContentFile] | None = _where_given()
    """Features of items by what they come from: ``{image: image_feat.npy, text: {file: text.npy, ids: from 1}}``."""
    propensity: str | None = _where_given()
    """Column of the logging policy's propensities, for a file."""
    weight: str | None = _where_given()
    """Column of how much events count in training, for a file; models with the tag ``weights`` heed it."""
    sessions: SessionCut | None = _where_given()
    """Cut histories into sessions, each of which is then a user, before `user_core` and `item_core` are applied."""
    user_core: int = Field(default=0, ge=0, le=2**31)
    """Keep users with at least this many events (applied together with `item_core` until nothing changes)."""
    item_core: int = Field(default=0, ge=0, le=2**31)
    """Keep items with at least this many events."""


class EvaluationRecipe(Options):
    """What to measure."""

    ks: tuple[PositiveInt, ...] = (1, 5, 10, 20)
    """Cut-offs."""
    metrics: tuple[str, ...] = Field(default=(), exclude_if=lambda names: not names)  # keys of stored runs lack it
    """Further metrics to keep and to show, such as ild@10, or your own; see `reverie.evaluate`."""
    seen: Literal["remove", "keep"] | None = None
    """Whether items of the history are ranked; None takes the protocol's rule."""

    @field_validator("metrics")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from reverie.evaluation.metrics import parse

        return tuple(str(parse(name)) for name in names)


class Recipe(Options):
    """One run."""

    name: Name
    """Name of the recipe, and of its run folder."""
    description: str = ""
    """What it is for."""
    dataset: DatasetRecipe
    """Events."""
    split: SplitConfig = LeaveOneOut()
    """Protocol."""
    model: dict[str, Any]
    """``name`` of a registered model and its options."""
    training: TrainingConfig = TrainingConfig()
    """How to fit."""
    evaluation: EvaluationRecipe = EvaluationRecipe()
    """What to measure."""
    trials: PositiveInt = 1
    """How many settings were tried on validation before this one was chosen."""
    base: bool = Field(default=False, exclude=True)
    """Whether suites and comparisons on this dataset start rows of this model from here; no part of a run."""
    sweep: SweepRecipe | None = Field(default=None, exclude=True)
    """What `reverie sweep` tries; no part of a run, so run folders do not keep it and do not compare it."""

    @field_validator("model")
    @classmethod
    def _known_model(cls, value: dict[str, Any]) -> dict[str, Any]:
        if "name" not in value:
            raise ValueError(f"needs the key 'name', one of {', '.join(sorted(MODELS))}")
        return value

    @property
    def model_name(self) -> str:
        """Registered name of the model."""
        return str(self.model["name"])

    @property
    def model_options(self) -> dict[str, Any]:
        """Options of the model."""
        return {key: value for key, value in self.model.items() if key != "name"}


def _check_model(recipe: Recipe, where: str) -> None:
    try:
        kind = MODELS.config(recipe.model_name)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None
    checked(kind, recipe.model_options, f"{where}: model '{recipe.model_name}'")


RECIPES = RecipeShelf("a recipe", Recipe, "reverie", "reverie recipes list", EXAMPLE, check=_check_model)
"""Recipes of `reverie train`; those of suites have names as well, see `load_recipe`."""
SWEEPS = replace(RECIPES, content=lambda recipe: _values(recipe))
"""The same with their sweep, as the folder of a sweep keeps them."""


def load_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Load a recipe by name, packaged or a cell of a suite, or by path."""
    if name_or_path not in RECIPES.files() and not Path(name_or_path).is_file():
        cells = suite_cells()
        if name_or_path not in cells:
            near = nearest(name_or_path, [*RECIPES.files(), *cells])
            raise UnknownRecipe(f"no recipe '{name_or_path}'{near}; see 'reverie recipes list', or give a YAML file", name_or_path)
        return cell_recipe(*cells[name_or_path], overrides)
    recipe = RECIPES.load(name_or_path, overrides)
    content = {name: one.beside(Path(name_or_path).parent) for name, one in (recipe.dataset.content or {}).items()}
    if not content:
        return recipe
    return recipe.model_copy(update={"dataset": recipe.dataset.model_copy(update={"content": content})})


def cell_recipe(suite: Suite, row: str, dataset: str, overrides: Sequence[str] = ()) -> Recipe:
    """Return the recipe of one cell of a suite."""
    values = suite.recipe_values(row, dataset, RECIPES.files())
    return _parsed(values, overrides, f"suite '{suite.name}', recipe '{values['name']}'")


def change_recipe(recipe: Recipe, overrides: Sequence[str]) -> Recipe:
    """Return a recipe with some keys changed."""
    values = _values(recipe, exclude_unset=True)  # a default of one protocol is an unknown key of another
    return _parsed(values, overrides, recipe.name)


def _parsed(values: Any, overrides: Sequence[str], where: str) -> Recipe:
    for override in overrides:
        values = overridden(values, override, EXAMPLE)
    return RECIPES.parse(values, where)


def _values(recipe: Recipe, exclude_unset: bool = False) -> dict[str, Any]:
    """Return a recipe as plain values, its sweep included."""
    values = recipe.model_dump(mode="json", exclude_unset=exclude_unset)
    return values if recipe.sweep is None else values | {"sweep": recipe.sweep.model_dump(mode="json")}
