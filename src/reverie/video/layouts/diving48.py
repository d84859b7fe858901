"""Labels of Diving48 (Li et al., ECCV 2018): JSON lists of dives by part, and a vocabulary of 48 kinds."""

from __future__ import annotations

from pathlib import Path

from reverie.documents import read_json
from reverie.errors import DataError, short
from reverie.video.layouts.labelled import LabelledFile, read_list, videos_by_stem

_PARTS = ("train", "test")


def find_list(folder: Path, part: str) -> Path | None:
    """Return the list of a part, of version 2 before version 1."""
    names = (f"Diving48_V2_{part}.json", f"Diving48_{part}.json")
    return next((folder / name for name in names if (folder / name).is_file()), None)


def read_diving48(folder: Path) -> list[LabelledFile]:
    """Read the clips of both parts.

    A class is named by the four parts of its entry in the vocabulary, or by its number where there is no vocabulary. A clip's group
    is the video it was cut from: its name without the number at its end (our reading of how the files are named).
    """
    names = _read_vocabulary(folder / "Diving48_vocab.json")
    places = videos_by_stem(folder, "Diving48")
    found: list[LabelledFile] = []
    for part in _PARTS:
        path = find_list(folder, part)
        if path is None:
            raise DataError(f"{folder} has no Diving48_V2_{part}.json; put the published JSON files there")
        for number, entry in enumerate(read_list(path, ("vid_name", "label")), 1):
            name, label = str(entry["vid_name"]), entry["label"]
            if not isinstance(label, int) or isinstance(label, bool) or label < 0 or (names and label >= len(names)):
                raise DataError(f"{path}, entry {number}: label {short(repr(label))} is no number of a class; fetch the file again")
            place = places.get(name, folder / "rgb" / f"{name}.mp4")
            found.append(LabelledFile(place, names[label] if names else f"{label:02d}", name.rpartition("_")[0], -1, part))
    return found


def _read_vocabulary(path: Path) -> list[str]:
    """Return the names of classes in the order of their numbers; none where there is no file."""
    if not path.is_file():
        return []
    found = read_json(path)
    if not isinstance(found, list) or not all(isinstance(one, list) for one in found):
        raise DataError(f"{path} holds no list of lists; fetch the file again")
    return [" ".join(map(str, one)) for one in found]
