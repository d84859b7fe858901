"""`Row`: one line of a leaderboard."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from reverie.evaluation import Evaluation
from reverie.protocols import Recommender
from reverie.report.cells import BASELINES, Cell, Difference
from reverie.shown import SHOWN, Shown
from reverie.training.run import Run
from reverie.training.trial import Trial


@dataclass(frozen=True, repr=False)
class Row(Shown):
    """One recipe, or one model in memory, with all its seeds.

    Parameters
    ----------
    label : str
        Its name, distinct on the board.
    runs : tuple of Run or Trial
        One per seed, ascending.
    cells : dict of str to Cell
        Metrics on test, by name.
    """

    label: str
    runs: tuple[Run | Trial, ...]
    cells: dict[str, Cell]

    @property
    def model_name(self) -> str:
        """Registered name of the model."""
        return self.runs[0].model_name

    def model(self) -> Recommender:
        """Return the fitted model of the first seed; ``runs[1].model()`` is that of the second.

        Returns
        -------
        Recommender
            As it was measured.
        """
        return self.runs[0].model()

    def _facts(self) -> dict[str, str]:
        """Return label, model, seeds and the first metrics."""
        known = {"label": self.label, "model": self.model_name, "seeds": str(len(self.runs))}
        return known | {name: f"{cell.value:.4f}" for name, cell in islice(self.cells.items(), SHOWN)}

    @property
    def baseline(self) -> bool:
        """Whether the model is one of the baselines."""
        return self.model_name in BASELINES

    @property
    def tests(self) -> list[Evaluation]:
        """What was measured on test, one per seed."""
        return [run.test for run in self.runs]

    @property
    def seeds(self) -> tuple[int, ...]:
        """Training seeds."""
        return tuple(run.training.seed for run in self.runs)

    @property
    def fit_on(self) -> str:
        """``"train"`` or ``"train+valid"``."""
        return self.runs[0].training.on

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


class Board(Protocol):
    """What tables and plots read of a `Leaderboard`, which stands above them and shows itself by them."""

    @property
    def dataset(self) -> str:
        """Name of the dataset."""

    @property
    def protocol(self) -> str:
        """How it was split."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those that every row has."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Best first."""

    @property
    def pairs(self) -> tuple[Difference, ...]:
        """Every pair of rows."""

    @property
    def order(self) -> str:
        """The metric that rows are sorted by."""

    @property
    def best(self) -> Row:
        """The first row."""

    @property
    def differs(self) -> tuple[Difference, ...]:
        """The best row against each other."""

    @property
    def detectable(self) -> float | None:
        """The smallest difference that would be found."""

    def pair(self, one: str, two: str) -> Difference | None:
        """Return the comparison of two rows."""


def sorted_rows(rows: Iterable[Row], metric: str) -> tuple[Row, ...]:
    """Return rows by a metric, highest first."""
    return tuple(sorted(rows, key=lambda row: (-row.cells[metric].value, row.label)))
