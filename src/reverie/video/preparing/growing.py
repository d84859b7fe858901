"""Arrays in ``.npy`` files that grow row by row, and are cut back to what was written down when a process was killed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from reverie.errors import ReverieError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST = 1 << 29
"""Bytes after which the next file is begun."""


class GrowingArrays:
    """Files ``<stem>-00000.npy``, ``<stem>-00001.npy`` … of rows of one kind.

    Parameters
    ----------
    folder : Path
    stem : str
    dtype : numpy type
    row : tuple of int
        Shape of a row.
    ends : mapping of int to int
        Rows of each file that are to be kept; what stands behind them is cut off, and files that are not named are written anew.
    """

    def __init__(self, folder: Path, stem: str, dtype: Any, row: tuple[int, ...], ends: Mapping[int, int]) -> None:
        self._folder, self._stem, self._dtype, self._row = folder, stem, np.dtype(dtype), row
        self._bytes = int(self._dtype.itemsize * np.prod(row))
        self._ends = dict(ends)
        self._file: IO[bytes] | None = None
        self._number = max(self._ends, default=0)

    def path(self, number: int) -> Path:
        """Return the path of a file."""
        return self._folder / f"{self._stem}-{number:05d}.npy"

    def rows_there(self, number: int) -> int:
        """Return how many whole rows a file holds, whatever its header says; 0 if it is missing."""
        with contextlib.suppress(OSError):
            return max(0, (self.path(number).stat().st_size - self._header(0)[1]) // self._bytes)
        return 0

    def read(self, number: int, start: int, count: int) -> NDArray[Any]:
        """Return rows that a file holds, whatever its header says → [count, *row]."""
        at = self._header(0)[1] + start * self._bytes
        with self.path(number).open("rb") as file:
            file.seek(at)
            return np.frombuffer(file.read(count * self._bytes), self._dtype).reshape(count, *self._row)

    def append(self, rows: NDArray[Any]) -> tuple[int, int]:
        """Write rows at the end, and return the number of the file and the first of them there; rows [M, *row]."""
        if self._ends.get(self._number, 0) and self._ends[self._number] * self._bytes + rows.nbytes > LARGEST:
            self.close()
            self._number += 1
        with _said(self.path(self._number)):
            file = self._file or self._open()
            file.write(np.ascontiguousarray(rows, dtype=self._dtype).data)
            file.flush()
        start = self._ends.get(self._number, 0)
        self._ends[self._number] = start + len(rows)
        return self._number, start

    def close(self) -> None:
        """Write into the header of the open file how many rows it has."""
        if self._file is None:
            return
        with _said(self.path(self._number)), self._file as file:
            file.seek(0)
            file.write(self._header(self._ends.get(self._number, 0))[0])
            file.flush()
            os.fsync(file.fileno())
        self._file = None

    def _open(self) -> IO[bytes]:
        """Open the last file behind its last row that is kept."""
        path, kept = self.path(self._number), self._ends.get(self._number, 0)
        self._file = file = path.open("r+b" if kept else "w+b")
        header, length = self._header(kept)
        file.write(header)
        file.truncate(length + kept * self._bytes)
        file.seek(0, os.SEEK_END)
        return file

    def _header(self, count: int) -> tuple[bytes, int]:
        """Return the header of a file of some rows, and its length, which the number of rows does not change."""
        import io

        made = io.BytesIO()
        about = {"descr": np.lib.format.dtype_to_descr(self._dtype), "fortran_order": False, "shape": (count, *self._row)}
        np.lib.format.write_array_header_1_0(made, about)
        return made.getvalue(), made.tell()


@contextlib.contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReverieError(f"cannot write {path}: {error.strerror or error}; free some space or choose another folder") from error
