"""`reverie recipes`: list, copy and validate recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Json, console, print_json

app = typer.Typer(help="List, copy and validate recipes.", no_args_is_help=True)


@app.command("list")
def list_recipes(json: Json = False) -> None:
    """List the packaged recipes.

    Example: reverie recipes list
    """
    from rich.table import Table

    from reverie.training.recipe import load_recipe, recipe_files

    loaded = [load_recipe(name) for name in recipe_files()]
    if json:
        print_json(
            [{"name": r.name, "dataset": r.dataset.name, "model": r.model_name, "description": r.description} for r in loaded]
        )
        return
    table = Table("recipe", "dataset", "model", "description", box=None, pad_edge=False)
    for recipe in loaded:
        table.add_row(recipe.name, recipe.dataset.name, recipe.model_name, recipe.description)
    console().print(table)


@app.command()
def copy(
    name: Annotated[str, typer.Argument(help="A packaged recipe.")],
    to: Annotated[Path | None, typer.Argument(help="Where to; ./<name>.yaml by default.")] = None,
) -> None:
    """Copy a recipe out of the package, to start your own.

    Example: reverie recipes copy sasrec-beauty mine.yaml
    """
    from reverie.errors import ConfigError, unknown
    from reverie.files import write_text
    from reverie.training.recipe import recipe_files

    known = recipe_files()
    if name not in known:
        raise unknown("recipe", name, known)
    target = to or Path(f"{name}.yaml")
    if target.exists():
        raise ConfigError(f"{target} exists; choose another name or delete it")
    write_text(target, known[name].read_text(encoding="utf-8"))
    typer.echo(str(target))


@app.command()
def validate(
    recipe: Annotated[str, typer.Argument(help="A packaged recipe's name, or a YAML file.")],
) -> None:
    """Check a recipe, the model's options included, without running it.

    Example: reverie recipes validate mine.yaml
    """
    from reverie.training.recipe import load_recipe

    loaded = load_recipe(recipe)
    typer.echo(f"{recipe}: valid ({loaded.model_name} on {loaded.dataset.name})")
