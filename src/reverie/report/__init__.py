"""What was found, on a terminal and as pages: tables, sections, plots, and the leaderboard of finished runs.

Names are imported when they are first used, so that a table can be printed without torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reverie.report.leaderboard_page import render_report, write_report
    from reverie.report.leaderboard_table import print_leaderboard
    from reverie.report.page import Section, write_page
    from reverie.report.ranking import Cell, Difference, Leaderboard, Row, leaderboard
    from reverie.report.table import Column, Table, TableCell

_NAMES = {
    "leaderboard_page": ("render_report", "write_report"),
    "leaderboard_table": ("print_leaderboard",),
    "page": ("Section", "write_page"),
    "ranking": ("Cell", "Difference", "Leaderboard", "Row", "leaderboard"),
    "table": ("Column", "Table", "TableCell"),
}
_WHERE = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [  # by name, as above
    "Cell",
    "Column",
    "Difference",
    "Leaderboard",
    "Row",
    "Section",
    "Table",
    "TableCell",
    "leaderboard",
    "print_leaderboard",
    "render_report",
    "write_page",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _WHERE:
        return getattr(importlib.import_module(f"reverie.report.{_WHERE[name]}"), name)
    raise AttributeError(f"module 'reverie.report' has no attribute '{name}'")
