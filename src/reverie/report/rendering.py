"""HTML from templates: every text from outside is escaped, a name that is missing is an error."""

from __future__ import annotations

import math
import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from jinja2 import Environment


def block_html(kind: str, block: Any, label: str = "", **values: Any) -> Markup:
    """Fill a macro of ``blocks.html``."""
    return Markup(getattr(_environment().get_template("blocks.html").module, kind)(block, label, **values))  # noqa: S704  # escaped by Jinja


def filled_page(**values: Any) -> str:
    """Fill ``page.html``, with the style sheet inside."""
    return _environment().get_template("page.html").render(style=Markup(read("style.css")), **values)  # noqa: S704  # our own file


def read(name: str) -> str:
    """Return a file of this package."""
    return (resources.files("reverie.report") / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    made = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(read)
    )
    made.filters["code"] = _code
    made.tests["finite"] = lambda value: value is not None and math.isfinite(value)
    return made


def _code(text: str) -> Markup:
    """Escape a text and set what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  # escaped
