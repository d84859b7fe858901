"""Run a study: ask for its cells, compute those that are missing, append the rows of each as it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from reverie import processes
from reverie.errors import DataError, RunError
from reverie.study.environment import peak_mb
from reverie.study.progress import Progress, StepClock, duration, progress
from reverie.study.rows import append_rows, read_rows
from reverie.study.store import key

C = TypeVar("C", bound=Hashable)
V = TypeVar("V")
KEY_DIGITS = 12
"""Digits of a cell's key in a results table."""
TIMED = 2
"""The computed cells that the estimate rests on, after the first, which also pays for reading data and loading libraries."""


class Study(Protocol[C, V]):
    """What a room brings: cells, and how one is computed.

    A cell is a hashable value that pickles, such as a frozen dataclass; its result is a function of `facts`. The order in which
    cells are computed never matters.
    """

    @property
    def name(self) -> str:
        """Of the study."""
        ...

    @property
    def columns(self) -> Sequence[str]:
        """The room's own columns of a results table."""
        ...

    @property
    def long_cells(self) -> bool:
        """Whether each cell shows its own progress, as a training does; then none is shown over cells."""
        ...

    def cells(self, done: Mapping[C, V | None]) -> Iterable[C]:
        """Return the cells that can be named now; asked again until nothing new comes."""
        ...

    def upper_bound(self, done: Mapping[C, V | None]) -> int:
        """Return how many cells there will be at most."""
        ...

    def facts(self, cell: C) -> Mapping[str, Any]:
        """Return everything that the result of a cell depends on, the version of the code included, as plain values."""
        ...

    def is_kept(self, cell: C) -> bool:
        """Return whether a cell needs no computing, as its pieces are there."""
        ...

    def run(self, cell: C, tell: Callable[[str], None]) -> V:
        """Return the result of a cell, computed where it was not; `tell` takes lines of progress."""
        ...

    def restore(self, cell: C, rows: Sequence[Mapping[str, str]]) -> V | None:
        """Return the result of a cell from its rows in a results table; None where they do not hold it."""
        ...

    def describe(self, cell: C, result: V) -> str:
        """Return a cell and what came out in a few words."""
        ...

    def rows(self, cell: C, result: V) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        ...


@dataclass(frozen=True)
class SingleCell(Generic[V]):
    """A study of one cell, such as one training.

    Parameters
    ----------
    name : str
        Of the study.
    columns : sequence of str
        The room's own columns of a results table.
    inputs : mapping
        Everything that the result depends on, as plain values.
    make : callable
        Computes the result, or reads it where it is there.
    result_rows : callable
        Makes the rows of a results table of it.
    kept : bool
        Whether the result is there already.
    long_cells : bool
        Whether the work shows its own progress.
    """

    name: str
    columns: Sequence[str]
    inputs: Mapping[str, Any]
    make: Callable[[], V]
    result_rows: Callable[[V], list[dict[str, Any]]]
    kept: bool = False
    long_cells: bool = True

    def cells(self, done: Mapping[str, V | None]) -> list[str]:
        """Return the one cell."""
        return [self.name]

    def upper_bound(self, done: Mapping[str, V | None]) -> int:
        """Return 1."""
        return 1

    def facts(self, cell: str) -> Mapping[str, Any]:
        """Return everything that the result depends on."""
        return self.inputs

    def is_kept(self, cell: str) -> bool:
        """Return whether the result is there."""
        return self.kept

    def run(self, cell: str, tell: Callable[[str], None]) -> V:
        """Compute the result."""
        return self.make()

    def restore(self, cell: str, rows: Sequence[Mapping[str, str]]) -> V | None:
        """Return None: the result is more than its rows."""
        return None

    def describe(self, cell: str, result: V) -> str:
        """Return the name."""
        return cell

    def rows(self, cell: str, result: V) -> list[dict[str, Any]]:
        """Return the rows of a results table."""
        return self.result_rows(result)


class Executor(Protocol):
    """Computes cells, here or elsewhere."""

    def results(self, study: Study[C, V], cells: Sequence[C], tell: Callable[[str], None]) -> Iterator[tuple[C, V]]:
        """Yield each cell with its result, in any order."""
        ...


class LocalExecutor:
    """Computes one cell after the other in this process."""

    def results(self, study: Study[C, V], cells: Sequence[C], tell: Callable[[str], None]) -> Iterator[tuple[C, V]]:
        """Yield each cell with its result, in order."""
        for cell in cells:
            yield cell, study.run(cell, tell)


