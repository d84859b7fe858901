"""Files of a finished sweep: the best recipe, a table and a plot of its trials."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.files import atomic_path, write_text
from reverie.training.recipe import RECIPES
from reverie.training.sweeps.plot import plot_trials

if TYPE_CHECKING:
    from reverie.training.sweeps.sweep import Sweep


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
