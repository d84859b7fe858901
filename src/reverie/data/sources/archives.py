"""Files out of archives that may be damaged, encrypted, endless, or of a kind that cannot be read."""

from __future__ import annotations

import contextlib
import errno
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from reverie.data.sources.download import MOST
from reverie.errors import DataError

_FAULTS = (
    zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error, RuntimeError, ValueError,
    LookupError, ArithmeticError,
)  # fmt: skip
"""What reading an archive raises: RuntimeError is that of encrypted, unknown and endlessly linked members."""


def copy_within(source: IO[bytes], sink: IO[bytes], what: str, most: int = MOST) -> None:
    """Copy a stream; one of more bytes than `most` is an error."""
    left = most
    while block := source.read(1 << 20):
        left -= len(block)
        if left < 0:
            raise DataError(f"{what} is larger than {most:,} bytes when it is unpacked")
        sink.write(block)


def extract_zipped(archive: Path, member: str, target: Path, most: int = MOST) -> None:
    """Copy one file of a zip archive."""
    with _readable(archive.name), zipfile.ZipFile(archive) as opened:
        if member not in opened.namelist():
            raise DataError(f"{archive.name} holds no file {member}")
        with opened.open(member) as source, target.open("wb") as sink:
            copy_within(source, sink, member, most)


def extract_tar(plain: Path, name: str, members: Sequence[str], target: Path) -> None:
    """Copy some files of a tar archive, wherever they lie in it, into one folder; links are not followed."""
    with _readable(name), tarfile.open(plain) as opened:
        found = {info.name: info for info in opened}
        for member in members:
            if member not in found:
                raise DataError(f"{name} holds no file {member}; fetch the dataset again")
            source = opened.extractfile(found[member]) if found[member].isreg() else None
            if source is None:
                raise DataError(f"{name} holds {member} as something else than a plain file; fetch the dataset again")
            with source, (target / Path(member).name).open("wb") as sink:
                copy_within(source, sink, member)


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    """Turn what reading an archive raises into one sentence; what the system refuses, such as a full disk, stays."""
    try:
        yield
    except (*_FAULTS, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{name} is damaged, or cannot be unpacked ({reason}); fetch the dataset again") from error
