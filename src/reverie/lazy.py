"""Packages that import a public name when it is first used; their stubs, which type checkers read, say where each name is."""

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any


def lazy(package: str, file: str) -> tuple[dict[str, str], list[str], Callable[[str], Any]]:
    """Return the place of each public name (``module.name``), the names in order, and the package's ``__getattr__``.

    The names are those that ``__init__.pyi`` beside the package's file imports: ``from reverie.data.split import Split as Split``.
    """
    stub = ast.parse(Path(file).with_suffix(".pyi").read_text(encoding="utf-8"))
    where = {
        alias.asname: f"{node.module}.{alias.name}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }

    def find(name: str) -> Any:
        if name in where:
            module, _, own = where[name].rpartition(".")
            return getattr(importlib.import_module(module), own)
        raise AttributeError(f"module '{package}' has no attribute '{name}'")

    return where, sorted(where), find
