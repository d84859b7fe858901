"""`reverie recommend`: lists of items from a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.cli.log_options import NAMED, Reading, reads_log
from reverie.cli.new_items import Content, Items, extended
from reverie.cli.options import Device, Json, Log, Offline, print_json, print_list, say
from reverie.errors import ConfigError, DataError, short

if TYPE_CHECKING:
    import polars as pl

    from reverie.data.vocabulary import Vocabulary


@reads_log(NAMED)
def recommend(
    run: Annotated[Path, typer.Argument(help="A run folder, or a folder with a saved model.")],
    titles: Annotated[list[str] | None, typer.Argument(help="Titles or item ids, oldest first; titles need not be exact.")] = None,
    *,
    reading: Reading,
    user: Annotated[str | None, typer.Option("--user", help="A user of the dataset; all events are the history.")] = None,
    everyone: Annotated[
        Path | None, typer.Option("--all", help="Write lists for all users to this file: .parquet, .csv, .tsv, .jsonl.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Items per list.")] = 10,
    allow: Annotated[Path | None, typer.Option("--allow", help="Text file of item ids, one a line: recommend only these.")] = None,
    deny: Annotated[Path | None, typer.Option("--deny", help="Text file of item ids, one a line: never recommend these.")] = None,
    seen: Annotated[
        str | None, typer.Option("--seen", help="remove or keep items of the history; as the run was measured by default.")
    ] = None,
    items: Items = None,
    content: Content = None,
    only_new: Annotated[bool, typer.Option("--only-new", help="Recommend the items of --items alone.")] = False,
    log: Log = None,
    device: Device = None,
    json: Json = False,
    offline: Offline = False,
) -> None:
    """Recommend items for titles typed in, for one user, or for all users.

    Where the event log has changed since the training, items and users are matched by their ids, and it is said. A model that knows
    items by their content recommends those of --items, too, which nobody has clicked yet.

    Example: reverie recommend runs/sasrec-ml-100k "Toy Story" "Heat" -k 5
    """
    from reverie.data.readers.writing import table_writer
    from reverie.evaluation import recommend as ask
    from reverie.evaluation import recommend_all
    from reverie.evaluation.recommend import recommend_user
    from reverie.files import atomic_path
    from reverie.models import load_model

    if sum(option is not None for option in (titles or None, user, everyone)) != 1:
        raise ConfigError("give titles, or --user, or --all; exactly one of them")
    if seen not in (None, "remove", "keep"):
        raise ConfigError(f"--seen {seen} is no rule for items of the history; use remove or keep")
    if only_new and (items is None or allow is not None):
        raise ConfigError("--only-new recommends the items of --items alone; give that, and no --allow")
    write = None if everyone is None else table_writer(everyone)
    trained = load_model(run)
    model = extended(trained, items, content)
    if device is not None and hasattr(model, "to"):
        from reverie.training.optimiser import choose_device

        model = model.to(choose_device(device))
    known = model.card.vocabulary
    if reading and log is None:
        raise ConfigError(f"--{next(iter(reading)).replace('_', '-')} says how the file of --log is read; give that, too")
    lists: dict[str, Any] = {"allow": _listed(allow, known, "--allow"), "deny": _listed(deny, known, "--deny")}
    if only_new:
        lists["allow"] = known.items[trained.card.vocabulary.n_items :].to_list()
    lists["exclude_seen"] = (seen or _rule_of(run)) == "remove"
    if titles:
        _show(ask(model, _taken(titles, known), k=k, **lists), json)
        return
    sequences = _sequences(run, log, offline, reading)
    counts = sequences.item_counts()[1:]
    if unknown := int(counts[known.item_codes(sequences.vocabulary.items) == 0].sum()):
        say(f"{unknown:,} of {counts.sum():,} events of the log are of items that the model does not know, and are left out")
    if user is not None:
        row = sequences.vocabulary.user_codes([user])[0]
        if row < 0:
            raise ConfigError(f"user '{user}' is not in the dataset of {run}; {_users_like(user, sequences.vocabulary.users)}")
        _show(recommend_user(model, sequences, int(row), k, **lists), json)
    elif everyone is not None and write is not None:
        frame = recommend_all(model, sequences, k=k, **lists)
        with atomic_path(everyone) as temporary:
            write(frame, temporary)
        print(f"{frame['user'].n_unique()} users, {frame.height} rows: {everyone}")


def _users_like(user: str, users: pl.Series) -> str:
    """Return what users are called, or that they are the sessions of the one who was asked for, and which is the last."""
    number, named = -1, {str(one) for one in users}
    while f"{user}#{number + 1}" in named:
        number += 1
    return (
        f"ids look like {users[0]}" if number < 0 else f"its users are sessions, and the last one of '{user}' is '{user}#{number}'"
    )


def _taken(typed: list[str], known: Vocabulary) -> list[Any]:
    """Return the ids of typed ids and titles, and say which title was taken for one that is written otherwise."""
    from reverie.evaluation.recommendations import find_items

    codes = find_items(typed, known).tolist()
    for text, code, id_code in zip(typed, codes, known.item_codes(typed).tolist(), strict=True):
        if not id_code and known.title(code) != text:
            say(f"'{short(text)}' is taken for '{short(known.title(code))}', item {known.items[code - 1]}")
    return [known.items[code - 1] for code in codes]


def _rule_of(run: Path) -> str:
    """Return the rule for seen items that a run was measured under, so that its lists are those that were measured."""
    from reverie.training.run import load_run

    return load_run(run).test.seen if (run / "evaluation").is_dir() else "remove"


def _sequences(run: Path, log: Path | None, offline: bool, reading: Reading) -> Any:
    from reverie.training.event_log import open_log, open_recipe_dataset
    from reverie.training.recipe import DatasetRecipe
    from reverie.training.run import load_run

    if log is not None and not (run / "recipe.yaml").exists():
        return open_recipe_dataset(DatasetRecipe(name=str(log), **reading), offline).sequences
    recipe = load_run(run).recipe.dataset.model_copy(update=reading)
    changed: list[str] = []
    dataset = open_log(run, recipe, log, offline, changed.append)
    for difference in changed:
        say(f"{difference}; items and users are matched by their ids")
    return dataset.sequences


def _listed(path: Path | None, vocabulary: Vocabulary, option: str) -> list[Any] | None:
    """Return the ids of the items in the lines of a text file; how many are no id of the model is said."""
    if path is None:
        return None
    if not path.is_file():
        raise DataError(f"{path} does not exist; give a text file with one item id a line")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    codes = vocabulary.item_codes(lines)
    codes, unknown = codes[codes > 0], [line for line, code in zip(lines, codes, strict=True) if not code]
    if unknown:
        said = f"{path}: {len(unknown)} of {len(lines)} lines are no id of an item of the model, first '{unknown[0]}'"
        if option == "--allow" and not len(codes):
            raise DataError(f"{said}, so nothing is left to recommend; list ids like {vocabulary.items[0]}")
        say(f"{said}; they are left out")
    return [vocabulary.items[int(code) - 1] for code in codes]


def _show(frame: pl.DataFrame, json: bool) -> None:
    if json:
        print_json(frame.to_dicts())
        return
    found = frame.iter_rows(named=True)
    rows = [(str(row["rank"]), str(row["item"]), short(str(row.get("title") or "")), f"{row['score']:.4f}") for row in found]
    print_list(("rank", "item", "title", "score"), rows)
