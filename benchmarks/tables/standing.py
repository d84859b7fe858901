"""From the long results table to one standing per row, dataset, part fitted on and slice, over its seeds."""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reverie.errors import DataError
from reverie.models.shelf import MODELS
from reverie.training.recipe import Suite, cell_name

REFIT = "train+valid"
"""`fit_on` of the rows that were fitted again."""


@dataclass(frozen=True)
class Value:
    """A metric over seeds.

    Parameters
    ----------
    mean : float
        Of the seeds.
    low, high : float
        The lowest and the highest seed; where there is one seed, or all agree, the interval over users.
    user_low, user_high : float
        Mean ends of the intervals over users.
    """

    mean: float
    low: float
    high: float
    user_low: float
    user_high: float


@dataclass
class Run:
    """What the table says of one run.

    Parameters
    ----------
    facts : dict of str to str
        The columns that all its lines share, from its last line.
    metrics : dict of str to (float, float, float)
        Value, low and high.
    """

    facts: dict[str, str]
    metrics: dict[str, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Standing:
    """One row on one dataset.

    Parameters
    ----------
    row, dataset : str
        Members of the suite.
    runs : tuple of Run
        One for each seed, in the order of seeds.
    """

    row: str
    dataset: str
    runs: tuple[Run, ...]

    def value(self, metric: str) -> Value | None:
        """Return a metric over the seeds, None where a seed lacks it."""
        found = [run.metrics[metric] for run in self.runs if metric in run.metrics]
        if len(found) < len(self.runs):
            return None
        means, lows, highs = ([one[place] for one in found] for place in range(3))
        mean, low, high = (statistics.fmean(part) for part in (means, lows, highs))
        several = min(means) < max(means)
        return Value(mean, min(means) if several else low, max(means) if several else high, low, high)

    def average(self, column: str) -> float:
        """Return the mean of a column of costs over the seeds."""
        return statistics.fmean(float(run.facts[column]) for run in self.runs)

    def several(self, column: str) -> str:
        """Return the different values of a column over the seeds, in their order."""
        return ", ".join(dict.fromkeys(run.facts.get(column) or "" for run in self.runs))

    @property
    def counts(self) -> bool:
        """Whether the model is fitted by counting."""
        return "counts" in MODELS[self.runs[0].facts["model"]].tags


Standings = dict[tuple[str, str, str, str], Standing]
"""By dataset, row, part fitted on, and slice."""


def read_standings(path: Path, suite: Suite) -> Standings:
    """Read the rows of a suite; of several runs of one recipe, part and seed the newest counts, the last in the file.

    Runs on another copy of a dataset than its newest run are left out: two copies cannot stand in one table.

    Parameters
    ----------
    path : Path
        A results table; one that does not exist has no rows.
    suite : Suite
        Which recipes to look for.

    Returns
    -------
    dict
        See `Standings`.

    Raises
    ------
    DataError
        If a line cannot be read.
    """
    cells = {cell_name(row, dataset): (row, dataset) for dataset in suite.datasets for row in suite.rows}
    runs: dict[tuple[str, ...], Run] = {}
    copies: dict[str, str] = {}
    for number, line in enumerate(_lines(path), start=2):
        cell = cells.get(line["recipe"].removesuffix("+valid"))
        if cell is None:
            continue
        row, dataset = cell
        copies[dataset] = line["dataset_sha256"]
        key = (dataset, row, line["fit_on"], line["slice"], line["seed"])
        if key not in runs or any(runs[key].facts[name] != line[name] for name in ("commit", "dataset_sha256")):
            runs.pop(key, None)
            runs[key] = Run({})
        runs[key].facts = line
        try:
            value, low, high = (float(line[name]) for name in ("value", "low", "high"))
            float(line["seconds"]), float(line["peak_mb"])
        except ValueError:
            raise DataError(f"{path}, line {number}: a number is missing or is none; restore the table") from None
        runs[key].metrics[line["metric"]] = (value, low, high)
    grouped: dict[tuple[str, str, str, str], list[Run]] = {}
    for (dataset, row, fit_on, part, _), run in sorted(runs.items(), key=lambda pair: int(pair[0][-1])):
        if run.facts["dataset_sha256"] == copies[dataset]:
            grouped.setdefault((dataset, row, fit_on, part), []).append(run)
    return {key: Standing(key[1], key[0], tuple(found)) for key, found in grouped.items()}


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def ranked(standings: Standings, dataset: str, metric: str, fit_on: str = "train", part: str = "all") -> list[Standing]:
    """Return the standings on a dataset, the highest seed-mean first.

    Parameters
    ----------
    standings : dict
        From `read_standings`.
    dataset, metric, fit_on, part : str
        Which.

    Returns
    -------
    list of Standing
        Those that have the metric.
    """
    found = [s for (where, _, on, piece), s in standings.items() if (where, on, piece) == (dataset, fit_on, part)]
    valued = [(value.mean, s) for s in found if (value := s.value(metric)) is not None]
    return [s for _, s in sorted(valued, key=lambda pair: (-pair[0], pair[1].row))]


def highest(standings: Sequence[Standing], wanted: Callable[[Standing], bool] = lambda _: True) -> Standing | None:
    """Return the first that is wanted.

    Parameters
    ----------
    standings : sequence of Standing
        From `ranked`.
    wanted : callable
        Which may be chosen.

    Returns
    -------
    Standing or None
        None where there is none.
    """
    return next((standing for standing in standings if wanted(standing)), None)
