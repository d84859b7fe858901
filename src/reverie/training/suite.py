"""Suites: YAML files that cross rows (a model and settings) with datasets; each cell is a recipe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, PositiveInt, model_validator

from reverie.data.splits.config import LeaveOneOut, SplitConfig
from reverie.errors import ConfigError, nearest, unknown
from reverie.models.shelf import MODELS
from reverie.options import Options, checked
from reverie.settings import Settings, put


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
    seeds: PositiveInt = 1
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
    for path in packaged.values():
        values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        if values.pop("base", False) and values["dataset"] == {"name": dataset} and values["model"]["name"] == model:
            return values
    training = getattr(MODELS.config(model), "training_defaults", {})
    return {"model": {"name": model}, "training": dict(training)}


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
    return parse_suite(yaml.safe_load(known[name].read_text(encoding="utf-8")), f"suite '{name}'")


def suite_cells() -> dict[str, tuple[Suite, str, str]]:
    """Return every recipe that the suites of the package describe."""
    suites = [load_suite(name) for name in suite_files()]
    return {cell_name(row, data): (suite, row, data) for suite in suites for data in suite.datasets for row in suite.rows_on(data)}


def _all_known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: unknown name '{name}'{nearest(name, known)}; known: {', '.join(known)}")
