"""Results tables: one value a row, fixed first columns, appended and never edited."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.evaluation import with_history
from reverie.files import append_csv, locked
from reverie.models.shelf import MODELS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reverie.training.run import Run

COLUMNS = (
    "recipe", "dataset", "dataset_sha256", "protocol", "slice", "seen", "fit_on", "model", "seed", "metric",
    "value", "low", "high", "interval", "n", "best_epoch", "seconds", "peak_mb", "commit", "trials",
)  # fmt: skip
METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20", "mrr@10")
"""What `--results` writes of a run."""
_IDENTITY = (
    "recipe", "dataset_sha256", "protocol", "slice", "seen", "fit_on", "model", "seed", "metric", "value", "commit",
)  # fmt: skip


def result_rows(run: Run, metrics: Sequence[str] = METRICS) -> list[dict[str, Any]]:
    """Return the test metrics of a run as rows of a results table."""
    common = {
        "recipe": run.recipe.name,
        "dataset": run.facts["dataset"],
        "dataset_sha256": run.facts["dataset_sha256"],
        "protocol": run.facts["protocol"],
        "slice": "all",
        "seen": run.test.seen,
        "fit_on": run.recipe.training.on,
        "model": run.recipe.model_name,
        "seed": run.recipe.training.seed,
        "best_epoch": run.fitted.best_epoch,
        "seconds": run.fitted.seconds,
        "peak_mb": run.fitted.peak_mb,
        "commit": run.facts["commit"],
        "trials": tried_settings(run),
    }
    measured = run.test.metrics(metrics).select("metric", "value", "low", "high", "interval", "n")
    rows = [common | row for row in measured.to_dicts()]
    if run.test.ranks["length"].min() == 0:
        asked = with_history(run.test).metrics(metrics).select("metric", "value", "low", "high", "interval", "n")
        rows += [common | {"slice": "history:some"} | row for row in asked.to_dicts()]
    return rows


def tried_settings(run: Run) -> int:
    """Return how many settings were tried on validation for a run: before its recipe was chosen, times by the model itself."""
    if not run.fitted.chosen:
        return run.recipe.trials
    config = MODELS.config(run.recipe.model_name)(**run.recipe.model_options)
    own = getattr(config, "trials", 0) or len(getattr(config, "grid", ()))
    return run.recipe.trials * max(1, int(own))


def append_results(path: str | Path, rows: list[dict[str, Any]], more: Sequence[str] = ()) -> None:
    """Append rows to a results table, but for those that are there already: the same value of the same run of the same commit."""
    with locked(path):
        there: set[tuple[str, ...]] = set()
        if Path(path).exists():
            with Path(path).open(encoding="utf-8", newline="") as handle:
                there = {_identity(row, more) for row in csv.DictReader(handle)}
        append_csv(path, (*COLUMNS, *more), [row for row in rows if _identity(row, more) not in there])


def _identity(row: Mapping[str, Any], more: Sequence[str]) -> tuple[str, ...]:
    """Return what a row says of which run, as the table writes it."""
    cells = (row.get(column) for column in (*_IDENTITY, *more))
    return tuple(f"{cell:.6g}" if isinstance(cell, float) else str("" if cell is None else cell) for cell in cells)
