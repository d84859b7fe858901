"""Compressed files: told by their first bytes, unpacked beside the temporary files, and bounded."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from reverie.errors import DataError
from reverie.scratch import temporary_folder

MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst", b"PK\x03\x04": ".zip"}
"""First bytes of packed files, and the suffix that says the same."""
SUFFIXES = tuple(MAGIC.values())
RATIO, FREE = 250, 1 << 26
"""A file that unpacks to more than so many times its size, and to more than 64 MB, is taken for a bomb."""
_ERRORS = (EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile, RuntimeError, ValueError, OSError)


def without_packing(path: Path) -> Path:
    """Return a path without the suffix of its compression."""
    return path.with_suffix("") if path.suffix.lower() in SUFFIXES else path


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield the path of the uncompressed content: the path itself, or a temporary copy with the suffix of the content."""
    require_file(path)
    packing = _packing(path)
    if packing is None:
        yield path
        return
    with temporary_folder() as folder:
        try:
            with _opened(path, packing) as (source, name):
                target = folder / name
                _copy(source, target, path)
        except _ERRORS as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise DataError(
                    f"{path} cannot be unpacked into {folder} ({error.strerror}); free some space or set TMPDIR"
                ) from error
            raise DataError(f"{path} is cut short or damaged ({error}); fetch or compress it again") from error
        if _packing(target) is not None:
            raise DataError(f"{path} is packed twice; unpack it once")
        yield target


def require_file(path: Path) -> None:
    """Raise where a path is no regular file with a name in UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise DataError(f"the path {str(path)!a} is not UTF-8; rename it") from None
    if not path.is_file():
        kind = "is a folder, not a file" if path.is_dir() else "is no regular file" if path.exists() else "does not exist"
        pattern = not path.exists() and any(sign in str(path) for sign in "*?[")
        what = "a path is no pattern here: give one file, or the folder of all parts" if pattern else "check the path"
        raise DataError(f"{path} {kind}; {what}")


def _packing(path: Path) -> str | None:
    """Return the suffix of a file's compression, by its first bytes, else by its name."""
    with path.open("rb") as handle:
        head = handle.read(6)
    named = path.suffix.lower() if path.suffix.lower() in SUFFIXES else None
    found = next((suffix for magic, suffix in MAGIC.items() if head.startswith(magic)), None)
    return named if found == ".zip" else found or named  # other formats are archives of this kind too


@contextlib.contextmanager
def _opened(path: Path, packing: str) -> Iterator[tuple[IO[bytes], str]]:
    """Yield the unpacked bytes, and what the file is called inside."""
    name = without_packing(path).name
    if packing == ".zip":
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.namelist() if not m.endswith("/") and not m.startswith("__MACOSX")]
            if len(members) != 1:
                raise DataError(f"{path} holds {len(members)} files; unpack it and give one of them, or the folder")
            inside = Path(members[0]).name
            with archive.open(members[0]) as source:
                yield source, inside if Path(inside).suffix else name
    elif packing == ".zst":
        try:
            import pyarrow
        except ImportError as error:
            raise DataError(f"{path} is unpacked by pyarrow, which is not installed; run 'pip install pyarrow'") from error
        with pyarrow.input_stream(str(path), compression="zstd") as source:
            yield source, name
    else:
        opener = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File, ".xz": lzma.LZMAFile}[packing]
        with opener(path) as source:
            yield source, name


def _copy(source: IO[bytes], target: Path, path: Path) -> None:
    """Copy in pieces, up to the bound."""
    most, written = max(RATIO * path.stat().st_size, FREE), 0
    with target.open("wb") as sink:
        while piece := source.read(1 << 20):
            written += len(piece)
            if written > most:
                raise DataError(f"{path} unpacks to more than {RATIO} times its size; unpack it yourself if that is right")
            sink.write(piece)
