"""`reverie data`: list, fetch, describe and convert event logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reverie.cli.log_options import Reading, reads_log
from reverie.cli.options import Json, Offline, console, print_json, print_list, read_as

app = typer.Typer(help="Event logs: list, fetch, describe, convert.", no_args_is_help=True)


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the datasets that have a name.

    Example: reverie data list
    """
    from reverie.data.sources.load import find_entry, list_datasets
    from reverie.report.table import Column

    entries = [find_entry(name) for name in list_datasets()]
    if json:
        keys = ("name", "summary", "licence", "citation", "homepage", "protocol", "notes")
        counts = ("users", "items", "events")
        print_json([{k: getattr(e, k) for k in keys} | dict(zip(counts, e.counts, strict=True)) for e in entries])
        return
    rows = [(e.name, e.summary, *(f"{count:,}" for count in e.counts), e.protocol) for e in entries]
    print_list(("dataset", "what it is", *(Column(name, "right") for name in ("users", "items", "events")), "split"), rows)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="A name of 'reverie data list'.")], offline: Offline = False, json: Json = False
) -> None:
    """Fetch a named dataset into the cache, again where it is damaged there, and show its terms.

    Example: reverie data fetch ml-100k
    """
    from reverie.data.sources.load import find_entry, load_entry

    dataset = load_entry(find_entry(name), offline=offline, again=True)
    facts = {
        "name": dataset.name, "users": dataset.vocabulary.n_users, "items": dataset.vocabulary.n_items, "events": dataset.n_events,
        "licence": dataset.licence, "citation": dataset.citation, "notes": list(dataset.notes), "sha256": dataset.sha256,
    }  # fmt: skip
    _facts(facts, json)


@app.command("describe")
@reads_log()
def describe_command(
    name_or_path: Annotated[
        str, typer.Argument(help="A named dataset, or the path of an event log: a file, or a folder of its parts.")
    ],
    reading: Reading,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Count and measure a dataset, and say which splits it allows.

    Example: reverie data describe clicks.csv --user member --item film --timestamp seen_at
    """
    from reverie.data.describe import describe
    from reverie.data.sources.load import open_dataset

    dataset = open_dataset(name_or_path, offline=offline, **reading)
    _facts(describe(dataset) | ({"read_as": read_as(dataset)} if json else {}), json)


@app.command()
@reads_log()
def convert(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="A named dataset, or the path of an event log: a file, or a folder of its parts.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Ends in .parquet, .csv or .inter (RecBole).")],
    reading: Reading,
    offline: Offline = False,
    json: Json = False,
) -> None:
    """Write an event log, and its catalogue beside it, in another format.

    Example: reverie data convert ml-100k ml-100k.parquet
    """
    from reverie.data.readers.writing import write_dataset
    from reverie.data.sources.load import open_dataset

    dataset = open_dataset(source, offline=offline, **reading)
    written = [str(path) for path in write_dataset(dataset, target)]
    if json:
        facts = {"written": written, "events": dataset.n_events, "notes": list(dataset.notes), "read_as": read_as(dataset)}
        print_json(facts)
    else:
        console().print(f"wrote {dataset.n_events:,} events: {', '.join(written)}", markup=False)


def _facts(facts: dict[str, Any], json: bool) -> None:
    if json:
        print_json(facts)
    else:
        print_list(("", ""), [row for key, value in facts.items() for row in _lines(key.replace("_", " "), value)])


def _lines(key: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [(key if at == 0 else "", f"{k}: {_shown(v)}") for at, (k, v) in enumerate(value.items())]
    if isinstance(value, list):
        return [(key if at == 0 else "", str(line)) for at, line in enumerate(value)]
    return [] if value in (None, "") else [(key, _shown(value))]


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4g}" if value < 10_000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
