"""A study as rows of a results table, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from statistics import fmean
from typing import TYPE_CHECKING, Any

from reverie.contrast.summary import summarise

if TYPE_CHECKING:
    from reverie.contrast.study import StudiedRow, Study
    from reverie.evaluation import Effect

MORE = ("options",)
"""Columns after the fixed ones of a results table."""


def study_rows(study: Study) -> list[dict[str, Any]]:
    """Return the test metrics of a study as rows of a results table."""
    common = {
        "recipe": study.recipe.name,
        "dataset": study.dataset,
        "dataset_sha256": study.sha256,
        "protocol": study.protocol,
        "slice": "all",
        "seen": "",
    }
    return [
        common
        | {
            "fit_on": "" if isinstance(row.what, str) else "unlabelled",
            "model": row.name,
            "seed": run.seed,
            "metric": metric,
            **{key: getattr(measure, key) for key in ("value", "low", "high", "interval", "n")},
            "best_epoch": outcome.epoch,
            "seconds": run.seconds,
            "peak_mb": run.peak_mb,
            "commit": run.commit,
            "trials": row.trials,
            "options": json.dumps(_options(row), separators=(",", ":"), ensure_ascii=False),
        }
        for row in study.rows
        for run, outcome in zip(row.runs, row.outcomes, strict=True)
        for metric, measure in outcome.metrics.items()
    ]


def study_json(study: Study) -> dict[str, Any]:
    """Return all that a study found as plain values."""
    summary = summarise(study)
    rows = [
        {
            "row": row.name,
            "options": _options(row),
            "trials": row.trials,
            "tried": [{"options": one.loss.model_dump(mode="json"), "selection": one.selection} for one in row.tried],
            "mean": said.mean,
            "std": said.std,
            "metrics": {
                metric: {
                    "mean": fmean(one.metrics[metric].value for one in row.outcomes),
                    "seeds": [asdict(one.metrics[metric]) for one in row.outcomes],
                }
                for metric in row.outcomes[0].metrics
            },
            "difference": said.difference and _difference_json(said.difference),
            "seconds": sum(run.seconds for run in row.runs),
        }
        for row, said in zip(study.rows, summary.rows, strict=True)
    ]
    return {
        "study": study.recipe.name,
        "dataset": study.dataset,
        "dataset_sha256": study.sha256,
        "protocol": study.protocol,
        "metric": summary.metric,
        "against": summary.against,
        "seeds": study.recipe.seeds,
        "tuning_seeds": list(study.recipe.tuning_seeds),
        "rows": rows,
        "notes": list(summary.notes),
    }


def _difference_json(effect: Effect) -> dict[str, Any]:
    keys = ("low", "high", "p", "p_holm", "detectable", "n", "interval", "test", "shown")
    return {"difference": effect.value} | {key: getattr(effect, key) for key in keys}


def _options(row: StudiedRow) -> dict[str, Any]:
    return {"baseline": row.what} if isinstance(row.what, str) else row.what.model_dump(mode="json")
