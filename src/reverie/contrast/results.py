"""Trainings as rows of a results table and back, and a study as JSON."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import TypeAdapter

from reverie.contrast.recipe import ContrastRecipe, StudyRow
from reverie.contrast.summary import summarise
from reverie.contrast.task import Measure, MeasuredRow, MeasuredStudy, Outcome, Training
from reverie.evaluation import Effect
from reverie.evaluation.intervals import t_quantile
from reverie.objectives.config import ContrastiveConfig
from reverie.study.rows import read_rows

MORE = ("options",)
"""Columns after the fixed ones of a results table."""


def training_rows(
    study: MeasuredStudy, name: str, what: ContrastiveConfig | str, run: Training, trials: int
) -> list[dict[str, Any]]:
    """Return the test metrics of one training as rows of a results table."""
    if run.outcome is None:
        return []
    common = {
        "recipe": study.recipe.name, "dataset": study.dataset, "dataset_sha256": study.sha256, "protocol": study.protocol,
        "slice": "all", "seen": "", "fit_on": "" if isinstance(what, str) else "unlabelled", "model": name, "seed": run.seed,
        "best_epoch": run.outcome.epoch, "seconds": run.seconds, "peak_mb": run.peak_mb, "commit": run.commit, "trials": trials,
        "options": json.dumps(_options(what), separators=(",", ":"), ensure_ascii=False),
    }  # fmt: skip
    return [
        common | {"metric": metric} | {key: getattr(measure, key) for key in ("value", "low", "high", "interval", "n")}
        for metric, measure in run.outcome.metrics.items()
    ]


def training_from_rows(seed: int, rows: Sequence[Mapping[str, str]]) -> Training:
    """Return a training from its rows in a results table; its selection is not known."""
    first = rows[0]
    epoch = int(first["best_epoch"]) if first["best_epoch"] else None
    outcome = Outcome(math.nan, {row["metric"]: _measure(row) for row in rows}, epoch)
    return Training(seed, outcome, float(first["seconds"]), float(first["peak_mb"]), first["commit"])


def _measure(row: Mapping[str, str]) -> Measure:
    """Read a measurement; the deviation over k folds follows from their t-interval."""
    low, high = (float(row[end]) if row[end] else None for end in ("low", "high"))
    folds, spread = re.fullmatch(r"folds\((\d+)\)", row["interval"]), None
    if folds and low is not None and high is not None:
        k = int(folds[1])
        spread = (high - low) / 2 * math.sqrt(k) / t_quantile(k)
    return Measure(float(row["value"]), int(row["n"]), low, high, row["interval"], spread)


def study_json(study: MeasuredStudy) -> dict[str, Any]:
    """Return all that a study found as plain values."""
    summary = summarise(study)
    rows = [
        {
            "row": row.name, "options": _options(row.what), "trials": row.trials,
            "tried": [{"options": one.loss.model_dump(mode="json"), "selection": one.selection} for one in row.tried],
            "mean": said.mean, "std": said.std,
            "metrics": {
                metric: {
                    "mean": fmean(one.metrics[metric].value for one in row.outcomes),
                    "seeds": [asdict(one.metrics[metric]) for one in row.outcomes],
                }
                for metric in row.outcomes[0].metrics
            },
            "difference": said.difference and _difference_json(said.difference), "seconds": sum(run.seconds for run in row.runs),
        }
        for row, said in zip(study.rows, summary.rows, strict=True)
    ]  # fmt: skip
    return {
        "study": study.recipe.name, "dataset": study.dataset, "dataset_sha256": study.sha256, "protocol": study.protocol,
        "metric": summary.metric, "against": summary.against, "seeds": study.recipe.seeds,
        "tuning_seeds": list(study.recipe.tuning_seeds), "rows": rows, "notes": list(summary.notes),
    }  # fmt: skip


def _difference_json(effect: Effect) -> dict[str, Any]:
    keys = ("low", "high", "p", "p_holm", "detectable", "n", "interval", "test", "shown")
    return {"difference": effect.value} | {key: getattr(effect, key) for key in keys}


def _options(what: ContrastiveConfig | str) -> dict[str, Any]:
    return {"baseline": what} if isinstance(what, str) else what.model_dump(mode="json")


_LOSS: TypeAdapter[Any] = TypeAdapter(ContrastiveConfig)


def stored_studies(table: str | Path, recipes: Mapping[str, ContrastRecipe]) -> dict[str, MeasuredStudy]:
    """Return the studies that a table has rows of."""
    lines: dict[str, dict[str, dict[int, dict[str, dict[str, str]]]]] = {}
    for line in read_rows(table):
        by_seed = lines.setdefault(line["recipe"], {}).setdefault(line["model"], {})
        by_seed.setdefault(int(line["seed"]), {})[line["metric"]] = line
    return {name: _study(recipe, lines[name]) for name, recipe in recipes.items() if name in lines}


def _study(recipe: ContrastRecipe, rows: Mapping[str, Mapping[int, Mapping[str, Mapping[str, str]]]]) -> MeasuredStudy:
    first = next(iter(next(iter(next(iter(rows.values())).values())).values()))
    seeds = set(rows.get(recipe.against, {}))
    wanted = {row: what for row, what in recipe.rows.items() if row in rows and (not seeds or set(rows[row]) == seeds)}
    found = [_row(row, what, rows[row]) for row, what in wanted.items()]
    facts = (first["dataset"], first["dataset_sha256"], first["protocol"])
    return MeasuredStudy(recipe.model_copy(update={"seeds": len(seeds) or recipe.seeds}), Path(recipe.name), *facts, tuple(found))


def _row(name: str, asked: StudyRow, by_seed: Mapping[int, Mapping[str, Mapping[str, str]]]) -> MeasuredRow:
    runs = [training_from_rows(seed, list(by_seed[seed].values())) for seed in sorted(by_seed)]
    line = next(iter(by_seed[min(by_seed)].values()))
    options = json.loads(line["options"])
    named = set(asked.loss or ()).union(*asked.grid or ())  # as a recipe says it: options that it leaves alone are not told
    what = options.get("baseline") or _LOSS.validate_python({name: value for name, value in options.items() if name in named})
    return MeasuredRow(name, what, (), tuple(runs), int(line["trials"]))
