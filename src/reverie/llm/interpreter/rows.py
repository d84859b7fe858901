"""An interpreter's table as rows of ``results/language.csv``, and on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reverie.llm.interpreter.table import MAIN, MUST_BEAT
from reverie.report.table import Table

if TYPE_CHECKING:
    from reverie.llm.interpreter.table import Interpreted

SHOWN: dict[str, dict[str, str]] = {
    "recovery": {
        "recall": "recall",
        "precision": "prec.",
        "hallucination": "invented",
        "wrong_but_real": "wrong",
        "recall_held_out": "untaught",
        "unfinished": "cut",
    },
    "residual": {"accuracy": "accuracy", "hallucination": "invented", "accuracy_held_out": "untaught", "rank": "rank"},
}


def interpreter_rows(done: Interpreted) -> list[dict[str, Any]]:
    """Return all metrics of a table as rows of a results table."""
    session, facts = done.session, done.facts
    common = {
        "recipe": session.recipe.name,
        "dataset": session.split.dataset,
        "dataset_sha256": session.split.sha256,
        "protocol": session.split.protocol,
        "slice": "all",
        "seen": "",
        "fit_on": "train",
        "model": session.run.recipe.model_name,
        "seed": session.recipe.training.seed,
        "interval": "cluster_bootstrap(1000)",
        "best_epoch": facts["best_step"],
        "seconds": facts["seconds"],
        "peak_mb": facts["peak_mb"],
        "commit": facts["commit"],
        "trials": 1,
    }
    found = []
    for row in done.table.rows:
        said = row.decoding != ""
        more = {
            "task": row.task,
            "row": row.row,
            "decoding": row.decoding,
            "backbone": session.backbone.name if said else "",
            "adapter": session.recipe.adapter.kind if said and not row.row.startswith("text") else "",
        }
        found += [common | more | {"metric": metric} | cell for metric, cell in row.metrics.items()]
        if row.against is not None:
            n = {name: row.metrics[name]["n"] for name in row.against}
            found += [common | more | {"metric": f"gain:{name}", "n": n[name]} | gain for name, gain in row.against.items()]
    return found


def counts_as_result(done: Interpreted, task: str = "recovery") -> bool:
    """Return whether the model beats shuffled, text-only and popularity by more than the interval, also on untaught titles."""
    rows = [row for row in done.table.rows if row.task == task and row.row in MUST_BEAT and row.decoding in ("", "free")]
    return bool(rows) and all(row.against is not None and all(one["low"] > 0 for one in row.against.values()) for row in rows)


def shown_tables(done: Interpreted) -> list[Table | str]:
    """Return what a terminal shows: a table for each task, and whether the model beats its controls."""
    shown: list[Table | str] = []
    for task in dict.fromkeys(row.task for row in done.table.rows):
        names, main = shown_metrics(done, task), MAIN[task]
        rows = []
        for row in done.table.rows:
            if row.task == task:
                gain = "" if row.against is None else "{value:+.3f} [{low:+.3f}, {high:+.3f}]".format(**row.against[main])
                rows.append([row.row, row.decoding, *(_cell(row.metrics.get(name), name == main) for name in names), gain])
        shown.append(Table(task, ("row", "decoding", *names.values(), "gain of the model"), rows))
    verdict = "beats" if counts_as_result(done) else "does not beat"
    said = (
        f"{done.session.recipe.adapter.kind} adapter, {done.session.backbone.name}, {done.table.n} held-out users, 95 % intervals "
        f"over users; on recovery it {verdict} shuffled, text-only and popularity by more than the interval, untaught titles alone "
        "included"
    )
    return [*shown, said]


def shown_metrics(done: Interpreted, task: str) -> dict[str, str]:
    """Return the metrics of a task that were measured, and how tables head them."""
    measured = {name for row in done.table.rows if row.task == task for name in row.metrics}
    return {name: said for name, said in SHOWN[task].items() if name in measured}


def _cell(found: dict[str, Any] | None, whole: bool) -> str:
    if found is None:
        return ""
    interval = "" if found["low"] is None or not whole else f" [{found['low']:.2f}, {found['high']:.2f}]"
    return f"{found['value']:.2f}{interval}"
