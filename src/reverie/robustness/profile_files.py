"""Fake profiles on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.data.profiles import Profiles
from reverie.files import atomic_path
from reverie.study.store import unreadable

if TYPE_CHECKING:
    from reverie.study.store import Piece

_FILE = "profiles.parquet"


def write_profiles(folder: Path, profiles: Profiles) -> None:
    """Write profiles into a folder."""
    frame = pl.DataFrame({"profile": profiles.owners, "item": profiles.items, "rating": profiles.ratings})
    with atomic_path(folder / _FILE) as temporary:
        frame.write_parquet(temporary)


def read_profiles(piece: Piece) -> Profiles:
    """Read the profiles of a finished piece, whose notes say how many there are."""
    try:
        frame = pl.read_parquet(piece.folder / _FILE)
        counts = np.bincount(frame["profile"].to_numpy(), minlength=int(piece.notes["n"]))
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Profiles(frame["item"].to_numpy().astype(np.int32), frame["rating"].to_numpy().astype(np.float32), offsets)
    except (OSError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise unreadable(piece.folder) from error
