"""How a value shows itself: one line in a shell, a small table in a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from reverie.printing import printable

LONGEST = 60
"""Characters of one fact in a line; a table has five times as many."""
SHOWN = 4
"""Metrics in a line."""
_LEFT, _RIGHT = ' style="text-align:left"', ' style="text-align:right;white-space:nowrap"'


class Shown:
    """A value with a name and facts; what a shell prints and what a notebook shows are made of them.

    A class says in `_facts` what is worth knowing of it, by short names and in order; its `_heading` is its type's name.
    """

    def _facts(self) -> dict[str, str]:
        """Return what is worth knowing, as texts by name."""
        raise NotImplementedError

    @property
    def _heading(self) -> str:
        """What it is, in a word or two."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"{self._heading}({', '.join(f'{name}={_cut(text, LONGEST)}' for name, text in self._facts().items() if text)})"

    def _repr_html_(self) -> str:
        return html_table(self._heading, (), list(self._facts().items()))


def _cut(text: str, most: int) -> str:
    plain = printable(text)
    return f"{plain[:most]} …" if len(plain) > most + 2 else plain


def html_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str] = (), more: str = "") -> str:
    """Return a small table as HTML for a notebook, every text escaped.

    Parameters
    ----------
    title : str
        Stands above it.
    heads : sequence of str
        Names of the columns; none where the first cell of each row names it.
    rows : sequence of sequences of str
        The cells. The first one of a row names it; all behind it are set as numbers where there are heads, and may have lines.
    notes : sequence of str
        Lines below it.
    more : str
        HTML that follows, made by the caller.

    Returns
    -------
    str
        Without style sheets or scripts; a box that scrolls sideways where the page is narrow.
    """
    align = _RIGHT if heads else _LEFT
    head = "".join(f"<th{_RIGHT if at else _LEFT}>{_html(name)}</th>" for at, name in enumerate(heads))
    lines = [(_html(name), "".join(f"<td{align}>{_html(text)}</td>" for text in cells)) for name, *cells in rows]
    body = "".join(f"<tr><th{_LEFT}>{name}</th>{cells}</tr>" for name, cells in lines)
    below = "".join(f"<div><small>{_html(note)}</small></div>" for note in notes)
    thead = f"<thead><tr>{head}</tr></thead>" if heads else ""
    caption = f"<caption{_LEFT}><b>{_html(title)}</b></caption>"
    return f'<div style="overflow-x:auto"><table>{caption}{thead}<tbody>{body}</tbody></table>{below}{more}</div>'


def _html(text: str) -> str:
    return "<br>".join(escape(_cut(line, 5 * LONGEST)) for line in text.split("\n")[:9])


def listed(values: Mapping[str, object]) -> str:
    """Return options or columns as one text."""
    return ", ".join(f"{name}={value}" for name, value in values.items())
