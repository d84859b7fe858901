"""Progress of long work: a bar with time left on a terminal and in a notebook, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from statistics import median_low
from typing import Protocol

from reverie.printing import printable

ESTIMATE_STEPS, ESTIMATE_SECONDS = 10, 10.0
"""The estimate of the whole training rests on this many steps, or on fewer (two at least) once they have taken this long."""


class Progress(Protocol):
    """What a loop tells of itself. An optional method ``skip(done)`` tells of units done before, by a run that was cut."""

    def advance(self, text: str = "") -> None:
        """One more unit is done; `text` says how it stands."""
        ...

    def line(self, text: str) -> None:
        """Something worth a line of its own."""
        ...


class _Silent:
    def advance(self, text: str = "") -> None:
        """Do nothing."""

    def line(self, text: str) -> None:
        """Do nothing."""


class _Plain:
    """Lines on standard error, at most one advance in ten seconds."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._before, self._begin = total, 0, 0, time.monotonic()
        self._last = self._begin

    def skip(self, done: int) -> None:
        """Count units that were done before."""
        self._done = self._before = done

    def advance(self, text: str = "") -> None:
        """Count, and print now and then."""
        self._done += 1
        now = time.monotonic()
        if now - self._last >= 10:
            left = (now - self._begin) / (self._done - self._before) * (self._total - self._done)
            self.line(f"  {self._done}/{self._total} {text} · {duration(left)} left at this pace")
            self._last = now

    def line(self, text: str) -> None:
        """Print a line."""
        print(printable(text, lines=True), file=sys.stderr, flush=True)


class _Notebook:
    """A bar that a notebook shows below its cell, and that goes when the work is done; lines are printed."""

    def __init__(self, total: int, title: str) -> None:
        from IPython.display import HTML, display

        self._html, self._total, self._title, self._done, self._before = HTML, total, title, 0, 0
        self._begin = self._last = time.monotonic()
        self._shown = display(HTML(self.html()), display_id=True)

    def html(self, text: str = "") -> str:
        """Return the bar, with the time that is left once it is known, every text escaped."""
        spent, new = time.monotonic() - self._begin, self._done - self._before
        left = f" · {duration(spent / new * (self._total - self._done))} left at this pace" if new else ""
        said = f"{self._title} {self._done}/{self._total} {text}{left}"
        return f'<progress value="{self._done}" max="{self._total}"></progress> {escape(printable(said))}'

    def skip(self, done: int) -> None:
        """Count units that were done before."""
        self._done = self._before = done

    def advance(self, text: str = "") -> None:
        """Move the bar, at most four times a second."""
        self._done += 1
        if time.monotonic() - self._last >= 0.25:
            self._last = time.monotonic()
            self._shown.update(self._html(self.html(text)))

    def line(self, text: str) -> None:
        """Print a line."""
        print(printable(text, lines=True), flush=True)

    def close(self) -> None:
        """Take the bar away."""
        self._shown.update(self._html(""))


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _Bar:
    """A rich progress bar."""

    def __init__(self, total: int, title: str) -> None:
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        texts = [
            TextColumn(one, markup=False) for one in ("{task.description}", "{task.completed}/{task.total} {task.fields[text]}")
        ]
        columns = (texts[0], BarColumn(), texts[1])
        self.bar = RichProgress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), transient=True)
        self._task = self.bar.add_task(title, total=total, text="")

    def skip(self, done: int) -> None:
        """Count units that were done before, without taking them for fast ones."""
        self.bar.reset(self._task, completed=done, text="")

    def advance(self, text: str = "") -> None:
        """Move the bar."""
        self.bar.update(self._task, advance=1, text=text)

    def line(self, text: str) -> None:
        """Print a line above the bar."""
        self.bar.console.print(text, markup=False, highlight=False)


@contextlib.contextmanager
def progress(total: int, title: str, show: bool) -> Iterator[Progress]:
    """Show progress while the block runs."""
    if not show or os.environ.get("RANK", "0") != "0":
        yield _Silent()
    elif in_notebook():
        shown = _Notebook(total, title)
        try:
            yield shown
        finally:
            shown.close()
    elif sys.stderr.isatty() and sys.stdout.isatty():
        bar = _Bar(total, title)
        with bar.bar:
            yield bar
    else:
        yield _Plain(total)


def duration(seconds: float) -> str:
    """Return a time as text."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


@dataclass
class StepClock:
    """Seconds of a step, from the first steps but the very first: their median, as single ones may be slow (caches, disks)."""

    enough: int = ESTIMATE_STEPS
    times: list[float] = field(default_factory=list)
    ready: bool = False
    _begin: float = 0.0

    def start(self) -> None:
        """Take note that a step begins."""
        self._begin = time.monotonic()

    def stop(self) -> bool:
        """Take note that it ended; return whether it is the one after which enough is known."""
        if self.ready:
            return False
        self.times.append(time.monotonic() - self._begin)
        counted = self.times[1:]
        self.ready = len(counted) == self.enough or (len(counted) >= 2 and sum(counted) >= ESTIMATE_SECONDS)
        return self.ready

    @property
    def seconds(self) -> float:
        """Return the median, of two the shorter."""
        return median_low(self.times[1:])
