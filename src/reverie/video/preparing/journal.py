"""The journal of a folder that is being prepared: a line for each file that is done, so that what was cut is gone on with."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from reverie.documents import read_as, regular
from reverie.errors import DataError

JOURNAL = "clips.jsonl"


@dataclass(frozen=True)
class Record:
    """What became of a file.

    Parameters
    ----------
    file : str
        Its path from the folder.
    bytes, changed : int
        Its size, and the nanosecond of its last change; with others it is read anew.
    reason : str
        Why it is left out, "" if it is not.
    shard, start, count : int
        Where its frames are.
    sha256 : str
        Of its frames.
    fps : float
        Of the frames that are kept.
    seconds, frames, width, height : float, int
        Of the whole file.
    lost : int
        Frames for which the one before stands, as they could not be decoded.
    sound : {"", "none", "silent", "sound"}
        Whether it has any; "" where nobody asked.
    sound_shard, sound_start, sound_count : int
        Where its log-mel bands are.
    """

    file: str
    bytes: int
    changed: int
    reason: str = ""
    shard: int = 0
    start: int = 0
    count: int = 0
    sha256: str = ""
    fps: float = 0.0
    seconds: float = 0.0
    frames: int = 0
    width: int = 0
    height: int = 0
    lost: int = 0
    sound: str = ""
    sound_shard: int = 0
    sound_start: int = 0
    sound_count: int = 0


class Journal:
    """A file with a line for each record; of two about one file the later one counts."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / JOURNAL

    def read(self) -> dict[str, Record]:
        """Return the records by file; a last line that is not whole is cut off."""
        if not self.path.exists():
            return {}
        whole, _, rest = regular(self.path).read_bytes().rpartition(b"\n")
        if rest:
            os.truncate(self.path, len(whole) + bool(whole))
        remedy = f"delete {self.path.parent} and prepare it again"
        lines = [line for line in whole.split(b"\n") if line]
        found = [read_as(Record, self.path, remedy, data=line) for line in lines]
        if any(min(one.shard, one.start, one.count, one.sound_shard, one.sound_start, one.sound_count) < 0 for one in found):
            raise DataError(f"{self.path} holds a negative place; {remedy}")
        return {one.file: one for one in found}

    def append(self, record: Record) -> None:
        """Write a record."""
        with self.path.open("ab") as handle:
            handle.write(json.dumps(asdict(record), ensure_ascii=True).encode() + b"\n")
