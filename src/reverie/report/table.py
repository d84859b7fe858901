"""Tables: described once, printed on a terminal, written as Markdown or HTML, or returned as plain values; reports of studies."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from reverie.printing import clipped, printable
from reverie.shown import html_table

if TYPE_CHECKING:
    from markupsafe import Markup
    from rich.console import Console

    from reverie.report.plots import Look


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    title : str
        Its heading.
    align : {"left", "right"}
        Right for numbers.
    note : str
        A second line of the heading, on HTML pages.
    wrap : bool
        Whether a terminal may break its cells into lines.
    width : (int, int) or None
        Least and greatest number of characters on a terminal, as for names: where the table is too wide, other columns give way.
    bar : bool
        Whether HTML pages draw values as bars that begin at 0, with their intervals.
    """

    title: str
    align: Literal["left", "right"] = "left"
    note: str = ""
    wrap: bool = True
    width: tuple[int, int] | None = None
    bar: bool = False


@dataclass(frozen=True)
class TableCell:
    """One cell of a table.

    Parameters
    ----------
    text : str
        What stands there.
    note : str
        A second line; more where it holds line breaks.
    aside : str
        Stands beside the text and is never emphasised.
    value, low, high : float or None
        The number that the text shows, and its interval, for bars and for plain values.
    emphasis : {"none", "bold", "dim"}
        How the text is set. A row whose first cell is bold is set off on HTML pages.
    look : Look or None
        Colour and marker of the row in the plots of an HTML page.
    """

    text: str
    note: str = ""
    aside: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    emphasis: Literal["none", "bold", "dim"] = "none"
    look: Look | None = None


@dataclass(frozen=True)
class Table:
    """A table that can be shown everywhere.

    Parameters
    ----------
    title : str
        A line above it; may be empty.
    columns : sequence of str or Column
        A string is the heading of a column that is aligned on the left.
    rows : sequence of sequences of str or TableCell
        One cell per column; a string is a cell without a note.
    notes : sequence of str
        Lines below it.

    Examples
    --------
    >>> table = Table("Accuracy", ("model", Column("ndcg@10", "right")), [("markov", TableCell("0.12", "0.10–0.14", value=0.12))])
    >>> print(table.to_markdown())
    Accuracy
    <BLANKLINE>
    | model | ndcg@10 |
    |---|--:|
    | markov | 0.12 (0.10–0.14) |
    """

    title: str
    columns: Sequence[str | Column]
    rows: Sequence[Sequence[str | TableCell]]
    notes: Sequence[str] = ()

    @property
    def heads(self) -> list[Column]:
        """Columns, those given as strings included."""
        return [Column(one) if isinstance(one, str) else one for one in self.columns]

    @property
    def cells(self) -> list[list[TableCell]]:
        """Cells by row, those given as strings included."""
        return [[TableCell(one) if isinstance(one, str) else one for one in row] for row in self.rows]

    def print(self, console: Console, width: int | None = None) -> None:
        """Print the table.

        Parameters
        ----------
        console : rich.console.Console
            Where to; a terminal or a pipe.
        width : int or None
            Most characters in a line; the console's width by default.
        """
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        rows, limit = self.cells, min(width or console.width, console.width)
        wide = [max(map(_width, (TableCell(head.title), *cells))) for head, *cells in zip(self.heads, *rows, strict=True)]
        narrow = sum(wide) + GAP * (len(wide) - 1) > limit
        ruled, headed = any(cell.note for row in rows for cell in row), any(column.title for column in self.heads)
        style = box.SIMPLE_HEAD if ruled else None
        shown = RichTable(box=style, collapse_padding=ruled, pad_edge=False, show_header=headed)
        for at, column in enumerate(self.heads):
            least, most = column.width or (None, None)
            if least is not None and most is not None:  # names stay whole, what stands under them may break
                least = min(max([least, *(len(row[at].text) for row in rows)]), most)
            title = Text(printable(column.title))
            shown.add_column(title, justify=column.align, no_wrap=not column.wrap, overflow="fold", min_width=least, max_width=most)
        for row in rows:
            shown.add_row(*(_text(cell, narrow) for cell in row))
        before, after = ([Text(printable(line)) for line in lines] for lines in ([self.title] if self.title else [], self.notes))
        for part in (*before, shown, *after):
            console.print(part, highlight=False, width=limit)

    def to_markdown(self) -> str:
        """Return the table as Markdown.

        Returns
        -------
        str
            The title, the table, and the notes as a list; no line break at the end. A note of a cell stands after its text, in
            parentheses where it has no brackets of its own.
        """
        lines = [self.title, ""] if self.title else []
        lines += [_line([column.title for column in self.heads])]
        lines += ["|" + "|".join("--:" if column.align == "right" else "---" for column in self.heads) + "|"]
        lines += [_line([_markdown(cell) for cell in row]) for row in self.cells]
        return "\n".join(lines + ([""] if self.notes else []) + [f"- {note}" for note in self.notes])

    def to_html(self, label: str = "") -> Markup:
        """Return the table as HTML for the inside of a page, every text escaped.

        Parameters
        ----------
        label : str
            What it is, for screen readers; the title by default.

        Returns
        -------
        Markup
            A box that scrolls sideways where the page is too narrow.
        """
        from reverie.report.page import block_html

        rows = self.cells
        scales = [max((_reach(row[at]) for row in rows), default=0.0) or 1.0 for at in range(len(self.columns))]
        return block_html("table", self, label, rows=rows, scales=scales)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        rows = [["\n".join(part for part in (cell.text, cell.aside, cell.note) if part) for cell in row] for row in self.cells]
        return html_table(self.title, [column.title for column in self.heads], rows, self.notes)

    def to_text(self, width: int = 102) -> str:
        """Return the table as a terminal without colours shows it.

        Parameters
        ----------
        width : int
            Most characters in a line.

        Returns
        -------
        str
            Without a line break at the end.
        """
        from rich.console import Console

        out = io.StringIO()
        self.print(Console(file=out, width=width))
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines())

    def to_json(self) -> dict[str, Any]:
        """Return the table as plain values.

        Returns
        -------
        dict
            With ``title``, ``columns``, ``rows`` (for each cell its ``text``, and what else it has of ``note``, ``value``, ``low``
            and ``high``) and ``notes``; a number that is not finite is left out.
        """
        rows = [[{"text": cell.text} | _plain(cell) for cell in row] for row in self.cells]
        return {"title": self.title, "columns": [one.title for one in self.heads], "rows": rows, "notes": list(self.notes)}


