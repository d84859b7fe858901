"""What runs have shown: a leaderboard on the terminal, and one self-contained HTML page."""

from __future__ import annotations

from reverie.report.html import render_report, write_report
from reverie.report.leaderboard import Difference, Leaderboard, leaderboard
from reverie.report.rows import Cell, Row
from reverie.report.table import print_leaderboard

__all__ = ["Cell", "Difference", "Leaderboard", "Row", "leaderboard", "print_leaderboard", "render_report", "write_report"]
