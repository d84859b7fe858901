"""A file and what is known of it, and the small steps that all readers of labels share."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reverie.documents import LARGEST, read_json, regular
from reverie.errors import DataError, short

_ENDS = ".avi .mp4 .m4v .mov .mkv .webm .mpg .mpeg .ts .mts .m2ts .3gp .flv .wmv .ogv .ogg .gif .y4m .vob .asf .divx"
SUFFIXES = frozenset(_ENDS.split())
"""Ends of the names of videos, lower case."""


@dataclass(frozen=True)
class LabelledFile:
    """A clip that a folder names.

    Parameters
    ----------
    path : Path
        It may be missing where the table of a published set names it.
    label : str or None
        Name of the class; None where there is none.
    group : str
        What it was cut from; clips of one group never stand on both sides of a split. Empty where that is not known.
    fold : int
        Number of the fold, or -1.
    part : {"", "train", "valid", "test"}
        As published.
    """

    path: Path
    label: str | None = None
    group: str = ""
    fold: int = -1
    part: str = ""


def is_video(path: Path) -> bool:
    """Return whether a file is named as videos are and is not hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def videos_below(folder: Path) -> list[Path]:
    """Return the videos in a folder and in those below it, sorted; hidden ones and links to folders are left out."""
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [path for name in names if is_video(path := Path(root, name))]
    return sorted(found)


def videos_by_stem(folder: Path, where: str) -> dict[str, Path]:
    """Return the videos below a folder by their names without suffix."""
    found: dict[str, Path] = {}
    for path in videos_below(folder):
        if path.stem in found:
            raise DataError(f"{folder} holds two videos named {path.stem}, so {where} cannot tell them apart; remove one")
        found[path.stem] = path
    return found


def read_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the words of each line of a text file that has any."""
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if words := line.split():
            yield number, words


def read_text(path: Path) -> str:
    """Return a text file as UTF-8, without its byte order mark."""
    try:
        return regular(path, LARGEST).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8") from error


def read_records(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file by column; each has as many values as there are columns."""
    try:
        lines = list(csv.reader(read_text(path).splitlines(), strict=True))
    except csv.Error as error:
        raise DataError(f"{path} is not valid CSV ({error}); write it again") from error
    rows = [(number, line) for number, line in enumerate(lines, 1) if line]
    if len(rows) < 2:
        raise DataError(f"{path} has no rows; write a line with the names of columns, then one for each clip")
    columns = [name.strip() for name in rows[0][1]]
    if len(set(columns)) < len(columns):
        raise DataError(f"{path} has two columns of one name; rename one of them")
    for number, line in rows[1:]:
        if len(line) != len(columns):
            raise DataError(f"{path}, row {number}: {len(line)} values for {len(columns)} columns; correct the row")
    return [dict(zip(columns, (value.strip() for value in line), strict=True)) for _, line in rows[1:]]


def read_list(path: Path, keys: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return a JSON list of objects that all have some keys."""
    found = read_json(path)
    if not isinstance(found, list):
        raise DataError(f"{path} holds no list; fetch the file again")
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict) or any(key not in one for key in keys):
            raise DataError(f"{path}, entry {number}: {short(repr(one))} has no {' and '.join(keys)}; fetch the file again")
    return found
