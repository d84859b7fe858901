"""Rows of the results table of pictures for concepts."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from typing import Any

from reverie.evaluation.effects import Effect
from reverie.imagery.judging.closed_lists import DISTRACTORS
from reverie.imagery.measures import measured
from reverie.imagery.recognition.cells import Cell, CheckCell, Checked, JudgeCell, Judged, LoopCell, Looped, Result, Staged
from reverie.imagery.recognition.lab import Lab
from reverie.imagery.recognition.recipe import ImageryRecipe

COLUMNS = ("condition", "mode", "judge", "renderer", "distractors")
"""Columns after the fixed ones."""
METRICS = ("top1", "top5", "mrr", "overliteral", "lost_object", "masked")
"""Means over concepts; ``chance`` is that of ``top1``."""
PROTOCOL = "reverse-guess"


def result_rows(recipe: ImageryRecipe, lab: Lab, cell: Cell, result: Result) -> list[dict[str, Any]]:
    """Return the rows of a cell of the test concepts; pictures alone and development concepts have none.

    Of guesses: ``top1``, ``top5`` and ``mrr`` of the concept on a list of k, ``chance`` (1/k), ``overliteral`` (the judge rather
    names an object that is shown), ``lost_object`` (a rewriting lost an object) and ``masked`` (prompts with a word that says the
    concept; text mode), each the mean over concepts with a bootstrap over concepts. Of rounds the same by slice ``round-1`` …, the
    condition being ``D-loop`` or ``D-redrawn``. Of a judge of texts ``judge_check``, its top-1 on glosses.
    """
    if isinstance(cell, CheckCell) or getattr(cell, "part", "test") == "dev":
        rows = _check_rows(cell.judge, result) if isinstance(cell, CheckCell) and isinstance(result, Checked) else []
    elif isinstance(cell, JudgeCell) and isinstance(result, Judged):
        rows = list(_guess_rows(cell, result))
    elif isinstance(cell, LoopCell) and isinstance(result, Looped):
        rows = list(_loop_rows(recipe, cell, result))
    elif isinstance(result, Staged):
        rows = [{"metric": "without_objects", "value": len(result.without_objects) / result.n, "n": result.n}]
    else:
        rows = []
    common: dict[str, Any] = {
        "recipe": recipe.name, "dataset": lab.dataset, "dataset_sha256": lab.digest, "protocol": PROTOCOL, "slice": "test",
        "fit_on": "dev" if recipe.grid else "", "model": recipe.language_model or "no-language-model",
        "seed": getattr(cell, "seed", 0),
        "trials": max(1, len(recipe.grid)), "seconds": result.seconds, "peak_mb": result.peak_mb, "commit": result.commit,
    }  # fmt: skip
    return [common | row for row in rows]


def _guess_rows(cell: JudgeCell, result: Judged) -> Iterator[dict[str, Any]]:
    where = {"condition": cell.condition, "mode": cell.mode, "judge": cell.judge, "renderer": cell.renderer}
    for distractors in DISTRACTORS:
        values, named = result.values(distractors), where | {"distractors": distractors}
        for metric in METRICS:
            if metric == "masked" and cell.mode == "image":
                continue
            effect = measured([values[metric]])
            if effect is not None:
                yield named | {"metric": metric} | _numbers(effect)
        yield named | {"metric": "chance", "value": fmean(values["chance"].values()), "n": len(result.concepts)}


def _loop_rows(recipe: ImageryRecipe, cell: LoopCell, result: Looped) -> Iterator[dict[str, Any]]:
    judge = recipe.loop.judge if recipe.loop is not None else ""
    named = {"condition": loop_condition(cell), "mode": "image", "judge": judge, "renderer": cell.renderer}
    for at in range(len(result.rounds)):
        for distractors in DISTRACTORS:
            for metric, values in result.values(at, distractors).items():
                effect = measured([values])
                if effect is not None:
                    yield named | {"distractors": distractors, "slice": f"round-{at + 1}", "metric": metric} | _numbers(effect)


def _check_rows(judge: str, result: Checked) -> list[dict[str, Any]]:
    return [
        {
            "condition": "B", "mode": "text", "judge": judge, "renderer": "none", "distractors": distractors, "slice": "glosses",
            "metric": "judge_check", "value": share, "low": low, "high": high, "n": result.n,
        }
        for distractors, (share, low, high, _) in result.shares.items()
    ]  # fmt: skip


def loop_condition(cell: LoopCell) -> str:
    """Return how tables name rounds with feedback, and rounds without."""
    return "D-loop" if cell.guided else "D-redrawn"


def _numbers(effect: Effect) -> dict[str, Any]:
    return {key: getattr(effect, key) for key in ("value", "low", "high", "interval", "n")}
