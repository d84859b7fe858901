"""Results tables: one value a row, fixed first columns, appended and never edited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.evaluation import with_history
from reverie.files import append_csv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reverie.training.run import Run

COLUMNS = (
    "recipe", "dataset", "dataset_sha256", "protocol", "slice", "seen", "fit_on", "model", "seed", "metric",
    "value", "low", "high", "interval", "n", "best_epoch", "seconds", "peak_mb", "commit",
)  # fmt: skip


def result_rows(run: Run, metrics: Sequence[str]) -> list[dict[str, Any]]:
    """Return the test metrics of a run as rows of a results table.

    Parameters
    ----------
    run : Run
        Finished.
    metrics : sequence of str
        Names such as ``"recall@10"``.

    Returns
    -------
    list of dict
        One per metric, with the columns of `COLUMNS`; where some histories are empty, a second one per metric over the queries
        that have a history (slice ``history:some``).
    """
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
    }
    measured = run.test.metrics(metrics).select("metric", "value", "low", "high", "interval", "n")
    rows = [common | row for row in measured.to_dicts()]
    if run.test.ranks["length"].min() == 0:
        asked = with_history(run.test).metrics(metrics).select("metric", "value", "low", "high", "interval", "n")
        rows += [common | {"slice": "history:some"} | row for row in asked.to_dicts()]
    return rows


def append_results(path: str | Path, rows: list[dict[str, Any]]) -> None:
    """Append rows to a results table.

    Parameters
    ----------
    path : path
        A CSV file, made where it is missing.
    rows : list of dict
        From `result_rows`.
    """
    append_csv(path, COLUMNS, rows)