def run_cell(open_study: Callable[..., Study[C, V]], arguments: Sequence[Any], cell: C) -> None:
    """Compute one cell of a study that is opened here; what comes out is in the store of the study.

    Parameters
    ----------
    open_study : callable
        A room's own function, imported by name where this runs in another process.
    arguments : sequence
        Its arguments: recipe, folder and options.
    cell : hashable
        The cell.
    """
    open_study(*arguments).run(cell, lambda text: None)


def cell_key(study: Study[C, V], cell: C) -> str:
    """Return the key of a cell in a results table, 12 hexadecimal digits."""
    return key(study.facts(cell))[:KEY_DIGITS]


def run_study(
    study: Study[C, V], *, results: str | Path | None = None, show: bool = True, executor: Executor | None = None
) -> dict[C, V | None]:
    """Compute what is missing of a study, and append the rows of each cell to a results table as it ends.

    Parameters
    ----------
    study : Study
        A room's study.
    results : str or Path, optional
        A results table. A cell whose rows stand there under its key is done.
    show : bool
        Whether to show progress and an estimate of the time that is left.
    executor : Executor, optional
        Where cells are computed; here by default.

    Returns
    -------
    dict
        Results by cell; None for a cell that is known from its rows alone and cannot be restored from them.
    """
    done: dict[C, V | None] = {}
    if results is not None and not processes.rank():
        append_rows(results, [], study.columns)  # rows that could not be appended are an error before anything is computed
    stored = _rows_by_key(results)
    clock = StepClock(TIMED)
    while new := [cell for cell in dict.fromkeys(study.cells(done)) if cell not in done]:
        elsewhere = [cell for cell in new if stored and not study.is_kept(cell) and cell_key(study, cell) in stored]
        done |= {cell: _restored(study, cell, stored[cell_key(study, cell)]) for cell in elsewhere}
        todo = [cell for cell in new if cell not in done]
        with progress(len(todo), study.name, show and not study.long_cells) as bar:
            missing = {cell for cell in todo if not study.is_kept(cell)}
            left = len(missing) + max(0, study.upper_bound(done) - len(done) - len(todo))
            clock.start()
            for cell, result in (executor or LocalExecutor()).results(study, todo, _teller(bar)):
                done[cell] = result
                if results is not None and not processes.rank():
                    _append(study, cell, result, results, stored)
                bar.advance(study.describe(cell, result))
                if cell in missing:
                    left -= 1
                    if clock.stop() and left:
                        each = clock.seconds
                        rest = f"{duration(each)} each so far; at that pace {duration(each * left)} for at most {left} more"
                        bar.line(f"{rest}; {peak_mb():.0f} MB so far")
                clock.start()
    return done


def find_finished(study: Study[C, V], results: str | Path | None = None) -> dict[C, V | None]:
    """Return what is kept of a study, or else stands in a results table; nothing is computed."""
    stored, done = _rows_by_key(results), dict[C, V | None]()
    for cell in study.cells(done):
        if study.is_kept(cell):
            done[cell] = study.run(cell, lambda _: None)
        elif stored and (rows := stored.get(cell_key(study, cell))):
            done[cell] = _restored(study, cell, rows)
    return done


def run_single(study: SingleCell[V], results: str | Path | None = None) -> V:
    """Compute the one cell of a study and append its rows; a cell that is known from its rows alone is an error.

    Raises
    ------
    RunError
        If the rows stand in the results table and the result itself is not there.
    """
    result = run_study(study, results=results)[study.name]
    if result is None:
        raise RunError(
            f"the rows of {study.name} stand in {results} under the key {cell_key(study, study.name)}, so nothing is computed; "
            "leave out --results to compute it again"
        )
    return result


def _restored(study: Study[C, V], cell: C, rows: Sequence[Mapping[str, str]]) -> V | None:
    try:
        return study.restore(cell, rows)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"the rows under the key {cell_key(study, cell)} in the results table cannot be read ({error}); remove them, or leave "
            "out --results"
        ) from error


def _append(study: Study[C, V], cell: C, result: V, results: str | Path, stored: Collection[str]) -> None:
    """Append the rows of a cell, where they are not there yet."""
    key_of_cell = cell_key(study, cell)
    if key_of_cell not in stored and (rows := study.rows(cell, result)):
        append_rows(results, [{**row, "key": key_of_cell} for row in rows], study.columns)


def _rows_by_key(results: str | Path | None) -> dict[str, list[Mapping[str, str]]]:
    by_key: dict[str, list[Mapping[str, str]]] = {}
    for row in read_rows(results) if results is not None else ():
        if row["key"]:
            by_key.setdefault(row["key"], []).append(row)
    return by_key


def _teller(bar: Progress, every: float = 10.0) -> Callable[[str], None]:
    """Return a function that prints lines of running cells, at most one in so many seconds."""
    last = time.monotonic()

    def tell(text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            last = time.monotonic()
            bar.line(f"  {text}")

    return tell
