"""Named sets of recorded clips: prepared once, and given the classes, sources and folds that their tables hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from reverie.errors import DataError
from reverie.files import cache_folder
from reverie.video.clip_set import ClipSet
from reverie.video.layouts.labelled import read_records
from reverie.video.layouts.table import TABLE
from reverie.video.named_sets.facts import NAMED
from reverie.video.prepare import prepare_folder
from reverie.video.preparing.options import PrepareOptions
from reverie.video.splits import with_folds

FOLDS = 5


def find_folder(name: str) -> Path:
    """Return the folder of a named set below ``$REVERIE_DATA``."""
    root = os.environ.get("REVERIE_DATA")
    todo = f"get it from {NAMED[name].homepage} and set REVERIE_DATA to the folder that holds {name}"
    if not root:
        raise DataError(f"clips '{name}' are looked for below REVERIE_DATA, which is not set; {todo}")
    folder = Path(root).expanduser() / name
    if not folder.is_dir():
        raise DataError(f"{folder} is not there; {todo}")
    return folder


def open_recorded(
    name: str, folder: Path, size: int, say: Callable[[str], None], show: bool
) -> tuple[ClipSet, tuple[str, ...] | None]:
    """Prepare a named set in the cache, or open what is there.

    Parameters
    ----------
    name : str
        One of `CHANGES`.
    folder : Path
        As published; ``fight-300`` with a table of labels, sources and folds.
    size : int
        Width and height of the stored frames.
    say : callable
        Is told what is expected.
    show : bool
        Whether to show progress.

    Returns
    -------
    (ClipSet, tuple of str or None)
        The clips, and what the file of each tells of it.
    """
    change = CHANGES[name]
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]
    out = cache_folder() / "video" / f"{name}-{size}-{place}"
    prepared = prepare_folder(folder, out, PrepareOptions(size=size), show=show, say=say)
    return change(replace(prepared.clips, name=name), folder / TABLE)


def _colored(clips: ClipSet, table: Path) -> tuple[ClipSet, None]:
    """Put clips of one colour and shape, which are named alike but for a number, into one fold."""
    pairs = tuple(Path(one).stem.rpartition("_")[0] for one in clips.ids)
    return with_folds(replace(clips, groups=pairs), FOLDS), None


def _fight(clips: ClipSet, table: Path) -> tuple[ClipSet, tuple[str, ...]]:
    """Call the classes by name; the sizes and frame rates of the published files are what tells a class without looking."""
    rows = {row.get("file", ""): row for row in read_records(table)}
    if set(clips.classes) != {"0", "1"} or not all(
        {"source", "fold", "orig_size", "orig_fps"} <= row.keys() for row in rows.values()
    ):
        raise DataError(f"{table} must have the columns file, label (0 or 1), source, fold, orig_size and orig_fps; add them")
    found = [rows[one] for one in clips.ids]
    return replace(clips, classes=("no fight", "fight")), tuple(f"{row['orig_size']} {row['orig_fps']}" for row in found)


CHANGES: dict[str, Callable[[ClipSet, Path], tuple[ClipSet, tuple[str, ...] | None]]] = {
    "colored-shape-actions": _colored,
    "fight-300": _fight,
}
"""What becomes of the prepared clips of a set, by its table."""
