"""Labels by a table ``clips.csv``: file and label, perhaps source, fold and part."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from reverie.errors import DataError, short
from reverie.video.layouts.labelled import LabelledFile, read_records

TABLE = "clips.csv"
_USUAL = {
    "file": ("file", "path", "clip", "video"),
    "label": ("label", "action", "class"),
    "group": ("source", "group"),
    "fold": ("fold",),
    "part": ("split", "part"),
}
_DIGITS = 6
_PARTS = {"": "", "train": "train", "valid": "valid", "val": "valid", "validation": "valid", "dev": "valid", "test": "test"}


def read_clip_table(folder: Path) -> list[LabelledFile]:
    """Read the clips that ``clips.csv`` names, whose paths are relative to its folder; an empty label is none."""
    table = folder / TABLE
    rows = read_records(table)
    columns = {role: next((name for name in names if name in rows[0]), None) for role, names in _USUAL.items()}
    if columns["file"] is None:
        raise DataError(f"{table} has no column 'file'; its columns are {', '.join(rows[0])}: name the clips in a column 'file'")
    found = [_read_row(folder, table, columns, row, number) for number, row in enumerate(rows, 2)]
    path, times = Counter(file.path for file in found).most_common(1)[0]
    if times > 1:
        raise DataError(f"{table} names {path.relative_to(folder)} in {times} rows; keep one of them")
    missing = [file.path for file in found if not file.path.is_file()]
    if missing:
        some = f"{len(missing)} files that are" if len(missing) > 1 else "a file that is"
        raise DataError(f"{table} names {some} missing, such as {missing[0].relative_to(folder)}; correct the table or add them")
    return found


def _read_row(folder: Path, table: Path, columns: dict[str, str | None], row: dict[str, str], number: int) -> LabelledFile:
    """Return what one row says; rows are counted with the header."""
    value = {role: row[name] if name is not None else "" for role, name in columns.items()}
    where = f"{table}, row {number}"
    name = Path(value["file"])
    if not value["file"] or name.is_absolute() or ".." in name.parts:
        raise DataError(f"{where}: '{short(value['file'])}' is no file in {folder}; name one by its path from there")
    number_of_fold = value["fold"].removeprefix("-")
    if value["fold"] and not (number_of_fold.isdecimal() and len(number_of_fold) <= _DIGITS):
        raise DataError(f"{where}: fold '{short(value['fold'])}' is no whole number below 10^{_DIGITS}; number the folds from 0")
    if value["part"].lower() not in _PARTS:
        raise DataError(f"{where}: part '{short(value['part'])}' is none of train, valid and test; write one of them")
    return LabelledFile(
        folder / name, value["label"] or None, value["group"], int(value["fold"] or -1), _PARTS[value["part"].lower()]
    )
