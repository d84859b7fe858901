"""Words as hashed features, the rarity of words, and cosines of bags of words (TF-IDF)."""

import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from reverie.contrast.text.pairs import Pairs, words
from reverie.nn.sentences import LONGEST, Tokens
from reverie.seeds import numpy_generator

POOL = 16
"""Batches whose sentences are sorted by length together."""


def bucketed_batches(lengths: NDArray[np.int64], batch_size: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Return the batches of one pass; lengths [N] → [batch_size]."""
    generator = numpy_generator(seed, "text order", epoch)
    order = generator.permutation(len(lengths))[: len(lengths) // batch_size * batch_size]
    pools = [order[at : at + POOL * batch_size] for at in range(0, len(order), POOL * batch_size)]
    batches = [batch for pool in pools for batch in pool[np.argsort(lengths[pool], kind="stable")].reshape(-1, batch_size)]
    return [batches[place] for place in generator.permutation(len(batches))]


PART_LENGTHS = (3, 4)
"""Letters of a word's parts; its beginning and end count as letters, as in fastText (arXiv 1607.04606)."""


class Features(NamedTuple):
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


class Rarity:
    """``log((1 + N) / (1 + n_w)) + 1`` of a word w that n_w of N sentences hold: the smoothed inverse document frequency."""

    def __init__(self, tokens: Tokens) -> None:
        n = len(tokens.lengths)
        sentence = np.repeat(np.arange(n), tokens.lengths)
        distinct = np.unique(np.stack([sentence, tokens.ids]), axis=1)
        holding = np.append(np.bincount(distinct[1]), 0)  # the last for words that none holds
        self._values = np.log((1 + n) / (1 + holding)) + 1

    def __call__(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the rarity of words."""
        return np.asarray(self._values[np.minimum(numbers, len(self._values) - 1)])


class TfIdf:
    """Vectors of the counts of words times their `Rarity`."""

    def __init__(self, sentences: Sequence[str]) -> None:
        self._lexicon = Lexicon(1, 0.0)
        self._rarity = Rarity(self._lexicon.tokens(sentences))

    def cosines(self, pairs: Pairs) -> NDArray[np.float64]:
        """Return the cosine of each pair's vectors → [P]."""
        tokens = self._lexicon.tokens([*pairs.first, *pairs.second])
        vectors = sparse.csr_array((self._rarity(tokens.ids), tokens.ids, tokens.starts))
        vectors.sum_duplicates()
        first, second = vectors[: len(pairs.first)], vectors[len(pairs.first) :]
        squares: list[NDArray[np.float64]] = [part.multiply(part).sum(axis=1) for part in (first, second)]
        return np.asarray(first.multiply(second).sum(axis=1) / np.sqrt(squares[0] * squares[1])).clip(0, 1)
