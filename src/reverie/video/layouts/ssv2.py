"""Labels of Something-Something v2 (arXiv 1706.04261): JSON lists by part, whose templates are the classes."""

from __future__ import annotations

from pathlib import Path

from reverie.documents import read_json
from reverie.errors import DataError, short
from reverie.video.layouts.labelled import LabelledFile, read_list, videos_by_stem

_PARTS = {"train": "train", "validation": "valid", "test": "test"}
"""Published names of parts, and ours."""


def find_lists(folder: Path) -> dict[str, Path]:
    """Return the JSON files of a copy by what they hold: labels, train, validation, test; either way of naming them."""
    found: dict[str, Path] = {}
    for name in ("labels", *_PARTS):
        long = f"something-something-v2-{name}.json"
        paths = (folder / long, folder / "labels" / long, folder / "labels" / f"{name}.json")
        if path := next((path for path in paths if path.is_file()), None):
            found[name] = path
    return found


def read_ssv2(folder: Path) -> list[LabelledFile]:
    """Read the clips of all parts; those of the test part have no label, as none was published with them."""
    lists = find_lists(folder)
    for name in ("labels", "train"):
        if name not in lists:
            raise DataError(f"{folder} has no something-something-v2-{name}.json; put the published JSON files there")
    classes = read_json(lists["labels"])
    if not isinstance(classes, dict):
        raise DataError(f"{lists['labels']} holds no mapping of templates; fetch the file again")
    places = videos_by_stem(folder, lists["train"].name)
    found: list[LabelledFile] = []
    for published, part in _PARTS.items():
        if published not in lists:
            continue
        keys = ("id",) if published == "test" else ("id", "template")
        for number, entry in enumerate(read_list(lists[published], keys), 1):
            template = entry.get("template")
            label = None if template is None else str(template).replace("[", "").replace("]", "")
            if label is not None and label not in classes:
                raise DataError(
                    f"{lists[published]}, entry {number}: template '{short(label)}' is not in {lists['labels'].name}; "
                    "fetch the files again"
                )
            name = str(entry["id"])
            found.append(LabelledFile(places.get(name, folder / f"{name}.webm"), label, "", -1, part))
    return found
