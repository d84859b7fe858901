"""Download cache: files are moved in whole and verified by SHA-256."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.data.sources.fetch import fetch
from reverie.errors import DataError, ReverieError
from reverie.files import cache_folder, read_json, sha256, write_json

if TYPE_CHECKING:
    from reverie.data.sources.entry import Fetchable

ORIGIN = "origin.json"


def cached_folder(name: str, remote: Fetchable) -> Path:
    """Return where the files of a mirror are, or would be."""
    return cache_folder() / "datasets" / name / remote.key


def is_cached(name: str, remote: Fetchable) -> bool:
    """Whether a mirror's files are in the cache, unchanged since they arrived."""
    folder = cached_folder(name, remote)
    if not folder.is_dir():
        return False
    digests = read_json(folder / ORIGIN)["sha256"]
    for file in remote.files:
        path = folder / file
        if not path.is_file() or sha256(path) != digests.get(file):
            raise DataError(f"{path} is missing or damaged (its SHA-256 has changed); delete {folder} and run again")
    return True


def fetch_into_cache(name: str, remote: Fetchable) -> None:
    """Fetch a mirror's files; they appear in the cache all at once, or not at all."""
    final = cached_folder(name, remote)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=final.parent) as scratch:
            folder = Path(scratch) / remote.key
            folder.mkdir()
            fetch(remote, folder)
            digests = {file: sha256(folder / file) for file in remote.files}
            unverified = sorted(set(remote.files) - set(remote.sha256))
            write_json(folder / ORIGIN, {"addresses": dict(remote.files), "sha256": digests, "unverified": unverified})
            if not final.is_dir():
                os.replace(folder, final)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReverieError(f"cannot write {final}: {reason}; free some space or set REVERIE_CACHE to another folder") from error
