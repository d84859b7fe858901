"""Files that are either whole or absent: everything Reverie writes goes through here."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reverie.documents import read_json as read_json
from reverie.documents import regular
from reverie.errors import DataError, ReverieError


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`, which takes the place of `path` when the block ends well."""
    final = Path(path)
    temporary: Path | None = None
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{final.name}.", dir=final.parent)
        os.close(handle)
        temporary = Path(name)
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
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


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


@contextlib.contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold a file for one process: others that ask for it wait."""
    from filelock import FileLock

    name = hashlib.sha256(os.fsencode(Path(path).resolve())).hexdigest()[:32]
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock", is_singleton=True):
        yield


def append_csv(path: str | os.PathLike[str], columns: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows to a CSV table with fixed columns; the table is rewritten atomically."""
    target, header = Path(path), ",".join(columns)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(columns), lineterminator="\n", extrasaction="raise")
    writer.writerows([{c: _cell(value) for c, value in row.items()} for row in rows])
    with locked(target):
        before = (regular(target).read_text(encoding="utf-8") if target.exists() else "") or header + "\n"
        if before.split("\n", 1)[0] != header:
            raise DataError(f"{target} has other columns than this version writes; move it away and run again")
        write_text(target, before + buffer.getvalue())


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


def check_seal(values: Mapping[str, object], path: Path, remedy: str, error: type[ReverieError] = DataError) -> None:
    """Check that values are those that were sealed; files of before have no seal."""
    if "digest" in values and values["digest"] != json_digest({name: one for name, one in values.items() if name != "digest"}):
        raise error(f"{path} was changed after it was written; {remedy}")


def cache_folder() -> Path:
    """Return where downloads and conversions are kept: ``$REVERIE_CACHE``, or ``~/.cache/reverie``."""
    chosen = os.environ.get("REVERIE_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reverie"
