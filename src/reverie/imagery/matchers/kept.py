"""Where the trained matchers of a study stand."""

from __future__ import annotations

from pathlib import Path

from reverie.documents import read_json
from reverie.errors import RunError, unknown
from reverie.imagery.judging.text_judge import SentenceVectors
from reverie.imagery.matchers.matcher import ABOUT, Matcher, load_matcher

POINTER = "matchers.json"
"""In the folder of a study: the folder of each matcher, by name."""
FOLDER = Path("runs/imagery-matchers")


def matcher_folder(name: str, folder: Path = FOLDER) -> Path:
    """Return the folder of a matcher that a study has trained.

    Raises
    ------
    RunError
        If the study has not trained it, with the command that does.
    ConfigError
        If it has trained others only.
    """
    found = pointed(folder)
    if not found:
        raise RunError(f"{folder} holds no trained matchers; run 'reverie imagery imagery-matchers --out {folder}' once")
    if name not in found:
        raise unknown("matcher", name, found)
    return folder / found[name]


def pointed(folder: Path) -> dict[str, str]:
    """Return the place of each trained matcher within the folder of a study, by name; none where nothing is trained."""
    pointer = folder / POINTER
    if not pointer.is_file():
        return {}
    found = read_json(pointer)
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise RunError(f"{pointer} cannot be read; delete it and run 'reverie imagery imagery-matchers --out {folder}' again")
    return {str(name): str(place) for name, place in found.items()}


def open_matcher(name: str, folder: Path = FOLDER, vectors: SentenceVectors | None = None) -> Matcher:
    """Return a matcher that a study has trained."""
    return load_matcher(matcher_folder(name, folder), vectors)


def matcher_digest(name: str, folder: Path = FOLDER) -> str:
    """Return the SHA-256 of a matcher's weights, without loading it."""
    return str(read_json(matcher_folder(name, folder) / ABOUT)["sha256"])
