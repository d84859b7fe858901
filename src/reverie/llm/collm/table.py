"""The table of a CoLLM study: metrics, differences, calibration; its page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors as cs

from reverie.data.queries import Queries
from reverie.data.split import Split
from reverie.errors import DataError
from reverie.evaluation import paired_test
from reverie.llm.collm.pairs import Calibrated, calibrations, is_warm, scored_evaluation
from reverie.llm.collm.recipe import CoLLMRecipe
from reverie.report.page import Section, Tiles, write_page
from reverie.report.table import Column, Table, TableCell
from reverie.report.words import number
from reverie.study.rows import common_columns

Scores = dict[str, "NDArray[np.float64]"]
"""By row of the table, one score per query [Q]."""


@dataclass(frozen=True)
class MeasuredCoLLM:
    """A finished study."""

    folder: Path
    recipe: CoLLMRecipe
    split: Split
    train: pl.DataFrame
    valid: Queries
    test: Queries
    valid_scores: Scores
    test_scores: Scores
    facts: dict[str, Any]


METRICS = ("auc", "uauc", "undcg")
AGAINST = ("bias", "read", "text-only", "ensemble", "collm-shuffled")
"""Rows that CoLLM is compared with in pairs."""
INFORMED = "bias-prequential"
"""Knows earlier labels of held-out rows, liked or not; CoLLM sees earlier liked items only."""
INFORMED_NOTE = f"{INFORMED} also knows which earlier held-out rows were not liked; no other row does"


@dataclass(frozen=True)
class StudyTable:
    """What a study found."""

    metrics: pl.DataFrame
    differences: pl.DataFrame
    calibration: dict[str, list[Calibrated]]
    counts: dict[str, tuple[int, int]]


def study_table(study: MeasuredCoLLM) -> StudyTable:
    """Measure every row."""
    warm = is_warm(study.test.users, study.test.targets, study.train)
    masks = {"all": np.ones(len(warm), dtype=bool), "warm": warm, "cold": ~warm}
    metrics, differences, counts = [], [], {}
    resamples = study.recipe.resamples
    for name, mask in masks.items():
        at = np.flatnonzero(mask)
        queries = study.test.take(at)
        counts[name] = (len(at), len(np.unique(queries.users)))
        labels = queries.labels
        if labels is None or not 0 < labels.sum() < len(labels):
            continue  # one class, or nobody
        measured = {row: scored_evaluation(queries, scores[at], row) for row, scores in study.test_scores.items()}
        for row, evaluation in measured.items():
            frame = evaluation.metrics(METRICS, resamples)
            metrics.append(frame.select(pl.lit(row).alias("row"), pl.lit(name).alias("slice"), pl.all()))
        defined = [metric for metric in METRICS if np.isfinite(next(iter(measured.values())).value(metric))]
        for other in AGAINST:
            if other in measured and "collm" in measured:
                tested = paired_test(measured["collm"], measured[other], defined, resamples=resamples)
                kept = tested.select("metric", "difference", "low", "high", "p", "n", "test")
                differences.append(kept.select(pl.lit(name).alias("slice"), pl.lit(other).alias("against"), pl.all()))
    if not metrics:
        raise DataError("the drawn test rows hold one label only; draw more of them with rows.test")
    paired = pl.concat(differences) if differences else pl.DataFrame()
    known = [np.asarray(queries.labels, dtype=np.float64) for queries in (study.valid, study.test)]
    calibrated: dict[str, list[Calibrated]] = {
        row: calibrations((study.valid_scores[row], known[0]), (study.test_scores[row], known[1]))
        for row in ("bias", "read", "text-only", "collm")
        if row in study.test_scores
    }
    return StudyTable(pl.concat(metrics), paired, calibrated, counts)


def result_rows(study: MeasuredCoLLM, table: StudyTable) -> list[dict[str, Any]]:
    """Return a study as rows of a results table."""
    recipe, drawn = study.recipe, study.recipe.rows
    asked = f"train={drawn.train or 'all'},valid={len(study.valid)},test={len(study.test)},per_user={drawn.per_user or 'all'}"
    own = {"protocol": f"{study.split.protocol}[{asked},seed={drawn.seed}]", "seen": "keep", "task": "preference", "decoding": ""}
    common = common_columns(recipe.name, study.split, **own, seed=recipe.ids_training.seed, commit=study.facts["commit"])
    rows = []
    for one in table.metrics.iter_rows(named=True):
        values = {key: one[key] for key in ("metric", "value", "low", "high", "interval", "n", "slice", "row")}
        rows.append(common | _about(study, one["row"]) | values)
    for row, found in table.calibration.items():
        for one_way in found:
            for metric, value in (("log_loss", one_way.log_loss), ("ece", one_way.ece)):
                named = {"metric": f"{metric}({one_way.how})", "value": value, "interval": "none", "n": len(study.test)}
                rows.append(common | _about(study, row) | {"slice": "all", "row": row} | named)
    return rows


def _about(study: MeasuredCoLLM, row: str) -> dict[str, Any]:
    """Say of a row which model it is, what it learned from, and what it took."""
    config, taught, steps = study.recipe.model, study.facts["recommenders"], study.facts["steps"]
    read = config.collaborative.name if config.collaborative is not None else ""
    models = {"collm": f"collm-{read}", "collm-shuffled": f"collm-{read}", "ensemble": f"text-only+{read}", "read": read}
    adapters = {"collm": config.ids, "collm-shuffled": config.ids, "text-only": "none", "ensemble": "none"}
    about: dict[str, Any] = {
        "model": models.get(row, "bias" if row.startswith("bias") else row.partition(":")[0]),
        "backbone": config.backbone.name if row in adapters else "",
        "adapter": adapters.get(row, ""),
        "fit_on": {"bias-refit": "train+valid", INFORMED: "earlier rows"}.get(row, "train"),
    }
    if row in taught:
        baseline = study.recipe.baselines.get(row)
        about["trials"] = study.recipe.collaborative_trials if baseline is None else baseline.trials
    step = {"collm": "ids", "collm-shuffled": "ids", "text-only": "text"}.get(row)
    cost = steps[step] if step else taught.get(row, {})
    return about | {key: cost[key] for key in ("best_epoch", "seconds") if key in cost}


def plain(study: MeasuredCoLLM, table: StudyTable) -> dict[str, Any]:
    """Return a study as plain values."""
    return {
        "recipe": study.recipe.name, "dataset": study.split.dataset, "dataset_sha256": study.split.sha256,
        "counts": {name: {"rows": rows, "users": users} for name, (rows, users) in table.counts.items()},
        "metrics": table.metrics.with_columns(cs.float().fill_nan(None)).to_dicts(),
        "differences": table.differences.with_columns(cs.float().fill_nan(None)).to_dicts(),
        "calibration": {row: [vars(one) for one in found] for row, found in table.calibration.items()}, "facts": study.facts,
    }  # fmt: skip


def metric_tables(study: MeasuredCoLLM, table: StudyTable) -> list[Table]:
    """Return the metrics of every row and, where CoLLM is among them, how far it is ahead of others."""
    return [_rows_table(study, table), *([] if table.differences.is_empty() else [_differences_table(table)])]


def table_and_sentences(study: MeasuredCoLLM, table: StudyTable) -> list[Table | str]:
    """Return what a terminal shows of a study."""
    rows, users = table.counts["all"]
    both = table.metrics.filter(row="bias", slice="all", metric="uauc")
    first = (
        f"{study.split.dataset}: {rows} test rows of {users} users; UAUC and NDCG over {both['n'][0]} users with both labels; "
        f"rows drawn with seed {study.recipe.rows.seed}"
    )
    informed = [INFORMED_NOTE] if INFORMED in study.test_scores else []
    calibrated = []
    for row, ways in table.calibration.items():
        said = ", ".join(f"{one.how} {one.log_loss:.4f} / {one.ece:.4f}" for one in ways)
        calibrated.append(f"log-loss / calibration error of {row}: {said}")
    return [first, *metric_tables(study, table), *informed, *calibrated]


def _rows_table(study: MeasuredCoLLM, table: StudyTable) -> Table:
    """Return the metrics of every row."""
    shown = {
        "AUC": ("all", "auc"), "UAUC": ("all", "uauc"), "NDCG of users": ("all", "undcg"), "warm AUC": ("warm", "auc"),
        "cold AUC": ("cold", "auc"),
    }  # fmt: skip
    found = {(one["row"], one["slice"], one["metric"]): one for one in table.metrics.iter_rows(named=True)}
    rows = [[TableCell(row), *(_cell(found.get((row, *where)), "value") for where in shown.values())] for row in study.test_scores]
    return Table("", ("row", *(Column(name, wrap=False) for name in shown)), rows)


def _differences_table(table: StudyTable) -> Table:
    """Return CoLLM less each row that it is compared with."""
    overall = table.differences.filter(pl.col("slice") == "all")
    found = {(one["against"], one["metric"]): one for one in overall.iter_rows(named=True)}
    rows = [
        [TableCell(other), *(_cell(found.get((other, metric)), "difference", "+") for metric in METRICS)]
        for other in overall["against"].unique(maintain_order=True)
    ]
    return Table("", ("CoLLM less", *(Column(name, wrap=False) for name in ("AUC", "UAUC", "NDCG of users"))), rows)


def _cell(one: dict[str, Any] | None, name: str, sign: str = "") -> TableCell:
    if one is None:
        return TableCell("–")
    value, low, high = one[name], one["low"], one["high"]
    interval = "" if low is None or not np.isfinite(low) else f"[{low:{sign}.4f}, {high:{sign}.4f}]"
    return TableCell(f"{value:{sign}.4f}", interval, value=value, low=low, high=high)


def write_report(study: MeasuredCoLLM, table: StudyTable, path: Path) -> Path:
    """Write the page."""
    split, names = study.split, {"all": "test rows", "warm": "warm test rows", "cold": "cold test rows"}
    tiles = Tiles([(f"{rows:,}", f"{names[part]} of {users:,} users") for part, (rows, users) in table.counts.items()])
    title = f"Titles and collaborative vectors on {split.dataset}"
    facts = (split.dataset, split.protocol, study.recipe.model.backbone.name)
    return write_page(path, title, sections(study, table), kind="CoLLM", name=study.recipe.name, facts=facts, opening=[tiles])


def sections(study: MeasuredCoLLM, table: StudyTable) -> list[Section]:
    """Return a study as sections of a page."""
    every = "Every row is measured on the same users, with 95\u00a0% intervals over users."
    heads = (
        ("rows", "Rows", every + (f" {INFORMED_NOTE}." if INFORMED in study.test_scores else "")),
        ("differences", "Differences", "CoLLM less each row, paired over users, with 95\u00a0% intervals."),
    )
    found = [Section(key, title, [one], note) for (key, title, note), one in zip(heads, metric_tables(study, table), strict=False)]
    rows = [(row, one.how, number(one.log_loss), number(one.ece)) for row, ways in table.calibration.items() for one in ways]
    columns = ("row", "probabilities", Column("log-loss", "right"), Column("calibration error", "right"))
    note = "As they are, after a temperature, and after an isotonic function, both fitted on validation."
    return [*found, Section("calibration", "Calibration", [Table("", columns, rows)], note)]
