"""Training examples: an icon or a scene of two on a background, moved and mirrored, with a caption that says so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.pixels.atlas import Atlas
from reverie.imagery.pixels.captions import COLOURS, encode_captions, known_words
from reverie.imagery.pixels.config import CaptionConfig, ExampleConfig
from reverie.imagery.pixels.model import CaptionedBatch

Picture = NDArray[np.float32]


def said_words(atlas: Atlas) -> tuple[str, ...]:
    """Return all words that captions of an atlas may have, sorted."""
    labels = (label for icon in atlas.icons for label in icon.labels)
    return known_words([*labels, *{icon.family for icon in atlas.icons}, *COLOURS, "background beside behind"])


@dataclass
class Examples:
    """Draws examples of icons; one epoch shows each icon once as the main thing.

    Parameters
    ----------
    atlas : Atlas
        What is learned.
    config : ExampleConfig
    caption : CaptionConfig
    known : collection of str
        Words of captions.
    """

    atlas: Atlas
    config: ExampleConfig
    caption: CaptionConfig
    known: Collection[str] = ()
    _mates: dict[str, NDArray[np.int64]] = field(init=False)

    def __post_init__(self) -> None:
        rows: dict[str, list[int]] = {}
        for row, icon in enumerate(self.atlas.icons):
            rows.setdefault(icon.family, []).append(row)
        self._mates = {family: np.array(found) for family, found in rows.items()}

    def __len__(self) -> int:
        """Return the number of icons."""
        return len(self.atlas)

    def batch(self, index: NDArray[np.int64]) -> CaptionedBatch:
        """Draw examples by the number of the main icon; chance comes from torch's global generator.

        index [B] → pixels [B, 3 * S²], words [B, W, P].
        """
        import torch

        generator = np.random.default_rng(int(torch.randint(2**62, ())))
        made = [self.example(int(row), generator) for row in index]
        pixels = np.stack([picture.transpose(2, 0, 1).reshape(-1) for picture, _ in made])
        words = encode_captions([caption for _, caption in made], self.caption, self.known)
        return CaptionedBatch(torch.from_numpy(pixels / 127.5 - 1), torch.from_numpy(words))

    def example(self, row: int, generator: np.random.Generator) -> tuple[Picture, str]:
        """Return a picture of an icon, [S, S, 3] from 0 to 255, and its caption."""
        picture, words = self._background(generator)
        icon = self.atlas.icons[row]
        if generator.random() < self.config.scenes:
            mates = self._mates[icon.family]
            other = int(mates[generator.integers(len(mates))])
            caption = self._scene(picture, row, other, generator)
        else:
            self._paste(picture, self.atlas.large[row], 0, 0, generator)
            caption = self._label(row, generator)
        if generator.random() < 0.5:
            words = [*words, icon.family]
        return picture, " ".join([caption, *words])

    def _background(self, generator: np.random.Generator) -> tuple[Picture, list[str]]:
        """Return a plain or shaded background, and the words for it."""
        size = self.atlas.large.shape[1]
        if generator.random() >= self.config.coloured:
            return np.full((size, size, 3), 255, np.float32), []
        names = list(COLOURS)
        above, below = (names[generator.integers(len(names))] for _ in range(2))
        if generator.random() < 0.7:
            below = above
        mixed = np.linspace(0, 1, size, dtype=np.float32)[:, None, None]
        top, bottom = (np.array(COLOURS[name], np.float32) for name in (above, below))
        picture = np.broadcast_to(top + (bottom - top) * mixed, (size, size, 3)).copy()
        said = [*dict.fromkeys([above, below]), "background"] if generator.random() < 0.5 else []
        return picture, said

    def _scene(self, picture: Picture, row: int, other: int, generator: np.random.Generator) -> str:
        """Put two icons beside or before each other; return the caption."""
        room = picture.shape[0] - self.atlas.small.shape[1]
        if generator.random() < 0.5:
            down = int(generator.integers(room // 2, room + 1))
            self._paste(picture, self.atlas.small[row], down, 0, generator)
            self._paste(picture, self.atlas.small[other], down, room, generator)
            return f"{self._label(row, generator)} beside {self._label(other, generator)}"
        self._paste(picture, self.atlas.large[row], 0, 0, generator)
        self._paste(picture, self.atlas.small[other], room, int(generator.integers(0, room + 1)), generator)
        return f"{self._label(row, generator)} behind {self._label(other, generator)}"

    def _label(self, row: int, generator: np.random.Generator) -> str:
        """Return the first label of an icon half of the time, else any of them."""
        labels = self.atlas.icons[row].labels
        return labels[0] if generator.random() < 0.5 else labels[generator.integers(len(labels))]

    def _paste(self, picture: Picture, icon: NDArray[np.uint8], down: int, across: int, generator: np.random.Generator) -> None:
        """Put an icon, perhaps mirrored and a little moved, over a picture."""
        icon = icon[:, ::-1] if generator.random() < 0.5 else icon
        most, size = self.config.shift, picture.shape[0]
        down, across = (at + int(generator.integers(-most, most + 1)) for at in (down, across))
        top, left = max(0, down), max(0, across)
        bottom, right = min(size, down + len(icon)), min(size, across + len(icon))
        part = icon[top - down : bottom - down, left - across : right - across].astype(np.float32)
        under = picture[top:bottom, left:right]
        under *= 1 - part[:, :, 3:] / 255
        under += part[:, :, :3]
