"""The folder that something is prepared in: it belongs to one folder of videos and to one size and number of frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reverie.documents import read_json
from reverie.errors import ConfigError, RunError
from reverie.files import LOCK, write_json
from reverie.scratch import is_temporary, sweep
from reverie.video.preparing.options import PrepareOptions

SETTINGS = "prepare.json"


def check_place(out: Path, source: Path) -> None:
    """Refuse a folder in the folder of videos: there it would be taken for a class."""
    if out.resolve().is_relative_to(source.resolve()):
        raise ConfigError(f"{out} lies in {source}, whose folders are classes; choose another folder with --out")


def claim_place(out: Path, source: Path, options: PrepareOptions) -> None:
    """Take a folder, which is made, for what is prepared; one that holds something else is refused.

    How labels are found may change from one time to the next.

    Raises
    ------
    RunError
        If it holds other things, or what was prepared of another folder or otherwise.
    """
    asked: dict[str, Any] = {"source": str(source.resolve()), **options.model_dump(include={"size", "frames", "audio"})}
    path = out / SETTINGS
    if not path.exists():
        if out.is_file() or (out.exists() and any(one.name != LOCK and not is_temporary(one.name) for one in out.iterdir())):
            raise RunError(f"{out} is not empty and holds no prepared clips; choose another folder with --out")
        write_json(path, asked)
        return
    stored = read_json(path)
    if not isinstance(stored, dict):
        raise RunError(f"{path} cannot be read; delete {out} and prepare again")
    for name, value in asked.items():
        if stored.get(name) != value:
            raise RunError(f"{out} was prepared with {name} {stored.get(name)}, not {value}; choose another folder with --out")
    sweep(out)
