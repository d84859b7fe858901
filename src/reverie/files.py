"""Files that are either whole or absent: everything Reverie writes goes through here."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reverie.documents import read_json as read_json
from reverie.documents import regular
from reverie.errors import DataError, ReverieError, RunError
from reverie.scratch import temporary_file


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which takes the place of `path` when the block ends well."""
    final = Path(path)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with temporary_file(final.parent) as temporary:
            yield temporary
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            os.replace(temporary, final)
    except Exception as error:
        reason = _system_reason(error)
        if reason is None:
            raise
        raise ReverieError(f"cannot write {final}: {reason}; free some space or choose another folder") from error


def _system_reason(error: Exception) -> str | None:
    """Return what the system refused; Polars and safetensors raise errors of their own that only quote its number."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    quoted = re.search(r"\(os error (\d+)\)", str(error))
    return os.strerror(int(quoted[1])) if quoted else None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, atomically."""
    try:
        data = text.encode()
    except UnicodeEncodeError as error:
        raise ReverieError(f"cannot write {path}: it would name a path that is not UTF-8; rename that file or folder") from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: str | os.PathLike[str], value: object) -> None:
    """Write `value` as indented JSON, atomically."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


LOCK = ".lock"
"""In a folder that is held."""
_PATIENCE = 1.0
"""Seconds after which a process that waits says so."""


@contextlib.contextmanager
def locked(path: str | os.PathLike[str], *, inside: bool = False, wait: bool = True) -> Iterator[None]:
    """Hold a file or a folder for one process, until the block or the process ends; others wait for it and say so.

    Parameters
    ----------
    path : path
        Need not be there.
    inside : bool
        Whether the lock lies in `path`, a folder, which is made; otherwise it lies in the cache.
    wait : bool
        Whether to wait for another process rather than to refuse.

    Raises
    ------
    RunError
        If another process holds it and `wait` is false.
    ReverieError
        If the lock cannot be written.
    """
    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.fsencode(Path(path).resolve())).hexdigest()[:32]
    file = Path(path).resolve() / LOCK if inside else cache_folder() / "locks" / f"{name}.lock"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(file, is_singleton=True)
        try:
            lock.acquire(timeout=_PATIENCE if wait else 0)
        except Timeout:
            if not wait:
                raise RunError(f"{path} is held by {_holder(file)}; wait until it ends, or choose another folder") from None
            print(f"waiting for {path}, which is held by {_holder(file)} (Ctrl-C gives up)", file=sys.stderr, flush=True)
            lock.acquire()
    except OSError as error:
        todo = "choose another folder" if inside else "set REVERIE_CACHE to a folder that can be written"
        raise ReverieError(f"cannot lock {path}: {file.parent}: {error.strerror or error}; {todo}") from error
    try:
        if lock.lock_counter == 1:
            with contextlib.suppress(OSError):
                file.write_text(f"process {os.getpid()} on {platform.node()}", encoding="utf-8")
        yield
    finally:
        if lock.lock_counter == 1:
            with contextlib.suppress(OSError):  # some systems keep a locked file as it is
                file.unlink()
        lock.release()


def _holder(lock: Path) -> str:
    """Return who holds a lock."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if noted := lock.read_text(encoding="utf-8")[:100].strip():
            return noted
    return "another process"


def append_csv(path: str | os.PathLike[str], columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows to a CSV table with fixed columns, which is rewritten atomically; without rows, check that some could be."""
    target, header = Path(path), ",".join(columns)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(columns), lineterminator="\n", extrasaction="raise")
    writer.writerows([{c: _cell(value) for c, value in row.items()} for row in rows])
    with locked(target):
        before = (regular(target).read_text(encoding="utf-8") if target.exists() else "") or header + "\n"
        if before.split("\n", 1)[0] != header:
            raise DataError(f"{target} has other columns than this version writes; move it away and run again")
        if rows:
            write_text(target, before + buffer.getvalue())
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with temporary_file(target.parent):
                pass
        except OSError as error:
            raise ReverieError(f"cannot write {target}: {error.strerror}; choose another folder") from error


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else value


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def digests(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """Return the SHA-256 of the files in a folder by their paths in it, hidden ones left out."""
    paths = sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): sha256(path) for path in paths}


def check_digests(folder: Path, stored: Mapping[str, str], remedy: str, error: type[ReverieError] = DataError) -> None:
    """Check that files are what they were when their SHA-256 was written down."""
    for name, digest in stored.items():
        if sha256(regular(folder / name)) != digest:
            raise error(f"{folder / name} cannot be read: it was changed after it was written; {remedy}")


def json_digest(values: Mapping[str, object]) -> str:
    """Return the SHA-256 of plain and finite values, in whatever order they stand."""
    return hashlib.sha256(json.dumps(values, sort_keys=True, allow_nan=False).encode()).hexdigest()


def sealed(values: Mapping[str, object]) -> dict[str, object]:
    """Return plain values with their own digest among them."""
    return {**values, "digest": json_digest(values)}


def check_seal(
    values: Mapping[str, object], path: Path, remedy: str, error: type[ReverieError] = DataError, *, required: bool = False
) -> None:
    """Check that values are those that were sealed; files of before have no seal, where it is not required."""
    if (required or "digest" in values) and values.get("digest") != json_digest(
        {name: one for name, one in values.items() if name != "digest"}
    ):
        raise error(f"{path} was changed after it was written; {remedy}")


def cache_folder() -> Path:
    """Return where downloads and conversions are kept: ``$REVERIE_CACHE``, or ``~/.cache/reverie``."""
    chosen = os.environ.get("REVERIE_CACHE")
    try:
        return (Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "reverie").expanduser()
    except RuntimeError as error:
        raise ReverieError(f"the cache cannot be found ({error}); set REVERIE_CACHE to a folder") from error
