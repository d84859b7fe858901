"""Judges of pictures: a matcher that was trained here, or CLIP from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SeesAndReads(Protocol):
    """Gives pictures and words unit vectors in one space."""

    @property
    def name(self) -> str:
        """As in tables."""
        ...

    def pictures(self, pictures: Sequence[bytes | Path]) -> NDArray[np.float32]:
        """Return vectors of PNG bytes or files → [P, D]."""
        ...

    def words(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of words → [K, D]."""
        ...


class PictureJudge:
    """An `ImageJudge`: the product of the vectors of a picture and of a word; a file that does not change is looked at once.

    Parameters
    ----------
    matcher : SeesAndReads
    average : ndarray, optional, shape [D]
        Taken away from the vector of every picture before the product; nothing by default, so that products are cosines.
    template : str
        What a word stands in, ``{}`` in its place.
    name : str, optional
        As in tables; the matcher's by default.
    """

    def __init__(
        self, matcher: SeesAndReads, average: NDArray[np.float32] | None = None, template: str = "{}", name: str | None = None
    ) -> None:
        self.name, self.matcher, self.template = name or matcher.name, matcher, template
        self._average = 0.0 if average is None else average
        self._seen: dict[tuple[Path, int, int], NDArray[np.float32]] = {}

    def vectors(self, pictures: Sequence[bytes | Path]) -> NDArray[np.float32]:
        """Return unit vectors of pictures, e.g. to say how alike they are → [P, D]."""
        keys = [_key(one) for one in pictures]
        new = {key: one for key, one in zip(keys, pictures, strict=True) if isinstance(key, tuple) and key not in self._seen}
        self._seen |= dict(zip(new, self.matcher.pictures(list(new.values())), strict=True)) if new else {}
        given = [one for key, one in zip(keys, pictures, strict=True) if key is None]
        others = iter(self.matcher.pictures(given)) if given else iter(())
        return (
            np.stack([next(others) if key is None else self._seen[key] for key in keys]) if keys else np.zeros((0, 1), np.float32)
        )

    def scores(self, pictures: Sequence[bytes | Path], words: Sequence[str]) -> NDArray[np.float64]:
        """Return products → [P, K]."""
        if not pictures:
            return np.zeros((0, len(words)))
        return np.asarray(
            (self.vectors(pictures) - self._average).astype(np.float64)
            @ self.matcher.words([self.template.format(word) for word in words]).astype(np.float64).T
        )


def _key(picture: bytes | Path) -> tuple[Path, int, int] | None:
    """Return what names a state of a file; None for bytes and for what is not there."""
    if not isinstance(picture, Path) or not picture.is_file():
        return None
    about = picture.stat()
    return picture.resolve(), about.st_mtime_ns, about.st_size
