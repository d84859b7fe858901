"""Runs become rows: the seeds of one recipe are one row, and every row has a name of its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reverie.errors import ConfigError

if TYPE_CHECKING:
    import polars as pl

    from reverie.evaluation import Evaluation
    from reverie.training.run import Run

BASELINES = frozenset({"popularity", "recent-popularity", "markov"})
"""Models that every claim is printed beside."""


@dataclass(frozen=True)
class Cell:
    """One metric of one row.

    Parameters
    ----------
    value : float
        Mean over seeds.
    low, high : float or None
        95 % interval; None for metrics that have none.
    interval : str
        What was resampled.
    n : int
        Queries that the value rests on.
    """

    value: float
    low: float | None
    high: float | None
    interval: str
    n: int


@dataclass(frozen=True)
class Row:
    """One recipe with all its seeds.

    Parameters
    ----------
    label : str
        Its name, distinct on the board.
    runs : tuple of Run
        One per seed, ascending.
    cells : dict of str to Cell
        Metrics on test, by name.
    """

    label: str
    runs: tuple[Run, ...]
    cells: dict[str, Cell]

    @property
    def model(self) -> str:
        """Registered name of the model."""
        return self.runs[0].recipe.model_name

    @property
    def baseline(self) -> bool:
        """Whether the model is one of the baselines."""
        return self.model in BASELINES

    @property
    def tests(self) -> list[Evaluation]:
        """What was measured on test, one per seed."""
        return [run.test for run in self.runs]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Training seeds."""
        return tuple(run.recipe.training.seed for run in self.runs)

    @property
    def fit_on(self) -> str:
        """``"train"`` or ``"train+valid"``."""
        return self.runs[0].recipe.training.on

    @property
    def best_epochs(self) -> tuple[int, ...]:
        """Epochs whose weights were kept, one per seed; empty for a model that counts."""
        return tuple(run.fitted.best_epoch for run in self.runs if run.fitted.best_epoch is not None)

    @property
    def chosen(self) -> tuple[dict[str, Any], ...]:
        """Options chosen on validation, where any were: those of each seed, the same ones once."""
        distinct = {json.dumps(run.fitted.chosen, sort_keys=True, default=str): run.fitted.chosen for run in self.runs}
        return tuple(options for options in distinct.values() if options)

    @property
    def seconds(self) -> float:
        """Time of a fit, mean over seeds."""
        return sum(run.fitted.seconds for run in self.runs) / len(self.runs)

    @property
    def peak_mb(self) -> float:
        """Largest memory of a fit, the most of all seeds, in MB."""
        return max(run.fitted.peak_mb for run in self.runs)


def cells(table: pl.DataFrame) -> dict[str, Cell]:
    """Return the rows of a table of metrics by their names."""
    fields = ("value", "low", "high", "interval", "n")
    return {row["metric"]: Cell(*(row[field] for field in fields)) for row in table.iter_rows(named=True)}


def group_runs(runs: Sequence[Run]) -> dict[str, tuple[Run, ...]]:
    """Group runs whose recipes differ in nothing but name, description and seed."""
    groups: dict[str, dict[int, Run]] = {}
    for run in runs:
        same = groups.setdefault(_content(run), {})
        seed = run.recipe.training.seed
        if seed in same:
            where = f"{same[seed].folder} and {run.folder}"
            raise ConfigError(f"{where} are runs of one recipe with the same seed; leave one of them out")
        same[seed] = run
    members = [tuple(group[seed] for seed in sorted(group)) for group in groups.values()]
    return dict(zip(_labels([group[0] for group in members]), members, strict=True))


def _content(run: Run) -> str:
    return run.recipe.model_dump_json(exclude={"name": True, "description": True, "training": {"seed"}})


def _labels(runs: Sequence[Run]) -> list[str]:
    """Names from the shortest that tells the runs apart to the longest."""
    refit = [" (refit)" if run.recipe.training.on == "train+valid" else "" for run in runs]
    labels = [run.recipe.model_name + end for run, end in zip(runs, refit, strict=True)]
    for longer in ([run.recipe.name + end for run, end in zip(runs, refit, strict=True)], [run.folder.name for run in runs]):
        count = Counter(labels)
        labels = [other if count[label] > 1 else label for label, other in zip(labels, longer, strict=True)]
    count = Counter(labels)
    return [f"{label} #{i + 1}" if count[label] > 1 else label for i, label in enumerate(labels)]
