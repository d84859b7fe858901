"""Pages from templates: every text from outside is escaped, a name that is missing is an error, the style is part of the page."""

from __future__ import annotations

from importlib import resources
from typing import Any

from reverie.report import words

_WORDS = ("number", "percent", "span", "p_value", "duration", "options")
"""Functions of `reverie.report.words` that templates call."""


def rendered(package: str, template: str, style: str = "", **values: Any) -> str:
    """Fill a template."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update({name: getattr(words, name) for name in _WORDS})
    shared = (resources.files("reverie.report") / "style.css").read_text(encoding="utf-8")
    text = (resources.files(package) / template).read_text(encoding="utf-8")
    return environment.from_string(text).render(style=Markup(shared + style), **values)  # noqa: S704  # our own files
