"""Packages that import a public name when it is first used."""

import importlib
from collections.abc import Callable, Mapping
from typing import Any


def lazy(package: str, names: Mapping[str, str]) -> tuple[dict[str, str], list[str], Callable[[str], Any]]:
    """Return the module of each public name, the names in order, and the package's ``__getattr__``.

    Names are given by module of the package, with blanks between them.
    """
    where = {name: module for module, listed in names.items() for name in listed.split()}

    def find(name: str) -> Any:
        if name in where:
            return getattr(importlib.import_module(f"{package}.{where[name]}"), name)
        raise AttributeError(f"module '{package}' has no attribute '{name}'")

    return where, sorted(where), find
