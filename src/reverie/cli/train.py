"""`reverie train`: one recipe, one run folder."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie import processes
from reverie.cli.options import (
    Device,
    Json,
    Offline,
    Quiet,
    Settings,
    Threads,
    console,
    metric_line,
    print_json,
    read_as,
    use_threads,
)
from reverie.errors import DataError

if TYPE_CHECKING:
    from reverie.data.dataset import Dataset
    from reverie.data.split import Split
    from reverie.training.run import Run


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a packaged recipe, or a YAML file.")],
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/<recipe> by default.")] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Append the test metrics to this CSV table.")] = None,
    device: Device = None,
    threads: Threads = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Train and evaluate one model as a recipe says; the same command again goes on where it was cut.

    Example: reverie train sasrec-ml-100k --set training.epochs=5
    """
    from reverie.data.splits.config import split_dataset
    from reverie.report import write_report
    from reverie.study.rows import append_rows
    from reverie.study.run import SingleCell, run_single
    from reverie.training.content import open_with_content
    from reverie.training.recipe import load_recipe
    from reverie.training.run import feedback_of, result_rows, run_inputs, run_recipe

    chosen = load_recipe(recipe, settings or ())
    folder = out or Path("runs") / chosen.name
    show = not (quiet or json)
    report, opened = folder / "report.html", None
    if (folder / "result.json").exists():
        run = run_recipe(chosen, folder)
        if results is not None and processes.rank() == 0:
            append_rows(results, result_rows(run))
    else:
        dataset = open_with_content([chosen], offline, show)
        split = split_dataset(dataset, chosen.split)
        opened = dataset, split
        use_threads(threads, console(quiet or json))
        inputs = run_inputs(chosen, split.sha256, split.protocol, feedback_of(chosen, split))
        study = SingleCell(
            chosen.name, (), inputs, lambda: run_recipe(chosen, folder, split=split, device=device, show=show), result_rows
        )
        run = run_single(study, results)
    if processes.rank() == 0 and (opened or not report.exists()):
        dataset_of, split_of = opened or _data_of(run, offline)
        changes = [word for one in settings or () for word in ("--set", one)]
        line = shlex.join(["reverie", "train", recipe, *changes, *(["--out", str(out)] if out else [])])
        write_report([run], report, split=split_of, dataset=dataset_of, commands=[line])
    show_run(run, json, quiet, read_as(opened[0] if opened else None))


def _data_of(run: Run, offline: bool) -> tuple[Dataset, Split] | tuple[None, None]:
    """Return the data of a finished run, where they can still be had; its report is shorter without them."""
    from reverie.data.splits.config import split_dataset
    from reverie.training.event_log import open_recipe_dataset

    with contextlib.suppress(DataError):
        dataset = open_recipe_dataset(run.recipe.dataset, offline)
        split = split_dataset(dataset, run.recipe.split)
        if split.sha256 == run.facts["dataset_sha256"]:
            return dataset, split
    return None, None


def show_run(run: Run, json: bool, quiet: bool, read: dict[str, Any] | None) -> None:
    """Print the test metrics of a run."""
    from rich.markup import escape

    from reverie.report.words import options

    names = [f"{metric}@{k}" for k in run.recipe.evaluation.ks for metric in ("recall", "ndcg")]
    measured = run.test.metrics(names).to_dicts()
    if json:
        facts = {"folder": str(run.folder), "model": run.recipe.model_name, "best_epoch": run.fitted.best_epoch}
        print_json(facts | {"test": measured} | ({} if read is None else {"read_as": read}))
        return
    screen = console(quiet)
    epoch = f" · best epoch {run.fitted.best_epoch}" if run.fitted.best_epoch else ""
    chosen = f" · chosen {options(run.fitted.chosen)}" if run.fitted.chosen else ""
    where = escape(f"{run.facts['dataset']} ({run.facts['protocol']}){epoch}{chosen}")
    screen.print(f"[bold]{run.recipe.model_name}[/] on {where}")
    for row in measured:
        screen.print(f"  {metric_line(row)}", markup=False)
    screen.print(f"  {run.test.seen_note} · fitted in {run.fitted.seconds:.1f} s · {run.folder}", markup=False)
