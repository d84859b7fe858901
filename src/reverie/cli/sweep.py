"""`reverie sweep`: settings of a recipe, tried on validation."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reverie.cli.options import Device, Json, Offline, Quiet, Settings, console, print_json

if TYPE_CHECKING:
    from reverie.training.sweeps.trials import Sweep


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
        chosen, out or Path("runs") / f"sweep-{chosen.name}", device=device, show=not (quiet or json), offline=offline,
        report=lambda line: screen.print(line, markup=False, soft_wrap=True),
    )  # fmt: skip
    files = write_sweep(done)
    command = shlex.join(["reverie", "train", str(files.recipe)])
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
            str(trial.number), trial.state if trial.value is None else f"{trial.value:.4f}", str(trial.epoch or ""),
            f"{trial.seconds:.1f}", in_words(trial.setting), trial.note,
        )
        for trial in done.ranked
    ]  # fmt: skip
    Table("", [*(Column(head, "right") for head in heads), "setting", ""], rows).print(console(quiet))
