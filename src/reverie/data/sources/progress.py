"""Progress bar for downloads, with the interface that pooch calls."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn


class DownloadBar:
    """Progress bar with the four members that pooch uses: `total`, `update`, `reset` and `close`."""

    def __init__(self, name: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
        self._task = self._progress.add_task(name, total=None)
        self.total: float | None = None

    def __enter__(self) -> DownloadBar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def update(self, n: int) -> None:
        """Advance by some bytes."""
        self._progress.update(self._task, advance=n, total=self.total or None)

    def reset(self) -> None:
        """Reset to zero."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()
