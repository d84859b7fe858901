"""Labels by folder: one for each class, perhaps below folders named after parts, or clips without labels."""

from __future__ import annotations

from pathlib import Path

from reverie.errors import DataError
from reverie.video.layouts.labelled import LabelledFile, is_video, videos_below

_PARTS = {
    "train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test",
}  # fmt: skip


def read_folders(folder: Path) -> list[LabelledFile]:
    """Read the class of each clip from the folder it is in.

    Where all folders are named after parts (train, val, test …), those below them are the classes; where there is no folder with
    clips, the clips have no label.
    """
    folders, loose = _inside(folder)
    if not folders:
        return [LabelledFile(path) for path in loose]
    if loose:
        raise DataError(
            f"{folder} holds folders and, beside them, videos such as {loose[0].name}; move those into the folder of their class"
        )
    if all(one.name.lower() in _PARTS for one in folders):
        return [file for one in folders for file in _classes(one, _PARTS[one.name.lower()])]
    return _classes(folder, "")


def _classes(folder: Path, part: str) -> list[LabelledFile]:
    folders, loose = _inside(folder)
    if loose and part:
        raise DataError(f"{folder} holds videos such as {loose[0].name} in no folder of a class; move them into one")
    found: list[LabelledFile] = []
    for one in folders:
        videos = videos_below(one)
        if not videos:
            raise DataError(f"label '{one.name}' has no clips: {one} holds no video; add some, or remove the folder")
        found += [LabelledFile(path, one.name, part=part) for path in videos]
    return found


def _inside(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders in a folder and the videos right in it, sorted; without videos below any, there are no folders."""
    inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    folders = [path for path in inside if path.is_dir()]
    loose = [path for path in inside if path.is_file() and is_video(path)]
    return (folders if any(videos_below(one) for one in folders) else []), loose
