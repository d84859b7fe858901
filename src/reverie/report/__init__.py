"""What was found, on a terminal and as pages: tables, sections, plots, and the leaderboard of finished runs.

Names are imported when they are first used, so that a table can be printed without torch.
"""

from typing import TYPE_CHECKING

from reverie.lazy import lazy

if TYPE_CHECKING:
    from reverie.report.board import Leaderboard
    from reverie.report.cells import Cell, Difference
    from reverie.report.leaderboard_page import render_report, write_report
    from reverie.report.leaderboard_table import print_leaderboard
    from reverie.report.page import Section, write_page
    from reverie.report.ranking import leaderboard
    from reverie.report.row import Row
    from reverie.report.table import Column, Table, TableCell

_WHERE, _PUBLIC, __getattr__ = lazy(
    "reverie.report",
    {
        "leaderboard_page": "render_report write_report", "leaderboard_table": "print_leaderboard", "page": "Section write_page",
        "board": "Leaderboard", "row": "Row", "cells": "Cell Difference", "ranking": "leaderboard",
        "table": "Column Table TableCell",
    },
)  # fmt: skip

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
