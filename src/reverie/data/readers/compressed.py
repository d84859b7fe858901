"""Decompression of xz and gzip files into a temporary file."""

from __future__ import annotations

import contextlib
import gzip
import lzma
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from reverie.errors import DataError

SUFFIXES = (".xz", ".gz")


@contextlib.contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield the path of the uncompressed content: the path itself, or a temporary copy."""
    if not path.is_file():
        kind = "is a folder, not a file" if path.is_dir() else "does not exist"
        raise DataError(f"{path} {kind}; check the path")
    if path.suffix not in SUFFIXES:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="reverie-") as folder:
        target = Path(folder) / path.stem
        try:
            with _packed(path) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path} is cut short or damaged ({error}); fetch or compress it again") from error
        yield target


def _packed(path: Path) -> lzma.LZMAFile | gzip.GzipFile:
    return lzma.LZMAFile(path) if path.suffix == ".xz" else gzip.GzipFile(path)
