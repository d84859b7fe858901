"""Captions as numbers: words, and hashed parts of words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.pixels.config import CaptionConfig

_IGNORED = "a an the of with and or in on at to for from by is are was be as that this it its into over under no not very"
IGNORED = frozenset(_IGNORED.split())
"""Words that say nothing of what is seen."""
COLOURS = {
    "white": (255, 255, 255), "black": (24, 24, 28), "gray": (150, 152, 158), "red": (196, 62, 56), "orange": (238, 150, 66),
    "yellow": (250, 222, 110), "green": (110, 168, 104), "teal": (72, 158, 156), "blue": (86, 134, 208), "purple": (140, 104, 180),
    "pink": (244, 178, 196), "brown": (140, 102, 74), "golden": (226, 184, 90), "dark": (44, 42, 60), "pale": (232, 226, 214),
}  # fmt: skip
"""Backgrounds by the words that captions use for them."""
_WORD = re.compile(r"[a-z]+")


def caption_words(text: str) -> list[str]:
    """Return the distinct words of a text that may say what is seen, in order."""
    found = (word for word in _WORD.findall(text.lower()) if len(word) > 1 and word not in IGNORED)
    return list(dict.fromkeys(found))


def known_words(captions: Iterable[str]) -> tuple[str, ...]:
    """Return the words of captions, sorted."""
    return tuple(sorted({word for caption in captions for word in caption_words(caption)}))


@lru_cache(maxsize=65_536)
def word_pieces(word: str, pieces: int, buckets: int) -> tuple[int, ...]:
    """Return the numbers of a word and of its runs of letters, from 1 to buckets - 1; 0 fills up."""
    marked = f"<{word}>"
    runs = [marked[at : at + n] for n in (3, 4) for at in range(len(marked) - n + 1)]
    parts = list(dict.fromkeys([f"word {word}", *runs]))[:pieces]
    numbers = [zlib.crc32(part.encode()) % (buckets - 1) + 1 for part in parts]
    return (*numbers, *[0] * (pieces - len(numbers)))


def encode_captions(texts: Sequence[str], config: CaptionConfig, known: Collection[str] = ()) -> NDArray[np.int64]:
    """Return captions as numbers of hashed parts.

    Parameters
    ----------
    texts : sequence of str
        Captions or whole prompts.
    config : CaptionConfig
    known : collection of str
        Words of the training captions. Where a text has some of them, only those are read: a prompt is longer than any caption.

    Returns
    -------
    ndarray, shape [N, words, pieces], int64
        0 where there is no word, or no further part.
    """
    out = np.zeros((len(texts), config.words, config.pieces), np.int64)
    for row, text in enumerate(texts):
        words = caption_words(text)
        familiar = [word for word in words if word in known]
        for place, word in enumerate((familiar or words)[: config.words]):
            out[row, place] = word_pieces(word, config.pieces, config.buckets)
    return out
