"""Real profiles that people have labelled as spam or genuine: detection without made-up attacks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from scipy.sparse import csr_array

from reverie.data.sequences import Sequences
from reverie.data.sources.files import find_file, read_fields
from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.robustness.detectors.detector import Evidence
from reverie.robustness.ratings import Ratings, Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILES = ("profiles.tsv", "labels.tsv")
"""User, item, rating; and user, label: 1 spam, 0 genuine. Tab-separated, without a header."""


def labelled_folder(name: str = "sdlib-amazon") -> Path:
    """Find a folder of labelled profiles under ``$REVERIE_DATA/shilling``."""
    root = os.environ.get("REVERIE_DATA")
    if not root:
        raise DataError(f"labelled profiles '{name}' are not fetched by us; set REVERIE_DATA to a folder with shilling/{name}")
    folder = Path(root) / "shilling" / name
    for file in FILES:
        find_file(folder, file)
    return folder


def read_labelled_profiles(folder: str | Path) -> tuple[Evidence, NDArray[np.bool_]]:
    """Read profiles and labels → [U]."""
    folder = Path(folder)
    rated = read_fields(find_file(folder, FILES[0]), "\t", ["user", "item", "rating"])
    rated = rated.with_columns(pl.col("rating").cast(pl.Float64, strict=False)).unique(
        ["user", "item"], keep="last", maintain_order=True
    )
    known = read_fields(find_file(folder, FILES[1]), "\t", ["user", "label"])
    if rated.is_empty() or rated["rating"].null_count():
        raise DataError(f"{folder}/{FILES[0]} has a line without a rating; give user, item and rating, separated by tabs")
    if not known["label"].is_in(["0", "1"]).all() or known["user"].n_unique() != known.height:
        raise DataError(f"{folder}/{FILES[1]} must give each user once, with the label 1 (spam) or 0 (genuine)")
    users, items = rated["user"].unique().sort(), rated["item"].unique().sort()
    truth = pl.DataFrame({"user": users}).join(known, on="user", how="left", maintain_order="left")["label"]
    if truth.null_count():
        raise DataError(f"{folder}/{FILES[1]} has no label for user {users.filter(truth.is_null())[0]}; label every rated user")
    row = np.searchsorted(users.to_numpy().astype(str), rated["user"].to_numpy().astype(str))
    column = np.searchsorted(items.to_numpy().astype(str), rated["item"].to_numpy().astype(str))
    value = rated["rating"].to_numpy().astype(np.float32)
    ratings = Ratings(_matrix(row, column, value, (len(users), len(items))), _scale(value))
    order = np.argsort(row, kind="stable")
    order = order[ratings.scale.likes(value[order])]
    stops = np.cumsum(np.bincount(row[order], minlength=len(users)))
    starts = np.concatenate([[0], stops[:-1]])
    some = np.flatnonzero(stops > starts)
    likes = Sequences(
        column[order].astype(np.int32) + 1, starts[some], stops[some], some, Vocabulary(items.rename("item"), users.rename("user"))
    )
    return Evidence(ratings, likes), (truth == "1").to_numpy()


def _matrix(row: NDArray[np.int64], column: NDArray[np.int64], value: NDArray[np.float32], shape: tuple[int, int]) -> csr_array:
    order = np.lexsort((column, row))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return csr_array((value[order], column[order], offsets), shape=shape)


def _scale(values: NDArray[np.float32]) -> Scale:
    levels = np.unique(values.astype(np.float64))
    low, high = float(levels[0]), float(levels[-1])
    return Scale(low, high, float(np.diff(levels).min()) if len(levels) > 1 else 0.0, low + 0.75 * (high - low))
