"""A run as rows of a results table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.evaluation import with_history
from reverie.models.shelf import MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.training.run import Run

METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20", "mrr@10")
"""What `--results` writes of a run."""


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
