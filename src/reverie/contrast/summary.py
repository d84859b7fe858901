"""A study in its main metric: rows, settings in words, notes, and tables for a terminal, for pages, and as Markdown."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from reverie.contrast.task import MeasuredRow, MeasuredStudy
from reverie.evaluation import Effect
from reverie.evaluation.intervals import paired_by_seed_with
from reverie.objectives.config import ContrastiveConfig
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import ended, listed, number, options, p_value, span
from reverie.study.environment import tell_commits


def setting_words(what: ContrastiveConfig | str) -> str:
    """Return the options that were given to a loss."""
    if isinstance(what, str):
        return ""
    return options(_flat(what.model_dump(mode="json", exclude_unset=True, exclude={"kind"})))


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= _flat(value, f"{above}{key}.") if isinstance(value, Mapping) else {above + key: value}
    return found


@dataclass(frozen=True)
class RowSummary:
    """A row in one metric."""

    name: str
    baseline: bool
    setting: str
    trials: int
    values: tuple[float, ...]
    spread: str
    difference: Effect | None

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return fmean(self.values)

    @property
    def std(self) -> float | None:
        """Standard deviation over seeds; None with one."""
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Summary:
    """A study in one metric."""

    title: str
    metric: str
    against: str
    rows: tuple[RowSummary, ...]
    notes: tuple[str, ...]


def summarise(study: MeasuredStudy) -> Summary:
    """Return what a study says of its main metric."""
    metric, against = next(iter(study.rows[0].outcomes[0].metrics)), study.recipe.against
    values = {row.name: tuple(one.metrics[metric].value for one in row.outcomes) for row in study.rows}
    found = paired_by_seed_with(values, against) if against in values else {}
    rows = tuple(
        RowSummary(
            row.name, isinstance(row.what, str), setting_words(row.what), row.trials, values[row.name], _spread(row, metric),
            found.get(row.name),
        )
        for row in study.rows
    )  # fmt: skip
    seeds = f"{study.recipe.seeds} {'seed' if study.recipe.seeds == 1 else 'seeds'}"
    title = f"{study.recipe.name} · {study.dataset} · {study.protocol} · {seeds} · {metric}"
    return Summary(title, metric, against, rows, tuple(_notes(study, rows)))


def _spread(row: MeasuredRow, metric: str) -> str:
    measures = [outcome.metrics[metric] for outcome in row.outcomes]
    spreads = [one.spread for one in measures if one.spread is not None]
    if spreads:
        return f"± {number(fmean(spreads), 3)} {measures[0].interval or 'folds'}"
    ends = [(one.low, one.high) for one in measures if one.low is not None and one.high is not None]
    if not ends:
        return ""
    return f"± {number(fmean((high - low) / 2 for low, high in ends), 3)} {measures[0].interval}".strip()


def _ends(study: MeasuredStudy) -> dict[str, list[str]]:
    """Return by row the options whose chosen value is the least or the greatest that was tried."""
    found: dict[str, list[str]] = {}
    for row in study.rows:
        grid = study.recipe.rows[row.name].grid
        if isinstance(row.what, str) or not grid:
            continue
        chosen = row.what.model_dump()
        for option in dict.fromkeys(name for setting in grid for name in setting):
            tried = {setting[option] for setting in grid if isinstance(setting.get(option), int | float)}
            if len(tried) > 2 and chosen.get(option) in (min(tried), max(tried)):
                found.setdefault(row.name, []).append(f"{option} {number(chosen[option])}")
    return found


def _notes(study: MeasuredStudy, rows: tuple[RowSummary, ...]) -> list[str]:
    against, n = study.recipe.against, study.recipe.seeds
    several = f"standard deviation over {n} seeds" if n > 1 else "one seed, so nothing is said about the luck of seeds"
    notes = [f"Mean, {several}; beside it what one seed's test folds or examples add. Rows stand in the order of the recipe."]
    tested = [row.difference for row in rows if row.difference is not None and row.difference.p is not None]
    if not any(row.name == against for row in rows):
        notes.append(f"Nothing is compared: the row '{against}' was not run.")
    elif tested:
        reach = [one.detectable for one in tested if one.detectable is not None]
        notes.append(
            f"Differences: row minus {against}, paired by seed, 95 % t-interval, p of the paired t-test corrected for "
            f"{len(tested)} rows (Holm). {n} seeds are few: p is weak evidence either way, and speaks of the luck of weights, "
            "views and folds on this data, not of other data."
        )
        ends = number(min(reach)) if math.isclose(min(reach), max(reach)) else f"{number(min(reach))} to {number(max(reach))}"
        notes.append(
            f"True differences below {ends}, by row, would have been missed more than one time in five (one uncorrected test)."
        )
    same = [row.name for row in rows if row.difference is not None and row.difference.p is None and row.difference.n > 1]
    if same:
        notes.append(f"Every seed gave the same difference for {listed(same)}, so there is no interval.")
    budgets = {row.name: row.trials for row in rows if row.trials > 1}
    if len(set(budgets.values())) > 1:
        told = ", ".join(f"{name} {trials}" for name, trials in budgets.items())
        notes.append(f"Budgets differ among tuned rows ({told}); the comparison favours the larger one.")
    edges = [f"{name} ({', '.join(options)})" for name, options in _ends(study).items()]
    if edges:
        notes.append(f"Chosen at an end of its grid, so a better value may lie beyond: {listed(edges)}.")
    if budgets and any(row.trials == 1 and not row.baseline for row in rows):
        notes.append("Rows with 1 trial stand at settings given in the recipe; beside a tuned row they are at a disadvantage.")
    notes += tell_commits(run.commit for row in study.rows for run in row.runs)
    return notes


TABLE_WIDTH = 100
"""Widest table on a terminal, in characters."""


def study_table(summary: Summary) -> Table:
    """Return a study in its main metric."""
    columns = [
        Column("row", width=(18, 38)), Column(summary.metric, "right", wrap=False), Column("one seed", wrap=False),
        Column("trials", "right", wrap=False), Column(f"minus {summary.against}", wrap=False),
    ]  # fmt: skip
    rows = [
        [
            TableCell(row.name, "baseline" if row.baseline else row.setting),
            TableCell(number(row.mean), "" if row.std is None else f"± {number(row.std)}", value=row.mean),
            TableCell(row.spread),
            TableCell(_trials(row)),
            _difference(row),
        ]
        for row in summary.rows
    ]
    return Table(summary.title, columns, rows, summary.notes)


def study_markdown(study: MeasuredStudy) -> str:
    """Return a study as Markdown: a sentence, a table, notes."""
    summary = summarise(study)
    columns = [
        *(Column("row"), Column("options"), Column("trials", "right"), Column(summary.metric, "right"), Column("one seed")),
        *(Column(f"minus {summary.against}", "right"), Column("95 % interval"), Column("verdict")),
    ]
    rows = []
    for row in summary.rows:
        value = number(row.mean) + (f" ± {number(row.std)}" if row.std is not None else "")
        said = _difference(row)
        difference = TableCell(said.text, emphasis=said.emphasis)
        texts = (row.name, "baseline" if row.baseline else row.setting, _trials(row), value, row.spread)
        rows.append([*map(TableCell, texts), difference, TableCell(said.aside), TableCell(said.note)])
    title = f"{summary.title}. Data SHA-256 `{study.sha256[:12]}…`."
    description = study.recipe.description
    parts = [ended(description)] if description else []
    parts += [Table(title, columns, rows, summary.notes).to_markdown()]
    parts += [table.to_markdown() for table in metrics_tables(study)]
    return "\n\n".join(parts) + "\n"


def metrics_tables(study: MeasuredStudy) -> list[Table]:
    """Return a table of the means of all metrics, where there are several."""
    metrics, against = list(study.rows[0].outcomes[0].metrics), study.recipe.against
    if len(metrics) == 1:
        return []
    columns: dict[str, list[TableCell]] = {}
    for metric in metrics:
        values = {row.name: tuple(one.metrics[metric].value for one in row.outcomes) for row in study.rows}
        found = paired_by_seed_with(values, against) if against in values else {}
        shown = {name for name, difference in found.items() if difference.shown}
        columns[metric] = [
            TableCell(number(fmean(of)), value=fmean(of), emphasis="bold" if name in shown else "none")
            for name, of in values.items()
        ]
    title = f"All metrics, mean over seeds; bold where it differs from {against}, p by Holm over the rows of that metric below 5 %."
    rows = [[TableCell(row.name), *cells] for row, cells in zip(study.rows, zip(*columns.values(), strict=True), strict=True)]
    return [Table(title, [Column("row"), *(Column(metric, "right") for metric in metrics)], rows)]


def _trials(row: RowSummary) -> str:
    return "–" if row.baseline else str(row.trials)


def _difference(row: RowSummary) -> TableCell:
    """Return a row's mean difference, its interval beside it, and what may be said of it."""
    found = row.difference
    if found is None:
        return TableCell("")
    verdict = ""
    if found.p_holm is not None:
        word = ("higher" if found.value > 0 else "lower") if found.shown else "not shown"
        verdict = f"{word}, {p_value(found.p_holm)}"
    said = number(round(found.value, 4) + 0.0)
    return TableCell(said, verdict, span(found.low, found.high, 4), found.value, emphasis="bold" if found.shown else "none")
