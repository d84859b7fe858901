"""Cosines of bags of words, rare words counting more: what needs no learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from reverie.contrast.text.encoders import Rarity
from reverie.contrast.text.lexicon import Lexicon

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.contrast.text.pairs import Pairs


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
