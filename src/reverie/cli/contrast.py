"""`reverie contrast`: contrastive losses on one task, compared fairly."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Json, Quiet, Settings, console, print_json, print_list


def contrast(
    study: Annotated[str | None, typer.Argument(help="Name of a packaged study, or a YAML file.")] = None,
    rows: Annotated[str | None, typer.Option("--rows", help="Rows, comma-separated, or 'all'; the study's by default.")] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="Test seeds of each row; the study's by default.")] = None,
    settings: Settings = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Seconds instead of hours: tiny data, two seeds, short grids.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the study; runs/contrast-<name> by default.")] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Append all test metrics to this CSV table.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the packaged studies.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train one encoder with several contrastive losses and compare them; the same command again goes on where it was cut.

    Example: reverie contrast graph-mutag --results results/contrast.csv
    """
    from reverie.errors import ConfigError

    if listed:
        _list(json)
        return
    if study is None:
        raise ConfigError("say which study, e.g. 'reverie contrast graph-mutag'; 'reverie contrast --list' names them")
    from reverie.contrast.recipe import CONTRAST

    overrides = [*(settings or ()), *([f"seeds={seeds}"] if seeds is not None else [])]
    recipe = CONTRAST.load(study, overrides, smoke)
    asked = None if rows is None else tuple(name.strip() for name in rows.split(",") if name.strip())
    recipe.asked(asked)  # a wrong name is an error before anything heavy is imported

    from reverie.contrast.page import write_report
    from reverie.contrast.plot import write_plots
    from reverie.contrast.results import study_json
    from reverie.contrast.study import run_contrast
    from reverie.contrast.summary import summarise
    from reverie.contrast.table import print_study
    from reverie.files import write_json

    folder = out or Path("runs") / f"contrast-{recipe.name}"
    done = run_contrast(recipe, folder, rows=asked, results=results, show=not (quiet or json))
    written = [done.folder / "study.json", *write_plots(done), write_report(done)]
    write_json(written[0], study_json(done))
    if json:
        print_json(study_json(done) | {"files": written})
        return
    screen = console(quiet)
    print_study(summarise(done), screen)
    screen.print(f"written: {', '.join(map(str, written))}", markup=False, soft_wrap=True)


def _list(json: bool) -> None:
    from reverie.contrast.recipe import CONTRAST

    loaded = [CONTRAST.load(name) for name in CONTRAST.files()]
    if json:
        print_json([{"name": r.name, "task": r.task, "rows": list(r.rows), "description": r.description} for r in loaded])
        return
    rows = [(one.name, str(len(one.asked())), str(one.trainings()), one.description) for one in loaded]
    print_list(("study", "rows", "trainings", "description"), rows)


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command()(contrast)