GAP, LONGEST = 2, 500
"""Blanks between two columns, and characters of a cell beyond which a terminal is shown its beginning and end."""


def _width(cell: TableCell) -> int:
    """Return how many characters the longest line of a cell has."""
    text = f"{clipped(cell.text, LONGEST)}  {cell.aside}" if cell.aside else clipped(cell.text, LONGEST)
    return max(len(line) for line in (text, *cell.note.split("\n")))


def _text(cell: TableCell, narrow: bool = False) -> Any:
    """Return a cell for a terminal; where there is little room, an interval takes two lines."""
    from rich.text import Text

    style = "" if cell.emphasis == "none" else cell.emphasis
    aside = f"  {printable(cell.aside)}" if cell.aside else ""
    note = printable(cell.note.replace("–", "–\n") if narrow else cell.note, lines=True)
    return Text.assemble((clipped(printable(cell.text), LONGEST), style), aside, "\n" if note else "", (note, "dim"))


def _markdown(cell: TableCell) -> str:
    mark = "**" if cell.emphasis == "bold" and cell.text else ""
    note = cell.note if not cell.note or cell.note.startswith("[") else f"({cell.note})"
    return " ".join(part for part in (f"{mark}{cell.text}{mark}", cell.aside, note) if part)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split("\n")).replace("|", "\\|") for cell in cells) + " |"


def _reach(cell: TableCell) -> float:
    return max((x for x in (cell.value, cell.high) if x is not None and math.isfinite(x)), default=0.0)


def _plain(cell: TableCell) -> dict[str, Any]:
    numbers = {name: getattr(cell, name) for name in ("value", "low", "high")}
    return ({"note": cell.note} if cell.note else {}) | {k: x for k, x in numbers.items() if x is not None and math.isfinite(x)}


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
        from rich.text import Text

        for part in self.shown:
            if isinstance(part, Table):
                part.print(console, self.width)
            else:
                console.print(Text(printable(part, lines=True)), soft_wrap=True)
        if self.files:
            console.print(Text(printable(f"written: {', '.join(map(str, self.files))}")), soft_wrap=True)
