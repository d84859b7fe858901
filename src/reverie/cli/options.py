"""Options that several verbs share, and how they print."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from reverie.report.table import Column

Device = Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, mps …; an accelerator is found by itself.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no tables; errors are still printed.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never ask the network; use the cache and local data.")]
Kinds = Annotated[str | None, typer.Option("--kinds", help="Count only events of these kinds, comma-separated: purchase,cart.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="Change a key of the recipe, e.g. --set training.epochs=5.")]


def console(quiet: bool = False) -> Console:
    """Return where tables are printed."""
    import sys

    from rich.console import Console

    return Console(quiet=quiet, width=None if sys.stdout.isatty() else 110, highlight=False)


def kinds_of(text: str | None) -> tuple[str, ...] | None:
    """Return the kinds of events that an option names."""
    if text is None:
        return None
    kinds = tuple(dict.fromkeys(kind.strip() for kind in text.split(",") if kind.strip()))
    if not kinds:
        raise ConfigError("--kinds names no kind of event; write for instance --kinds purchase,cart")
    return kinds


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_list(columns: Sequence[str | Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a list of things whose names stand in the first column."""
    from reverie.report.table import Column, Table

    name, *others = Table("", columns, rows).heads
    Table("", [Column(name.title, wrap=False), *others], rows).print(console())


def metric_line(row: dict[str, Any]) -> str:
    """Return one metric with its interval, where it has one."""
    interval = "" if row["low"] is None else f"  [{row['low']:.4f}, {row['high']:.4f}]"
    return f"{row['metric']:<12} {row['value']:.4f}{interval}"


def be_offline(offline: bool) -> None:
    """Keep data and the weights of language models from being fetched, where the user says so."""
    if offline:
        os.environ["REVERIE_OFFLINE"] = "1"
