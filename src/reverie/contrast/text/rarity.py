"""How much a rare word counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.contrast.text.tokens import Tokens


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
