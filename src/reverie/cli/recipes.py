"""`reverie recipes`: list, copy and validate recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reverie.cli.options import Json, console, print_json, print_list
from reverie.cli.studies import SHELVES
from reverie.errors import ConfigError, nearest
from reverie.registry import load_object

app = typer.Typer(help="List, copy and validate recipes.", no_args_is_help=True)


@app.command("list")
def list_recipes(json: Json = False) -> None:
    """List the packaged recipes, and name the suites.

    Example: reverie recipes list
    """
    from reverie.training.recipe import RECIPES, cell_name, load_recipe, load_suite, suite_files

    loaded = [load_recipe(name) for name in RECIPES.files()]
    if json:
        print_json(
            [{"name": r.name, "dataset": r.dataset.name, "model": r.model_name, "description": r.description} for r in loaded]
        )
        return
    rows = [(one.name, one.dataset.name, one.model_name, one.description) for one in loaded]
    print_list(("recipe", "dataset", "model", "description"), rows)
    screen = console()
    for name in suite_files():
        suite = load_suite(name)
        dataset = next(iter(suite.datasets))
        example = cell_name(suite.rows_on(dataset)[0], dataset)
        size = f"{len(suite.rows)} rows on {len(suite.datasets)} datasets"
        screen.print(f"\nsuite {name}: {size}; a recipe of it is <row>-<dataset>, e.g. {example}")
        screen.print(f"  rows: {', '.join(suite.rows)}\n  datasets: {', '.join(suite.datasets)}")
    screen.print(
        f"\nrecipes of studies: {', '.join(f'reverie {verb} --list' for verb in SHELVES if verb != 'train')}", soft_wrap=True
    )


@app.command()
def copy(
    name: Annotated[str, typer.Argument(help="A packaged recipe, one of a suite, or one of a study ('reverie rl --list').")],
    to: Annotated[Path | None, typer.Argument(help="Where to; ./<name>.yaml by default.")] = None,
) -> None:
    """Copy a recipe out of the package, to start your own.

    Example: reverie recipes copy sasrec-beauty mine.yaml
    """
    from reverie.files import write_text
    from reverie.training.recipe import RECIPES, load_recipe, suite_cells

    known = {one: path for shelf in SHELVES.values() for one, path in load_object(shelf).files().items()}
    cells = suite_cells()
    if name not in known and name not in cells:
        raise ConfigError(f"unknown recipe '{name}'{nearest(name, [*known, *cells])}; see 'reverie recipes list'")
    text = known[name].read_text(encoding="utf-8") if name in known else RECIPES.dump(load_recipe(name))
    target = to or Path(f"{name}.yaml")
    if target.exists():
        raise ConfigError(f"{target} exists; choose another name or delete it")
    write_text(target, text)
    print(str(target))


@app.command()
def validate(recipe: Annotated[str, typer.Argument(help="A packaged recipe's name, or a YAML file.")]) -> None:
    """Check a recipe, the model's options included, without running it.

    Example: reverie recipes validate mine.yaml
    """
    from reverie.training.recipe import load_recipe

    loaded = load_recipe(recipe)
    print(f"{recipe}: valid ({loaded.model_name} on {loaded.dataset.name})")
