"""A taught matcher: vectors of pictures and of words in one space, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.documents import read_json, read_tensors
from reverie.errors import RunError
from reverie.files import atomic_path, sha256, write_json
from reverie.imagery.judging.text_judge import SentenceVectors
from reverie.imagery.matchers.options import MatcherOptions
from reverie.imagery.matchers.pictures import read_windows
from reverie.imagery.matchers.towers import Tower, looked, new_tower
from reverie.options import checked

WEIGHTS, ABOUT = "weights.safetensors", "matcher.json"
FORMAT = 1


class Matcher:
    """Vectors of pictures among those of words.

    Parameters
    ----------
    name : str
        Of its row in the recipe.
    options : MatcherOptions
    tower : Tower
    vectors : SentenceVectors
        Of words; the same that it was taught with.
    digest : str
        SHA-256 of its weights.
    """

    def __init__(self, name: str, options: MatcherOptions, tower: Tower, vectors: SentenceVectors, digest: str) -> None:
        self.name, self.options, self.digest = name, options, digest
        self.tower, self._vectors = tower, vectors

    @property
    def average(self) -> NDArray[np.float32]:
        """The mean vector of the pictures that it was taught on → [D]."""
        return self.tower.average.numpy()

    def windows(self, pictures: Sequence[bytes | Path], grids: Sequence[int]) -> NDArray[np.float32]:
        """Return unit vectors of the windows of PNG bytes or files, in the order of `window_boxes` → [P, W, D]."""
        rows = [looked(self.tower, self.tower.prepare(read_windows(one, self.options.size, grids))) for one in pictures]
        return np.stack(rows) if rows else np.zeros((0, 1, 1), dtype=np.float32)

    def words(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return unit vectors of words → [K, D]."""
        return self._vectors(words)


def save_matcher(folder: Path, name: str, options: MatcherOptions, tower: Tower, dim: int) -> str:
    """Write a taught tower into a folder, and return the SHA-256 of its weights."""
    from safetensors.torch import save_file

    with atomic_path(folder / WEIGHTS) as temporary:
        save_file({key: value.detach().cpu().contiguous() for key, value in tower.state_dict().items()}, temporary)
    digest = sha256(folder / WEIGHTS)
    write_json(
        folder / ABOUT, {"format": FORMAT, "name": name, "dim": dim, "sha256": digest, "options": options.model_dump(mode="json")}
    )
    return digest


def load_matcher(folder: Path, vectors: SentenceVectors | None = None) -> Matcher:
    """Read a taught matcher from its folder.

    Raises
    ------
    RunError
        If the folder holds none, or one that this version cannot read.
    """
    remedy = "train it again with 'reverie imagery imagery-matchers'"
    if not (folder / ABOUT).is_file():
        raise RunError(f"{folder} holds no trained matcher; {remedy}")
    about: Any = read_json(folder / ABOUT)
    if not isinstance(about, dict) or about.get("format") != FORMAT or not {"name", "dim", "sha256", "options"} <= about.keys():
        raise RunError(f"{folder / ABOUT} is not a matcher of this version; {remedy}")
    options = checked(MatcherOptions, about["options"], str(folder / ABOUT))
    tower = new_tower(options, int(about["dim"]))
    if sha256(folder / WEIGHTS) != about["sha256"]:
        raise RunError(f"{folder / WEIGHTS} is not what was trained, by its SHA-256; {remedy}")
    try:
        tower.load_state_dict(read_tensors(folder / WEIGHTS, remedy))
    except RuntimeError as error:
        raise RunError(f"{folder / WEIGHTS} holds weights of another matcher; {remedy}") from error
    return Matcher(str(about["name"]), options, tower.eval(), vectors or SentenceVectors(), str(about["sha256"]))
