"""Judges of pictures: a matcher that was trained here, or CLIP from a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.judging.pooling import Best, Pooling


class SeesAndReads(Protocol):
    """Gives windows of pictures and words unit vectors in one space."""

    @property
    def name(self) -> str:
        """As in tables."""
        ...

    def windows(self, pictures: Sequence[bytes | Path], grids: Sequence[int]) -> NDArray[np.float32]:
        """Return vectors of the windows of PNG bytes or files, in the order of `window_boxes` → [P, W, D]."""
        ...

    def words(self, words: Sequence[str]) -> NDArray[np.float32]:
        """Return vectors of words → [K, D]."""
        ...


class PictureJudge:
    """An `ImageJudge` that looks at a picture through windows, the whole among them; a file that does not change is looked at once.

    Parameters
    ----------
    matcher : SeesAndReads
    pooling : Pooling, optional
        What the windows say together; the mean of their products with a word's vector by default, which are cosines.
    template : str
        What a word stands in, ``{}`` in its place.
    name : str, optional
        As in tables; the matcher's by default.
    grids : sequence of int
        Windows along each side at each scale, as in `window_boxes`; the whole picture alone by default.
    """

    def __init__(
        self,
        matcher: SeesAndReads,
        pooling: Pooling | None = None,
        template: str = "{}",
        name: str | None = None,
        grids: Sequence[int] = (1,),
    ) -> None:
        self.name, self.matcher, self.template, self.grids = name or matcher.name, matcher, template, tuple(grids)
        self._pooling = pooling or Best()
        self._seen: dict[tuple[Path, int, int], NDArray[np.float32]] = {}

    def vectors(self, pictures: Sequence[bytes | Path]) -> NDArray[np.float32]:
        """Return unit vectors of the windows of pictures → [P, W, D]."""
        keys = [_key(one) for one in pictures]
        new = {key: one for key, one in zip(keys, pictures, strict=True) if isinstance(key, tuple) and key not in self._seen}
        self._seen |= dict(zip(new, self._look(list(new.values())), strict=True)) if new else {}
        given = [one for key, one in zip(keys, pictures, strict=True) if key is None]
        others = iter(self._look(given)) if given else iter(())
        return (
            np.stack([next(others) if key is None else self._seen[key] for key in keys])
            if keys
            else np.zeros((0, 1, 1), np.float32)
        )

    def _look(self, pictures: Sequence[bytes | Path]) -> NDArray[np.float32]:
        return self.matcher.windows(pictures, self.grids)

    def scores(self, pictures: Sequence[bytes | Path], words: Sequence[str]) -> NDArray[np.float64]:
        """Return how well words fit pictures → [P, K]."""
        if not pictures:
            return np.zeros((0, len(words)))
        read = self.matcher.words([self.template.format(word) for word in words])
        return self._pooling(self.vectors(pictures), read)


def _key(picture: bytes | Path) -> tuple[Path, int, int] | None:
    """Return what names a state of a file; None for bytes and for what is not there."""
    if not isinstance(picture, Path) or not picture.is_file():
        return None
    about = picture.stat()
    return picture.resolve(), about.st_mtime_ns, about.st_size
