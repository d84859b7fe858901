"""Vectors of a long pass, kept a piece at a time beside their file until it is whole, so that a pass that was cut goes on."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reverie.documents import regular
from reverie.errors import RunError
from reverie.files import atomic_path, sha256

if TYPE_CHECKING:
    from numpy.typing import NDArray


def write_piece(folder: Path, at: int, values: NDArray[np.float32]) -> None:
    """Write the vectors that begin at a place of a pass, in a file whose name holds their digest."""
    made = io.BytesIO()
    np.save(made, values, allow_pickle=False)
    with atomic_path(folder / f"{at:09d}-{hashlib.sha256(made.getbuffer()).hexdigest()}.npy") as temporary:
        temporary.write_bytes(made.getbuffer())


def has_piece(folder: Path, at: int) -> bool:
    """Return whether the piece that begins at a place is there, and as it was written."""
    return _whole(folder, at) is not None


def read_piece(folder: Path, at: int) -> NDArray[np.float32]:
    """Return the vectors of a piece."""
    path = _whole(folder, at)
    if path is None:
        raise RunError(f"{folder} was changed while vectors were made; give the command again")
    found: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return found


def _whole(folder: Path, at: int) -> Path | None:
    return next((path for path in folder.glob(f"{at:09d}-*.npy") if path.stem[10:] == sha256(regular(path))), None)
