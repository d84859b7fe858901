from reverie.report.board import Leaderboard as Leaderboard
from reverie.report.cells import Cell as Cell, Difference as Difference
from reverie.report.leaderboard_page import render_report as render_report, write_report as write_report
from reverie.report.leaderboard_table import print_leaderboard as print_leaderboard
from reverie.report.page import Section as Section, write_page as write_page
from reverie.report.ranking import leaderboard as leaderboard
from reverie.report.row import Row as Row
from reverie.report.table import Column as Column, Table as Table, TableCell as TableCell
