"""Which reader of labels a folder takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reverie.errors import DataError, unknown
from reverie.video.layouts.diving48 import find_list, read_diving48
from reverie.video.layouts.folders import read_folders
from reverie.video.layouts.hmdb51 import read_hmdb51, split_files
from reverie.video.layouts.labelled import LabelledFile
from reverie.video.layouts.ssv2 import find_lists, read_ssv2
from reverie.video.layouts.table import TABLE, read_clip_table
from reverie.video.layouts.ucf101 import LISTS, read_ucf101

_READERS: dict[str, tuple[Callable[[Path], bool], Callable[[Path, int], list[LabelledFile]]]] = {
    "clips.csv": (lambda folder: (folder / TABLE).is_file(), lambda folder, split: read_clip_table(folder)),
    "ucf101": (lambda folder: (folder / LISTS).is_dir(), read_ucf101),
    "hmdb51": (lambda folder: bool(split_files(folder)), read_hmdb51),
    "ssv2": (lambda folder: {"labels", "train"} <= find_lists(folder).keys(), lambda folder, split: read_ssv2(folder)),
    "diving48": (lambda folder: find_list(folder, "train") is not None, lambda folder, split: read_diving48(folder)),
    "folders": (lambda folder: True, lambda folder, split: read_folders(folder)),
}
"""By name: whether a folder looks like it, and the reader of a folder and the number of a split."""
LAYOUTS = ("auto", *_READERS)
"""Names of layouts; "auto" takes the first that a folder looks like."""


def read_layout(folder: Path, layout: str = "auto", split: int = 1) -> list[LabelledFile]:
    """Read which clips a folder names, and their labels.

    Parameters
    ----------
    folder : Path
    layout : str
        One of `LAYOUTS`.
    split : {1, 2, 3}
        Which published split of UCF101 and HMDB51.

    Returns
    -------
    list of LabelledFile
        Sorted by path. Files that ``clips.csv`` names are there; those that a published list names may be missing.

    Raises
    ------
    ConfigError
        If there is no such layout.
    DataError
        If the folder, or a table in it, cannot be read, holds no clip, or has a label without clips.
    """
    if layout not in LAYOUTS:
        raise unknown("layout", layout, LAYOUTS)
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; name a folder of clips")
    if not 1 <= split <= 3:
        raise DataError(f"there is no split {split}; choose 1, 2 or 3")
    name = next(name for name, (fits, _) in _READERS.items() if layout == name or (layout == "auto" and fits(folder)))
    found = sorted(_READERS[name][1](folder, split), key=lambda file: file.path.as_posix())
    if not found:
        raise DataError(f"{folder} holds no video; name a folder of clips")
    if name not in ("folders", "clips.csv") and not any(file.path.is_file() for file in found):
        raise DataError(f"{folder} holds none of the {len(found):,} clips that its lists name; put the videos there")
    return found
