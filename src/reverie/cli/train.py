"""`reverie train`: one recipe, one run folder."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie import processes
from reverie.cli.options import Device, Json, Offline, Quiet, Settings, console, metric_line, print_json

if TYPE_CHECKING:
    from reverie.training.run import Run


def train(
    recipe: Annotated[str, typer.Argument(help="Name of a packaged recipe, or a YAML file.")],
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/<recipe> by default.")] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Append the test metrics to this CSV table.")] = None,
    device: Device = None,
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
    from reverie.training.recipe import load_recipe
    from reverie.training.run import open_recipe_dataset, result_rows, run_inputs, run_recipe

    chosen = load_recipe(recipe, settings or ())
    folder = out or Path("runs") / chosen.name
    show = not (quiet or json)
    if (folder / "result.json").exists():
        run = run_recipe(chosen, folder)
        if results is not None and processes.rank() == 0:
            append_rows(results, result_rows(run))
        show_run(run, json, quiet)
        return
    dataset = open_recipe_dataset(chosen.dataset, offline)
    split = split_dataset(dataset, chosen.split)
    inputs = run_inputs(chosen, split.sha256, split.protocol)
    study = SingleCell(
        chosen.name, (), inputs, lambda: run_recipe(chosen, folder, split=split, device=device, show=show), result_rows
    )
    run = run_single(study, results)
    if processes.rank() == 0:
        words = [
            "reverie",
            "train",
            recipe,
            *(word for s in settings or () for word in ("--set", s)),
            *(["--out", str(out)] if out else []),
        ]
        write_report([run], folder / "report.html", split=split, dataset=dataset, commands=[shlex.join(words)])
    show_run(run, json, quiet)


def show_run(run: Run, json: bool, quiet: bool) -> None:
    """Print the test metrics of a run."""
    names = [f"{metric}@{k}" for k in run.recipe.evaluation.ks for metric in ("recall", "ndcg")]
    measured = run.test.metrics(names).to_dicts()
    if json:
        facts = {"folder": str(run.folder), "model": run.recipe.model_name, "best_epoch": run.fitted.best_epoch}
        print_json(facts | {"test": measured})
        return
    screen = console(quiet)
    epoch = f" · best epoch {run.fitted.best_epoch}" if run.fitted.best_epoch else ""
    chosen = f" · chosen {run.fitted.chosen}" if run.fitted.chosen else ""
    screen.print(f"[bold]{run.recipe.model_name}[/] on {run.facts['dataset']} ({run.facts['protocol']}){epoch}{chosen}")
    for row in measured:
        screen.print(f"  {metric_line(row)}", markup=False)
    screen.print(f"  fitted in {run.fitted.seconds:.1f} s · {run.folder}", markup=False)
