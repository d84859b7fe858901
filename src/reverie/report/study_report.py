"""What a finished study says: on a terminal, as JSON, and in which files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.report.table import Table

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class StudyReport:
    """A finished study, ready to be shown.

    Parameters
    ----------
    json : dict
        All that was found, as plain values.
    shown : sequence of Table or str
        What a terminal shows, in order.
    files : sequence of Path
        What was written, the page among it.
    width : int, optional
        Widest table, in characters; the terminal's where not given.
    """

    json: dict[str, Any]
    shown: Sequence[Table | str]
    files: Sequence[Path]
    width: int | None = None

    def print(self, console: Console) -> None:
        """Print tables and sentences, and name the files."""
        for part in self.shown:
            if isinstance(part, Table):
                part.print(console, self.width)
            else:
                console.print(part, markup=False, highlight=False, soft_wrap=True)
        if self.files:
            console.print(f"written: {', '.join(map(str, self.files))}", markup=False, soft_wrap=True)
