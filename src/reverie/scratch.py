"""Temporary files and folders: named after the process that owns them, and swept once it is gone."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"\.?reverie-(?P<host>[0-9a-f]{8})-(?P<process>\d{1,9})-\w{8}|\.(fetching|converting)-\w{8}")
"""Own names; the last two are those of earlier versions, which do not tell their process."""
_DAY = 86_400.0
_open: set[str] = set()
"""What this process uses now."""


@functools.cache
def _host() -> str:
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _prefix() -> str:
    return f"reverie-{_host()}-{os.getpid()}-"


@contextlib.contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """Yield an empty hidden file in a folder; it is gone after the block, unless the block has moved it."""
    _sweep_once(folder)
    handle, name = tempfile.mkstemp(prefix=f".{_prefix()}", dir=folder)
    os.close(handle)
    path = Path(name)
    _open.add(path.name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        _open.discard(path.name)


@contextlib.contextmanager
def temporary_folder(folder: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder, hidden in `folder` or, without one, among the temporary files of the system; it is gone afterwards."""
    place = Path(tempfile.gettempdir()) if folder is None else folder
    _sweep_once(place)
    prefix = _prefix() if folder is None else f".{_prefix()}"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as name:
        _open.add(Path(name).name)
        try:
            yield Path(name)
        finally:
            _open.discard(Path(name).name)


def is_temporary(name: str) -> bool:
    """Whether a file is named as temporary files are."""
    return bool(_NAME.fullmatch(name))


def sweep(folder: Path) -> None:
    """Remove the temporary files and folders that processes which are gone left in a folder; those of others stay."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            named = _NAME.fullmatch(entry.name)
            if named and entry.name not in _open and _is_left(entry, named):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    with contextlib.suppress(OSError):
                        os.unlink(entry.path)


_sweep_once = functools.cache(sweep)


def _is_left(entry: os.DirEntry[str], named: re.Match[str]) -> bool:
    """Whether the owner is gone; of another machine, or of a system that cannot tell, what is older than a day."""
    if named["host"] == _host() and os.name == "posix":
        process = int(named["process"])
        return process == os.getpid() or not _is_alive(process)
    try:
        return time.time() - entry.stat(follow_symlinks=False).st_mtime > _DAY
    except OSError:
        return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True
