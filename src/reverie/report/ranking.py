"""Finished runs as a leaderboard: the seeds of one recipe become one row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reverie.errors import ConfigError
from reverie.evaluation import Evaluation, parse, pooled
from reverie.evaluation.metrics import ASKED, LABELLED, OWN, RANKED
from reverie.report.board import Leaderboard
from reverie.report.cells import METRICS, ORDER, cells, paired_differences
from reverie.report.row import Row, sorted_rows

if TYPE_CHECKING:
    from reverie.training.run import Run
    from reverie.training.trial import Trial


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
    asked = (name for run in runs for name in run.recipe.evaluation.metrics)
    return rank(group_runs(runs), [*metrics, *asked])


def rank(
    groups: Mapping[str, Sequence[Run | Trial]], metrics: Sequence[str] = METRICS, left_out: Mapping[str, str] | None = None
) -> Leaderboard:
    """Rank what was measured; each group, by its label, is one row."""
    runs = [run for group in groups.values() for run in group]
    facts = _shared(runs)
    names = tuple(n for n in dict.fromkeys((*metrics, ORDER)) if all(_answers(run.test, n) for run in runs))
    rows = [Row(label, tuple(group), cells(pooled([run.test for run in group], names))) for label, group in groups.items()]
    ordered = sorted_rows(rows, ORDER)
    pairs = paired_differences({row.label: row.tests for row in ordered}, ORDER)
    return Leaderboard(*facts, metrics=names, rows=ordered, pairs=pairs, left_out=left_out or {})


def _shared(runs: Sequence[Run | Trial]) -> tuple[str, str, str, str]:
    first = runs[0]
    for other in runs[1:]:
        for (what, a), b in zip(_identity(first).items(), _identity(other).values(), strict=True):
            if a != b:
                raise ConfigError(f"{first.where} and {other.where} differ in their {what} ({a}; {b}); compare runs that share it")
    return str(first.facts["dataset"]), str(first.facts["dataset_sha256"]), str(first.facts["protocol"]), first.test.seen


def _identity(run: Run | Trial) -> dict[str, str]:
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
