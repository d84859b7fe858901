"""The API reference names public names; here each is led to the module that defines it, which names imported lazily do not show."""

from __future__ import annotations

import importlib
import re
from typing import Any


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page with the public names after ``:::`` replaced by where they are defined."""
    return re.sub(r"^::: (\S+)$", lambda found: f"::: {defined_at(found[1])}", markdown, flags=re.MULTILINE)


def defined_at(path: str) -> str:
    """Return the dotted path under which the module that defines a public name has it."""
    module, _, name = path.rpartition(".")
    package = importlib.import_module(module)
    home = getattr(getattr(package, name), "__module__", "")
    if home.startswith("reverie.") and hasattr(importlib.import_module(home), name):
        return f"{home}.{name}"
    lazy = vars(package).get("_WHERE", {}).get(name)  # a type alias does not know its module
    return path if lazy is None else defined_at(lazy)
