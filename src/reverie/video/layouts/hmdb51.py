"""Labels of HMDB51 (Kuehne et al., ICCV 2011): for each class and split a text file of 1 (train), 2 (test) and 0 (in neither)."""

from __future__ import annotations

import re
from pathlib import Path

from reverie.errors import DataError, short
from reverie.video.layouts.labelled import LabelledFile, read_lines, videos_below

_FILE = re.compile(r"(?P<label>.+)_test_split(?P<split>[123])\.txt")
_PARTS = {"0": "", "1": "train", "2": "test"}


def split_files(folder: Path, split: int | None = None) -> dict[str, Path]:
    """Return the text files of one split, or of any, by class; they may lie in a folder of their own."""
    found = {}
    for path in sorted([*folder.glob("*_test_split?.txt"), *folder.glob("*/*_test_split?.txt")]):
        parsed = _FILE.fullmatch(path.name)
        if parsed and split in (None, int(parsed["split"])):
            found[parsed["label"]] = path
    return found


def read_hmdb51(folder: Path, split: int) -> list[LabelledFile]:
    """Read the clips of one of the three splits.

    A clip's group is its name before the class and the five properties that follow it, the name of the video it was cut from (our
    reading of how the files are named).
    """
    files = split_files(folder, split)
    if not files:
        raise DataError(f"{folder} has no files *_test_split{split}.txt; unpack the published splits there")
    places = {(path.parent.name, path.name): path for path in videos_below(folder)}
    found: list[LabelledFile] = []
    for label, path in files.items():
        for number, words in read_lines(path):
            if len(words) != 2 or words[1] not in _PARTS:
                raise DataError(f"{path}, line {number}: '{short(' '.join(words))}' is no name and 0, 1 or 2; fetch it again")
            name = words[0]
            source = name.rpartition(f"_{label}_")[0]
            place = places.get((label, name), folder / label / name)
            found.append(LabelledFile(place, label, source, -1, _PARTS[words[1]]))
    return found
