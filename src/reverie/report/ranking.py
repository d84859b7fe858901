"""The leaderboard: runs of one dataset and protocol, ranked, with who differs from whom."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from reverie.errors import ConfigError
from reverie.evaluation import Evaluation, holm, paired_test, parse, pooled
from reverie.evaluation.effects import SIGNIFICANT, at_floor
from reverie.evaluation.metrics import ASKED, LABELLED, OWN, RANKED

if TYPE_CHECKING:
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
        content = run.recipe.model_dump_json(exclude={"name": True, "description": True, "training": {"seed"}})
        same = groups.setdefault(content, {})
        seed = run.recipe.training.seed
        if seed in same:
            where = f"{same[seed].folder} and {run.folder}"
            raise ConfigError(f"{where} are runs of one recipe with the same seed; leave one of them out")
        same[seed] = run
    members = [tuple(group[seed] for seed in sorted(group)) for group in groups.values()]
    return dict(zip(_labels([group[0] for group in members]), members, strict=True))


def _labels(runs: Sequence[Run]) -> list[str]:
    """Names from the shortest that tells the runs apart to the longest."""
    refit = [" (refit)" if run.recipe.training.on == "train+valid" else "" for run in runs]
    labels = [run.recipe.model_name + end for run, end in zip(runs, refit, strict=True)]
    for longer in ([run.recipe.name + end for run, end in zip(runs, refit, strict=True)], [run.folder.name for run in runs]):
        count = Counter(labels)
        labels = [other if count[label] > 1 else label for label, other in zip(labels, longer, strict=True)]
    count = Counter(labels)
    return [f"{label} #{i + 1}" if count[label] > 1 else label for i, label in enumerate(labels)]


ORDER = "ndcg@10"
"""The metric that rows are sorted by and paired in."""
METRICS = ("recall@10", "ndcg@10", "mrr@10", "coverage@10", "popularity@10")
"""Shown by default, where an evaluation can answer them."""


@dataclass(frozen=True)
class Difference:
    """A paired comparison of two rows in `ORDER`.

    Parameters
    ----------
    first, other : str
        Labels; `first` stands higher on the board.
    difference, low, high : float
        first - other, with its 95 % interval.
    p, p_holm : float
        Two-sided p-value, and the same corrected for all pairs of the board (Holm).
    test : str
        How p was computed.
    detectable : float
        Smallest true difference that the uncorrected test finds with power 80 %.
    """

    first: str
    other: str
    difference: float
    low: float
    high: float
    p: float
    p_holm: float
    test: str
    detectable: float

    @property
    def shown(self) -> bool:
        """Whether the two rows differ beyond chance: corrected p below 5 %."""
        return self.p_holm < SIGNIFICANT

    @property
    def at_floor(self) -> bool:
        """Whether p is the smallest that the draws of its test can give."""
        return at_floor(self.p, self.test)


@dataclass(frozen=True)
class Leaderboard:
    """Rows in order, best first.

    Parameters
    ----------
    dataset, sha256, protocol, seen : str
        What all rows share.
    metrics : tuple of str
        Those that every row has.
    rows : tuple of Row
        Sorted by `ORDER`, highest first.
    pairs : tuple of Difference
        Every pair of rows.
    """

    dataset: str
    sha256: str
    protocol: str
    seen: str
    metrics: tuple[str, ...]
    rows: tuple[Row, ...]
    pairs: tuple[Difference, ...]

    @property
    def best(self) -> Row:
        """The first row."""
        return self.rows[0]

    @property
    def differs(self) -> tuple[Difference, ...]:
        """The best row against each other row, in the order of the rows.

        Which row is best was seen on the same test, so the p-values are those corrected for all pairs.
        """
        return tuple(pair for pair in self.pairs if pair.first == self.best.label)

    @property
    def detectable(self) -> float | None:
        """Smallest true difference from the best row that every one of these tests finds with power 80 %; None for one row."""
        return max((pair.detectable for pair in self.differs), default=None)

    def pair(self, one: str, two: str) -> Difference | None:
        """Return the comparison of two rows.

        Parameters
        ----------
        one, two : str
            Labels, in any order.

        Returns
        -------
        Difference or None
            None for a row with itself.
        """
        return next((pair for pair in self.pairs if {pair.first, pair.other} == {one, two}), None)

    def to_json(self) -> dict[str, Any]:
        """Return the board as plain values.

        Returns
        -------
        dict
            With ``rows``, ``pairs`` and ``differs``; a number that is not finite is None.
        """
        rows = [
            {
                "model": row.model, "label": row.label, "recipe": row.runs[0].recipe.name, "baseline": row.baseline,
                "fit_on": row.fit_on, "seeds": list(row.seeds), "metrics": {name: asdict(cell) for name, cell in row.cells.items()},
                "best_epochs": list(row.best_epochs), "chosen": list(row.chosen), "seconds": row.seconds, "peak_mb": row.peak_mb,
                "processor_seconds": [run.fitted.processor_seconds for run in row.runs],
                "load": [run.fitted.load for run in row.runs],
            }
            for row in self.rows
        ]  # fmt: skip
        facts: dict[str, Any] = {"dataset": self.dataset, "dataset_sha256": self.sha256, "protocol": self.protocol}
        facts |= {"seen": self.seen, "repeats": self.best.runs[0].test.repeats}
        both = {name: [asdict(pair) for pair in pairs] for name, pairs in (("differs", self.differs), ("pairs", self.pairs))}
        plain: dict[str, Any] = _finite(facts | {"order": ORDER, "rows": rows, "detectable": self.detectable} | both)
        return plain


def leaderboard(runs: Sequence[Run], metrics: Sequence[str] = METRICS) -> Leaderboard:
    """Rank finished runs and compare every two of them.

    Parameters
    ----------
    runs : sequence of Run
        Of one dataset, protocol and rule for seen items; the seeds of one recipe become one row.
    metrics : sequence of str
        What to show beside the recipes' own; metrics that need lists, popularity or labels that some run has not kept are left out.

    Returns
    -------
    Leaderboard
        Sorted by NDCG@10 on test, with intervals over clusters, or over seeds × clusters where a row has several seeds.

    Raises
    ------
    ConfigError
        If there are no runs, they differ in dataset, protocol or seen rule, or a metric is unknown.
    DataError
        If they were evaluated on different queries.
    """
    if not runs:
        raise ConfigError("there are no runs to compare; give at least one finished run")
    facts = _shared(runs)
    wanted = dict.fromkeys((*metrics, *(name for run in runs for name in run.recipe.evaluation.metrics), ORDER))
    names = tuple(n for n in wanted if all(_answers(run.test, n) for run in runs))
    rows = [Row(label, group, cells(pooled([run.test for run in group], names))) for label, group in group_runs(runs).items()]
    rows.sort(key=lambda row: (-row.cells[ORDER].value, row.label))
    pairs = paired_differences({row.label: row.tests for row in rows}, ORDER)
    return Leaderboard(*facts, metrics=names, rows=tuple(rows), pairs=pairs)


def _shared(runs: Sequence[Run]) -> tuple[str, str, str, str]:
    first = runs[0]
    for other in runs[1:]:
        for (what, a), b in zip(_identity(first).items(), _identity(other).values(), strict=True):
            if a != b:
                where = f"{first.folder} and {other.folder}"
                raise ConfigError(f"{where} differ in their {what} ({a}; {b}); compare runs that share it")
    return str(first.facts["dataset"]), str(first.facts["dataset_sha256"]), str(first.facts["protocol"]), first.test.seen


def _identity(run: Run) -> dict[str, str]:
    facts = run.facts
    dataset = f"{facts['dataset']}, sha256 {facts['dataset_sha256'][:12]}…"
    return {"dataset": dataset, "protocol": facts["protocol"], "rule for seen items": run.test.seen}


def _answers(evaluation: Evaluation, name: str) -> bool:
    metric = parse(name)
    if metric.name in RANKED:
        return True
    if metric.name in LABELLED:
        return evaluation.scored is not None
    if metric.name in (*ASKED, *OWN):
        kept = evaluation.measured is not None and str(metric) in evaluation.measured.columns
        return kept or (metric.name in OWN and evaluation.top >= metric.k)
    return evaluation.top >= metric.k and (metric.name in ("coverage", "gini") or evaluation.train_events is not None)


def paired_differences(systems: Mapping[str, Sequence[Evaluation]], metric: str) -> tuple[Difference, ...]:
    """Compare every two systems on the same queries; Holm's correction runs over all pairs."""
    found = [(a, b, paired_test(systems[a], systems[b], [metric]).row(0, named=True)) for a, b in combinations(systems, 2)]
    corrected = holm(np.array([row["p"] for *_, row in found], dtype=np.float64))
    keys, pairs = ("difference", "low", "high", "p", "test", "detectable"), zip(found, corrected, strict=True)
    return tuple(Difference(a, b, p_holm=float(p), **{key: row[key] for key in keys}) for (a, b, row), p in pairs)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
