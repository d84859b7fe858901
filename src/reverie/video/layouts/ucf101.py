"""Labels of UCF101 (arXiv 1212.0402): text files of three published splits; clips of one group were cut from one video."""

from __future__ import annotations

import re
from pathlib import Path

from reverie.errors import DataError, short
from reverie.video.layouts.labelled import LabelledFile, read_lines, videos_below

LISTS = "ucfTrainTestlist"
_NAME = re.compile(r"v_(?P<label>\w+)_(?P<group>g\d+)_c\d+")


def read_ucf101(folder: Path, split: int) -> list[LabelledFile]:
    """Read the clips of one of the three splits; the index in ``classInd.txt`` must agree with the lists where they name it."""
    lists = folder / LISTS
    index = {words[1]: words[0] for _, words in read_lines(lists / "classInd.txt") if len(words) == 2}
    if not index:
        raise DataError(f"{lists / 'classInd.txt'} names no class; fetch the file again")
    places = {path.name: path for path in videos_below(folder)}
    found: list[LabelledFile] = []
    for part in ("train", "test"):
        path = lists / f"{part}list{split:02d}.txt"
        for number, (name, *number_of_class) in read_lines(path):
            label, _, file = name.rpartition("/")
            parsed = _NAME.fullmatch(Path(file).stem)
            if label not in index or parsed is None or number_of_class not in ([], [index[label]]):
                raise DataError(
                    f"{path}, line {number}: '{short(name)}' is no clip of a class of classInd.txt; fetch the lists again"
                )
            place = places.get(file, folder / name)
            found.append(LabelledFile(place, label, f"{label}_{parsed['group']}", -1, part))
    return found
