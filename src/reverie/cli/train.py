"""`reverie train` and `reverie sweep`: one recipe, one run folder; its settings, tried on validation."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie import processes
from reverie.cli.options import Device, Json, Offline, Quiet, Settings, console, metric_line, print_json

if TYPE_CHECKING:
    from reverie.training.run import Run
    from reverie.training.sweeps.trials import Sweep


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
        line = " ".join(["reverie train", recipe, *(f"--set {s}" for s in settings or ()), *([f"--out {out}"] if out else [])])
        write_report([run], folder / "report.html", split=split, dataset=dataset, commands=[line])
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


def sweep(
    recipe: Annotated[str, typer.Argument(help="Name of a packaged recipe, or a YAML file; it has a 'sweep' section.")],
    trials: Annotated[int | None, typer.Option("--trials", min=1, help="Settings to try in all; the recipe's by default.")] = None,
    settings: Settings = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the sweep; runs/sweep-<recipe> by default.")] = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Try settings of a recipe on validation and write the best one as a recipe; the same command again goes on where it was cut.

    Example: reverie sweep sasrec-beauty --trials 8
    """
    from reverie.training.recipe import load_recipe
    from reverie.training.sweeps.sweep import run_sweep
    from reverie.training.sweeps.trials import write_sweep

    chosen = load_recipe(recipe, [*(settings or ()), *([f"sweep.trials={trials}"] if trials is not None else [])])
    screen = console(quiet or json)
    done = run_sweep(
        chosen,
        out or Path("runs") / f"sweep-{chosen.name}",
        device=device,
        show=not (quiet or json),
        offline=offline,
        report=lambda line: screen.print(line, markup=False, soft_wrap=True),
    )
    files = write_sweep(done)
    command = f"reverie train {files.recipe}"
    if json:
        ranked = [asdict(trial) for trial in done.ranked]
        written = {name: str(path) for name, path in asdict(files).items()}
        print_json({"metric": chosen.training.metric, "best": ranked[0], "trials": ranked, "files": written, "command": command})
        return
    _table(done, quiet)
    screen.print(f"best recipe: {files.recipe} · trials: {files.table}, {files.plot}", markup=False, soft_wrap=True)
    screen.print(f"train it: {command}", markup=False, soft_wrap=True)


def _table(done: Sweep, quiet: bool) -> None:
    from reverie.report.table import Column, Table
    from reverie.training.sweeps.trials import in_words

    heads = ("trial", f"validation {done.recipe.training.metric}", "epoch", "seconds")
    rows = [
        (
            str(trial.number),
            trial.state if trial.value is None else f"{trial.value:.4f}",
            str(trial.epoch or ""),
            f"{trial.seconds:.1f}",
            in_words(trial.setting),
            trial.note,
        )
        for trial in done.ranked
    ]
    Table("", [*(Column(head, "right") for head in heads), "setting", ""], rows).print(console(quiet))
