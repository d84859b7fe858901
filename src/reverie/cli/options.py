"""Options that several verbs share, and how they print."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reverie import processes
from reverie.errors import ConfigError
from reverie.printing import escaped_json, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from reverie.data.dataset import Dataset
    from reverie.report.table import Column


def _usable(device: str | None) -> str | None:
    """Refuse a device that this machine has not, before anything is read."""
    if device is not None:
        from reverie.training.optimiser import choose_device

        choose_device(device)
    return device


Device = Annotated[
    str | None, typer.Option("--device", callback=_usable, help="cpu, cuda, cuda:1, mps …; an accelerator is found by itself.")
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, max=4096, help="Threads to compute with; as many as there are free cores.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no tables; errors are still printed.")]
Offline = Annotated[bool, typer.Option("--offline", help="Never ask the network; use the cache and local data.")]
Log = Annotated[Path | None, typer.Option("--log", help="Where the event log of the run is now.")]
Kinds = Annotated[str | None, typer.Option("--kinds", help="Count only events of these kinds, comma-separated: purchase,cart.")]
Settings = Annotated[list[str] | None, typer.Option("--set", help="Change a key of the recipe, e.g. --set training.epochs=5.")]


def console(quiet: bool = False) -> Console:
    """Return where tables and lines are printed; texts of others stand there as they are, without control characters."""
    import sys

    from rich.console import Console

    class PlainConsole(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(printable(text, lines=True), **options)

    return PlainConsole(quiet=quiet, width=None if sys.stdout.isatty() else 110, highlight=False, emoji=False)


def use_threads(asked: int | None, screen: Console) -> None:
    """Choose the number of threads by the load that is there, unless the user does, and say it where it is not the usual one."""
    from reverie.cores import busy_cores, choose_threads, usable_cores

    if processes.world() > 1 or (asked is None and "OMP_NUM_THREADS" in os.environ):
        return
    usual, busy = len(usable_cores()), 0.0 if asked else busy_cores()
    if choose_threads(asked, busy) < usual and asked is None:
        screen.print(
            f"threads: fewer than {usual}, as others keep {busy:.1f} cores busy; --threads {usual} takes all. The last digits of "
            "what is learned depend on the number.", markup=False,
        )  # fmt: skip


def say(text: str) -> None:
    """Print a note on standard error."""
    typer.echo(f"note: {printable(text)}", err=True)


def kinds_of(text: str | None) -> tuple[str, ...] | None:
    """Return the kinds of events that an option names."""
    if text is None:
        return None
    kinds = tuple(dict.fromkeys(kind.strip() for kind in text.split(",") if kind.strip()))
    if not kinds:
        raise ConfigError("--kinds names no kind of event; write for instance --kinds purchase,cart")
    return kinds


def read_as(dataset: Dataset | None) -> dict[str, Any] | None:
    """Return what a log was read as, for the key ``read_as`` of JSON; None of a named dataset."""
    return None if dataset is None or dataset.read_as is None else dataset.read_as.to_json()


def print_json(value: Any) -> None:
    """Print a value as JSON on standard output."""
    import sys

    plain = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    print(escaped_json(json.dumps(value, indent=2, ensure_ascii=plain, default=str)))


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
