"""Opens what is to be embedded: a prepared folder of whatever size, or a set by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reverie.errors import DataError
from reverie.video.clip_set import ClipSet
from reverie.video.named_sets.opening import open_named_set
from reverie.video.preparing.index import INDEX, open_prepared
from reverie.video.preparing.place import SETTINGS


def open_clips(name: str, size: int, say: Callable[[str], None] = lambda line: None, show: bool = False) -> ClipSet:
    """Return the clips of a prepared folder, or of a named set at a size."""
    folder = Path(name)
    if not folder.is_dir():
        return open_named_set(name, size, say=say, show=show).clips
    if not (folder / INDEX).exists() and not (folder / SETTINGS).exists():
        raise DataError(f"{folder} is no prepared folder; run 'reverie video prepare {folder}' and give the folder that it makes")
    return open_prepared(folder)
