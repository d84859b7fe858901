"""Pages of sections."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from markupsafe import Markup, escape

from reverie.files import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

    from reverie.report.plots import Look


LONGEST = 1000
"""Characters that are shown of a text of twice as many."""


def block_html(kind: str, block: Any, label: str = "", **values: Any) -> Markup:
    """Fill a macro of ``blocks.html``."""
    return Markup(getattr(_environment().get_template("blocks.html").module, kind)(block, label, **values))  # noqa: S704  # escaped by Jinja


def read(name: str) -> str:
    """Return a file of this package."""
    return (resources.files("reverie.report") / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(read), finalize=_cut
    )
    made.filters["code"] = _code
    made.tests["finite"] = lambda value: value is not None and math.isfinite(value)
    return made


def _cut(value: Any) -> Any:
    """Cut a text of somebody's file that would fill the page."""
    long = isinstance(value, str) and not isinstance(value, Markup) and len(value) > 2 * LONGEST
    return f"{value[:LONGEST]} …" if long else value


def _code(text: str) -> Markup:
    """Escape a text and set what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped


FOOTER = "Written by Reverie. This page is one file: it loads nothing and runs no script."


class Block(Protocol):
    """What a section holds: anything that can be written as HTML, a `Table` for example."""

    def to_html(self, label: str = "") -> Markup:
        """Return HTML for the inside of a page, every text from outside escaped; the label is for screen readers."""
        ...


class _Macro:
    """A block that has a macro of its own name in ``blocks.html``."""

    def to_html(self, label: str = "") -> Markup:
        """Return the block as HTML, every text escaped."""
        return block_html(type(self).__name__.lower(), self, label)


@dataclass(frozen=True)
class Prose(_Macro):
    """Sentences, as one paragraph or as a list; what stands between backticks is set as code."""

    sentences: Sequence[str]
    listed: bool = False


@dataclass(frozen=True)
class Tiles(_Macro):
    """Numbers in large type, each with what it is."""

    tiles: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Facts(_Macro):
    """Terms and their meanings; what stands between backticks is set as code."""

    facts: Sequence[tuple[str, str]]
    title: str = ""
    tight: bool = False


@dataclass(frozen=True)
class Commands(_Macro):
    """Lines to type."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Legend(_Macro):
    """Names with the colours and markers that plots draw them in."""

    looks: Mapping[str, Look]


@dataclass(frozen=True)
class Figure(_Macro):
    """A drawing with a title and a note, see `reverie.report.plots.inline_svg`; figures in a row share the width."""

    title: str
    note: str
    svg: Markup


@dataclass(frozen=True)
class Verdicts(_Macro):
    """One sentence about each of several names."""

    said: Sequence[tuple[str, str]]
    looks: Mapping[str, Look] = field(default_factory=dict)


@dataclass(frozen=True)
class HeatCell:
    """One cell of a heat map; without a strength it is coloured by whether it is shown."""

    text: str
    note: str
    words: str
    strength: float | None = None
    shown: bool = True


@dataclass(frozen=True)
class HeatMap(_Macro):
    """A table of coloured cells: orange above a strength of 0, green below."""

    title: str
    corner: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[HeatCell | None]]]
    looks: Mapping[str, Look] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A line of a list of items; the words are for screen readers."""

    text: str
    note: str = ""
    mark: Literal["", "found", "aim", "invented"] = ""
    words: str = ""


@dataclass(frozen=True)
class ItemList:
    """A list of items with a heading and a note."""

    title: str
    items: Sequence[Item]
    note: str = ""
    look: Look | None = None
    hit: bool = False


@dataclass(frozen=True)
class Example(_Macro):
    """Somebody's history, what came next, and lists beside each other."""

    title: str
    lists: Sequence[ItemList]
    note: str = ""
    history: Sequence[str] = ()
    earlier: str = ""
    targets: Sequence[str] = ()


@dataclass(frozen=True)
class Folded(_Macro):
    """A block behind a line that opens it."""

    title: str
    block: Block
    opened: bool = False


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Parameters
    ----------
    name : str
        Its anchor, distinct on the page: letters, digits and hyphens.
    title : str
        Its heading.
    blocks : sequence of Block
        What it holds: `Table`, `Figure`, `HeatMap`, `Tiles`, `Prose`, `Facts`, `Example` and others of this module.
    note : str
        How to read it; what stands between backticks is set as code.
    short : str
        Its name in the bar at the top; the title by default.

    Examples
    --------
    >>> from reverie.report.table import Table
    >>> rows = Section("rows", "Rows", [Table("", ("row", "auc"), [("ours", "0.71")])], note="Higher is better.")
    """

    name: str
    title: str
    blocks: Sequence[Block]
    note: str = ""
    short: str = ""

    @property
    def parts(self) -> list[list[Markup]]:
        """The blocks as HTML, neighbouring figures together."""
        grouped = groupby(enumerate(self.blocks), lambda pair: -1 if isinstance(pair[1], Figure) else pair[0])
        return [[block.to_html(self.title) for _, block in group] for _, group in grouped]


def page_html(
    title: str, sections: Sequence[Section], kind: str, name: str, facts: Sequence[str], opening: Sequence[Block], footer: str
) -> str:
    """Return a page; the parameters are those of `write_page`."""
    template, style = _environment().get_template("page.html"), Markup(read("style.css"))  # noqa: S704  # our own file
    shown = {"kind": kind, "name": name or title, "facts": facts, "opening": [one.to_html() for one in opening]}
    return template.render(style=style, title=title, sections=sections, footer=footer, **shown)


def write_page(
    path: str | Path,
    title: str,
    sections: Sequence[Section],
    *,
    kind: str = "report",
    name: str = "",
    facts: Sequence[str] = (),
    opening: Sequence[Block] = (),
    footer: str = FOOTER,
) -> Path:
    """Write sections as one self-contained HTML file, for light and dark, wide and narrow screens.

    Parameters
    ----------
    path : path
        The file to write.
    title : str
        The headline: what was found, in one sentence.
    sections : sequence of Section
        In order, at least one.
    kind : str
        What kind of page it is; stands beside the name of the library.
    name : str
        Name of the window; the headline by default.
    facts : sequence of str
        What all numbers of the page share, in few words: dataset, protocol and the like.
    opening : sequence of Block
        What stands under the headline, before the first section.
    footer : str
        The last line.

    Returns
    -------
    Path
        The file.
    """
    write_text(path, page_html(title, sections, kind, name, facts, opening, footer))
    return Path(path)
