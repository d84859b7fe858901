"""`reverie interpret`: teach a language model's adapter to read a recommender, and measure it beside its controls."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Device, Json, Offline, Quiet, Settings, console, print_json, print_list


def interpret(
    recipe: Annotated[str | None, typer.Argument(help="Name of a packaged interpreter, or a YAML file.")] = None,
    settings: Settings = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Seconds instead of an hour: a random language model, few steps.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder; runs/<recipe> by default.")] = None,
    results: Annotated[Path | None, typer.Option("--results", help="Append the table to this CSV file.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the packaged interpreters.")] = False,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    offline: Offline = False,
) -> None:
    """Train a recommender, teach an adapter between it and a language model, and print the table with all controls.

    The same command again goes on where it was cut.

    Example: reverie interpret recinterpreter-sasrec-ml-100k --results results/language.csv
    """
    from reverie.errors import ConfigError
    from reverie.llm.interpreter.recipe import INTERPRETER

    if listed:
        named = [(name, INTERPRETER.load(name).description) for name in INTERPRETER.files()]
        if json:
            print_json([{"name": name, "description": said} for name, said in named])
        else:
            print_list(("interpreter", "description"), named)
        return
    if recipe is None:
        raise ConfigError("say which interpreter, e.g. 'reverie interpret recinterpreter-sasrec-ml-100k'; --list names them")
    chosen = INTERPRETER.load(recipe, settings or (), smoke)

    from reverie.cli.language import be_offline
    from reverie.llm.interpreter.page import write_page
    from reverie.llm.interpreter.rows import print_table
    from reverie.llm.interpreter.study import run_interpreter

    be_offline(offline)
    folder = out or Path("runs") / chosen.name
    done = run_interpreter(chosen, folder, device=device, results=results, offline=offline, show=not (quiet or json))
    page = write_page(done, folder / "report.html", f"reverie interpret {recipe}")
    if json:
        print_json({"folder": str(folder), **done.facts, "table": done.table.plain()})
        return
    screen = console(quiet)
    print_table(done, screen)
    screen.print(f"with examples: {page}", markup=False)
    screen.print(
        f"one person in words: reverie explain --run {folder} --user {done.session.split.vocabulary.users[0]}", markup=False
    )


def register(app: typer.Typer) -> None:
    """Mount the verb."""
    app.command()(interpret)
