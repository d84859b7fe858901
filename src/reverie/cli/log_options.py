"""The options by which a verb reads a log: one set for all verbs, given to a command by a decorator."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from reverie.cli.options import Kinds, kinds_of

Reading = dict[str, Any]
"""What a person says of a log, by the keyword of `read_events`; what nobody said is not in it."""


def _text(flag: str, help: str) -> Any:
    return Annotated[str | None, typer.Option(flag, help=help)]


OPTIONS: dict[str, Any] = {
    "user": _text("--user", "Column of the users."),
    "item": _text("--item", "Column of the items, of the catalogue too; a dotted name for a nested one."),
    "timestamp": _text("--timestamp", "Column of the times."),
    "rating": _text("--rating", "Column of the ratings."),
    "kind": _text("--kind", "Column of the kinds of events."),
    "reward": _text("--reward", "Column of what events are worth."),
    "propensity": _text("--propensity", "Column of the logging policy's probabilities."),
    "weight": _text("--weight", "Column of how much events count in training."),
    "columns": _text(
        "--columns", "What each field of a row is, for a file without a header: user,item,-,timestamp; - is not read."
    ),
    "layout": _text("--layout", "A public log of known layout: movielens-1m, lastfm-1k, taobao …"),
    "format": _text("--format", "csv, jsonl, sequences …, rc15, retailrocket-cart …; else told by the content."),
    "separator": _text("--separator", "What stands between fields; else told by the content."),
    "encoding": _text("--encoding", "Of the text: latin-1, utf-16 …; else UTF-8, or what its first bytes say."),
    "day_first": Annotated[
        bool | None, typer.Option("--day-first/--month-first", help="How dates such as 03/04/2024 are meant, where all fit both.")
    ],
    "kinds": Kinds,
    "catalog": Annotated[Path | None, typer.Option("--catalog", help="File of the items and their titles.")],
    "catalog_columns": _text("--catalog-columns", "What each field of a catalogue is, where no header says it: item,title,-."),
}
"""By the keyword of `read_events`."""
NAMED = ("user", "item", "timestamp", "rating", "kind", "reward", "propensity", "weight", "kinds", "catalog", "catalog_columns")
"""Those that say which columns and rows are meant, and not how the file is written."""


def reads_log(without: Collection[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a log, but for some; it receives what was said as ``reading``."""
    names = [name for name in OPTIONS if name not in without]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(command, eval_str=True)

        @functools.wraps(command)
        def run(**given: Any) -> None:
            reading = {name: value for name in names if (value := given.pop(name)) is not None}
            if "kinds" in reading:
                reading["kinds"] = kinds_of(reading["kinds"])
            if "catalog" in reading:
                reading["catalog"] = str(reading["catalog"])
            command(**given, reading=reading)

        kind = inspect.Parameter.KEYWORD_ONLY
        options = [inspect.Parameter(name, kind, default=None, annotation=OPTIONS[name]) for name in names]
        own = [one.replace(kind=kind) for one in signature.parameters.values() if one.name != "reading"]
        place = list(signature.parameters).index("reading")
        run.__signature__ = signature.replace(parameters=[*own[:place], *options, *own[place:]])  # type: ignore[attr-defined]
        return run

    return decorate


def as_recipe(reading: Reading) -> dict[str, Any]:
    """Return what was said of a log under the keys of a recipe's dataset."""
    return {"rewards" if name == "reward" else name: value for name, value in reading.items()}
