"""`reverie recommend`: lists of items from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.options import Device, Json, Offline, print_json, print_list
from reverie.errors import ConfigError, DataError

if TYPE_CHECKING:
    import polars as pl


def recommend(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a saved model.")],
    titles: Annotated[list[str] | None, typer.Argument(help="Titles or item ids, oldest first; titles need not be exact.")] = None,
    user: Annotated[str | None, typer.Option("--user", help="A user of the dataset; all events are the history.")] = None,
    everyone: Annotated[
        Path | None, typer.Option("--all", help="Write lists for all users to this file: .parquet, .csv, .tsv, .jsonl.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Items per list.")] = 10,
    allow: Annotated[Path | None, typer.Option("--allow", help="Text file of item ids, one a line: recommend only these.")] = None,
    deny: Annotated[Path | None, typer.Option("--deny", help="Text file of item ids, one a line: never recommend these.")] = None,
    device: Device = None,
    json: Json = False,
    offline: Offline = False,
) -> None:
    """Recommend items for titles typed in, for one user, or for all users.

    Example: reverie recommend runs/sasrec-ml-100k "Toy Story" "Heat" -k 5
    """
    from reverie.data.readers.writing import table_writer
    from reverie.evaluation import recommend as ask
    from reverie.evaluation import recommend_all
    from reverie.files import atomic_path
    from reverie.models import load_model

    if sum(option is not None for option in (titles or None, user, everyone)) != 1:
        raise ConfigError("give titles, or --user, or --all; exactly one of them")
    write = None if everyone is None else table_writer(everyone)
    model = load_model(run)
    if device is not None and hasattr(model, "to"):
        from reverie.training.optimiser import choose_device

        model = model.to(choose_device(device))
    lists: dict[str, Any] = {"allow": _ids(allow), "deny": _ids(deny)}
    if titles:
        _show(ask(model, titles, k=k, **lists), json)
        return
    sequences = _sequences(run, offline)
    if user is not None:
        row = sequences.vocabulary.user_codes([user])[0]
        if row < 0:
            raise ConfigError(f"user '{user}' is not in the dataset of {run}; ids look like {sequences.vocabulary.users[0]}")
        history = [sequences.vocabulary.items[int(code) - 1] for code in sequences.row(int(row))]
        _show(ask(model, history, k=k, **lists), json)
    elif everyone is not None and write is not None:
        frame = recommend_all(model, sequences, k=k, **lists)
        with atomic_path(everyone) as temporary:
            write(frame, temporary)
        typer.echo(f"{frame['user'].n_unique()} users, {frame.height} rows: {everyone}")


def _sequences(run: Path, offline: bool) -> Any:
    from reverie.training.run import open_recipe_dataset, open_run

    return open_recipe_dataset(open_run(run).recipe.dataset, offline).sequences


def _ids(path: Path | None) -> list[str] | None:

    if path is None:
        return None
    if not path.is_file():
        raise DataError(f"{path} does not exist; give a text file with one item id a line")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _show(frame: pl.DataFrame, json: bool) -> None:
    if json:
        print_json(frame.to_dicts())
        return
    found = frame.iter_rows(named=True)
    rows = [(str(row["rank"]), str(row["item"]), str(row.get("title") or ""), f"{row['score']:.4f}") for row in found]
    print_list(("rank", "item", "title", "score"), rows)
