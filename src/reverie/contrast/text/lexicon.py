"""Words as sets of hashed features, so that a word never seen before has a vector."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reverie.contrast.text.pairs import words
from reverie.contrast.text.tokens import LONGEST, Tokens

PART_LENGTHS = (3, 4)
"""Letters of a word's parts; its beginning and end count as letters, as in fastText (arXiv 1607.04606)."""


@dataclass(frozen=True)
class Features:
    """What words are made of, as `torch.nn.functional.embedding_bag` takes it; buckets [F], offsets [W], weights [F]."""

    buckets: Tensor
    offsets: Tensor
    weights: Tensor


class Lexicon:
    """Numbers of the words met so far, and their features."""

    def __init__(self, buckets: int, part_weight: float) -> None:
        self.buckets, self.part_weight = buckets, part_weight
        self._numbers: dict[str, int] = {}
        self._hashed: list[int] = []
        self._starts = [0]
        self._features: tuple[Tensor, Tensor] | None = None

    def tokens(self, sentences: Sequence[str]) -> Tokens:
        """Return sentences as numbers of words; one without words is made of an empty word."""
        rows = [[self._number(word) for word in words(sentence)[:LONGEST] or [""]] for sentence in sentences]
        self._features = None
        return Tokens.of(rows)

    def features(self, numbers: Tensor) -> Features:
        """Return the features of words; numbers [W]."""
        if self._features is None:
            self._features = torch.tensor(self._hashed), torch.tensor(self._starts)
        hashed, starts = self._features
        counts = starts[numbers + 1] - starts[numbers]
        offsets = counts.cumsum(0) - counts
        at = torch.arange(int(counts.sum())) + (starts[numbers] - offsets).repeat_interleave(counts)
        weights = (self.part_weight / (counts - 1).clamp(min=1)).repeat_interleave(counts).float()
        weights[offsets] = 1.0
        return Features(hashed[at], offsets, weights)

    def _number(self, word: str) -> int:
        number = self._numbers.get(word)
        if number is None:
            number = self._numbers[word] = len(self._numbers)
            self._hashed += [zlib.crc32(feature.encode()) % self.buckets for feature in spelled(word)]
            self._starts.append(len(self._hashed))
        return number


def spelled(word: str) -> list[str]:
    """Return the features of a word before they are hashed.

    Parameters
    ----------
    word : str
        In lower case.

    Returns
    -------
    list of str
        The word between ``<`` and ``>``, then all parts of that with 3 or 4 letters, but not the whole again.

    Examples
    --------
    >>> spelled("cat")
    ['<cat>', '<ca', 'cat', 'at>', '<cat', 'cat>']
    """
    whole = f"<{word}>"
    parts = [whole[start : start + length] for length in PART_LENGTHS for start in range(len(whole) - length + 1)]
    return [whole, *(part for part in parts if part != whole)]
