"""The index of a prepared folder: facts, classes, settings and digest; and the set of clips that it describes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reverie.documents import read_as, read_json
from reverie.errors import DataError
from reverie.files import check_seal, sealed, write_json
from reverie.video.clip_set import PARTS, ClipSet, clip_digest
from reverie.video.shards import Shards, open_shards

INDEX = "index.json"
VERSION = 1


@dataclass(frozen=True)
class Columns:
    """What is known of each clip, one value each; as `ClipSet` has it, where its frames are, and facts of its file."""

    ids: list[str]
    labels: list[int]
    groups: list[str]
    folds: list[int]
    parts: list[str]
    counts: list[int]
    fps: list[float]
    sha256: list[str]
    shard: list[int]
    start: list[int]
    seconds: list[float]
    file_frames: list[int]
    width: list[int]
    height: list[int]
    lost: list[int]
    sound: list[str]
    sound_shard: list[int]
    sound_start: list[int]
    sound_count: list[int]


@dataclass(frozen=True)
class Index:
    """What ``index.json`` holds.

    Parameters
    ----------
    version : int
    name : str
    source : str
        The folder the clips were read from.
    settings : mapping
        Of the preparation.
    size : int
        Side of a frame.
    classes : list of str
    shards, sound_shards : list of str
        Names of files of frames, and of log-mel bands.
    clips : Columns
    clips_sha256 : str
        ``ClipSet.digest``.
    """

    version: int
    name: str
    source: str
    settings: dict[str, Any]
    size: int
    classes: list[str]
    shards: list[str]
    sound_shards: list[str]
    clips: Columns
    clips_sha256: str


def write_index(folder: Path, index: Index) -> None:
    """Write the index of a folder."""
    write_json(folder / INDEX, sealed(asdict(index)))


def read_index(folder: str | Path) -> Index:
    """Read and check the index of a prepared folder.

    Raises
    ------
    DataError
        If the folder is not prepared, or its index was changed.
    """
    path = Path(folder) / INDEX
    if not path.exists():
        kind = "was not prepared to its end" if (path.parent / "prepare.json").exists() else "is no prepared folder"
        raise DataError(f"{folder} {kind}; run: reverie video prepare FOLDER --out {folder}")
    remedy = f"delete {folder} and prepare it again"
    values = read_json(path)
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise DataError(f"{path} is not an index of this version; {remedy}")
    check_seal(values, path, remedy, required=True)
    index = read_as(Index, path, remedy)
    lengths = {len(column) for column in asdict(index.clips).values()}
    if len(lengths) != 1 or set(index.clips.parts) - set(PARTS) or any(Path(name).name != name for name in index.shards):
        raise DataError(f"{path} does not fit together; {remedy}")
    return index


def open_prepared(folder: str | Path, check: bool = True) -> ClipSet:
    """Open a folder that `prepare_folder` made; frames are mapped into memory.

    Parameters
    ----------
    folder : path
    check : bool
        Whether to read all frames once, and compare them with their digests.

    Raises
    ------
    DataError
        If the folder is not prepared, or its files are not whole; or, where they are checked, were changed.
    """
    folder = Path(folder)
    index = read_index(folder)
    clips = index.clips
    arrays = open_shards([folder / name for name in index.shards], (index.size, index.size))
    shard, start, counts = (_whole(folder, column) for column in (clips.shard, clips.start, clips.counts))
    _check_places(folder, [len(array) for array in arrays], shard, start, counts)
    labels, folds = _whole(folder, clips.labels), _whole(folder, clips.folds)
    if len(labels) and (labels.min() < -1 or labels.max() >= len(index.classes)):
        raise DataError(f"{folder / INDEX} names a class that it does not list; delete {folder} and prepare it again")
    found = ClipSet(
        index.name, folder, tuple(index.classes), tuple(clips.ids), labels, tuple(clips.groups), folds,
        tuple(clips.parts), counts, np.array(clips.fps, dtype=np.float64), tuple(clips.sha256), Shards(arrays, shard, start),
    )  # fmt: skip
    changed = [name for i, name in enumerate(found.ids) if check and clip_digest(found.frames(i)) != found.sha256[i]]
    if changed:
        raise DataError(
            f"{folder}: the frames of {changed[0]} were changed after they were written; delete {folder} and prepare it again"
        )
    return found


def _check_places(folder: Path, rows: Sequence[int], shard: Any, start: Any, counts: Any) -> None:
    """Refuse clips that lie outside of the arrays."""
    if not len(rows) or (shard < 0).any() or (shard >= len(rows)).any():
        raise DataError(f"{folder / INDEX} does not fit together; delete {folder} and prepare it again")
    if (start < 0).any() or (counts < 1).any() or (start > np.array(rows)[shard] - counts).any():
        raise DataError(f"{folder} lacks frames that its index names; delete {folder} and prepare it again")


def _whole(folder: Path, values: Sequence[int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError as error:
        raise DataError(f"{folder / INDEX} holds a number that is too large; delete {folder} and prepare it again") from error
