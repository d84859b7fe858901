"""Sets with features of items beside the events: folders of MMRec, and the matrices of DiffMM and MMSSL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from reverie.data.content import ItemFeatures
from reverie.data.dataset import Order
from reverie.data.loaded import Loaded
from reverie.data.readers import read_features
from reverie.data.readers.convert import to_ids
from reverie.data.readers.formats import open_table
from reverie.data.sources.fetch import find_file
from reverie.errors import DataError, short
from reverie.packed import unpacked
from reverie.seeds import numpy_generator

PARTS = ("train", "valid", "test")
MATRICES = {"train": "trnMat.npz", "valid": "valMat.npz", "test": "tstMat.npz"}


def read_mmrec(folder: Path) -> Loaded:
    """Read a folder of MMRec: ``*.inter`` and features ``*_feat.npy``, whose row is the id of the item.

    Parameters
    ----------
    folder : path
        The ``.inter`` file has tabs and the columns userID, itemID, and perhaps rating, timestamp and x_label (0 for training, 1
        for validation, 2 for the test), which makes the split ``given``.

    Returns
    -------
    Loaded
        Ordered by the times where there are any; ``image_feat.npy`` is the modality ``image``, and so on.

    Raises
    ------
    DataError
        If there is no such file or more than one, a column or label is wrong, or features have not one row for each item.
    """
    found = sorted(folder.glob("*.inter")) if folder.is_dir() else []
    if len(found) != 1:
        raise DataError(f"{folder} has {len(found)} files that end in .inter; give a folder of MMRec, which has one")
    path = found[0]
    with open_table(path) as table:
        missing = [name for name in ("userID", "itemID") if name not in table.columns]
        if missing:
            raise DataError(f"{path} has no column '{missing[0]}'; its columns are {', '.join(table.columns)}")
        more = [name for name in ("rating", "timestamp", "x_label") if name in table.columns]
        frame = table.read(["userID", "itemID", *more], ids=["userID", "itemID"])
    items = to_ids(frame["itemID"], str(path), "item")
    events = pl.DataFrame({"user": to_ids(frame["userID"], str(path), "user"), "item": items})
    if items.dtype != pl.Int64:
        raise DataError(f"{path} has item ids that are no whole numbers, as {items[0]!r}, but the rows of features are numbered")
    for name, dtype in (("timestamp", pl.Int64), ("rating", pl.Float32)):
        if name in more:
            events = events.with_columns(frame[name].cast(dtype, strict=False).alias(name))
            if events[name].null_count():
                raise DataError(f"{path} row {int(events[name].is_null().arg_max() or 0) + 1} has no number as {name}; correct it")
    notes = []
    if "x_label" in more:
        labels = frame["x_label"].cast(pl.Int64, strict=False)
        if not labels.is_between(0, 2).fill_null(False).all():
            raise DataError(f"{path}: column 'x_label' must hold 0, 1 and 2 alone; correct it")
        events = events.with_columns(labels.replace_strict(dict(enumerate(PARTS)), return_dtype=pl.String).alias("part"))
    else:
        notes.append("there is no x_label, so the log does not come split")
    order: Order = "timestamp" if "timestamp" in more else "source"
    content, noted = _numbered_features(folder, int(items.max()) + 1)  # type: ignore[arg-type]  # whole numbers
    return Loaded(events, pl.DataFrame({"item": items.head(0)}), order, (*notes, *noted), content)


def read_matrices(folder: Path) -> Loaded:
    """Read ``trnMat.npz``, ``valMat.npz`` and ``tstMat.npz``, users by items, and features whose row is the column of the item.

    A matrix ascends by item within a user, which a model of histories would take for the order of the clicks ("the next item has a
    greater number"), so events are laid out by a fixed draw.
    """
    parts, n_items = {}, 0
    for part, name in MATRICES.items():
        path = find_file(folder, name)
        users, items, width = _read_matrix(path)
        order = numpy_generator(0, "events of a matrix", part).permutation(len(users))
        parts[part] = pl.DataFrame({"user": users[order].astype(np.int64), "item": items[order].astype(np.int64)})
        n_items = max(n_items, width)
    loaded = Loaded.of_parts(parts, "none")
    content, notes = _numbered_features(folder, n_items)
    return Loaded(loaded.events, loaded.catalog, loaded.order, notes, content)


def _read_matrix(path: Path) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """Return the row and the column of each entry of a sparse matrix, and how many columns there are."""
    from scipy.sparse import load_npz

    with unpacked(path) as plain:
        try:
            matrix: Any = load_npz(plain)
            matrix = matrix.tocoo()
        except (ValueError, OSError, EOFError, KeyError, AttributeError) as error:
            raise DataError(f"{path} is no sparse matrix of SciPy ({short(str(error))}); fetch the dataset again") from error
    return matrix.row, matrix.col, int(matrix.shape[1])


def _numbered_features(folder: Path, n_items: int) -> tuple[dict[str, ItemFeatures], tuple[str, ...]]:
    """Return the features ``*_feat.npy`` of items 0 … n_items - 1, and which of the usual kinds are missing."""
    content = {}
    for path in sorted(folder.glob("*_feat.npy")):
        features = read_features(path, "from 0")
        if len(features.ids) != n_items:
            raise DataError(f"{path} has {len(features.ids):,} rows, and there are {n_items:,} items; give one row for each")
        content[path.stem.removesuffix("_feat")] = features
    missing = [kind for kind in ("image", "text") if kind not in content]
    return content, (f"there are no features of the {' and the '.join(missing)}",) if missing else ()
