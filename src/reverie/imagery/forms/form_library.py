"""Patterns of form as they are searched: by slot, and by their words and the glosses of those."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.bm25 import Bm25, tokens
from reverie.imagery.records import FormPattern, SlotName

Expand = Callable[[str], str]
"""Returns what a dictionary says of a word; nothing for one that it does not hold."""


class FormLibrary:
    """Patterns, and an index over them.

    Parameters
    ----------
    patterns : sequence of FormPattern
    expand : callable or None
        Glosses of words; with them a pattern is also found by what its words mean.
    """

    def __init__(self, patterns: Sequence[FormPattern], expand: Expand | None = None) -> None:
        self.patterns = tuple(patterns)
        self._expand = expand
        self._own = [frozenset(tokens(pattern.text)) for pattern in self.patterns]
        self._index: Bm25 | None = None
        self.neutral: dict[tuple[str, SlotName, str], float] = {}
        """Log-likelihoods of what patterns say where no concept is named, by language model."""

    def with_slot(self, slot: SlotName, without: Iterable[str] = ()) -> list[int]:
        """Return the numbers of patterns that speak of a slot and hold none of some words."""
        barred = frozenset(word for text in without for word in tokens(text))
        return [at for at, one in enumerate(self.patterns) if slot in one.slots and not (barred & self._own[at])]

    def scores(self, query: Sequence[str]) -> NDArray[np.float64]:
        """Return how well each pattern fits texts, by BM25 → [N]."""
        if self._index is None:
            self._index = Bm25([self._expanded(pattern.text) for pattern in self.patterns])
        return self._index.scores(word for text in query for word in self._expanded(text))

    def likeness(self, first: int, other: int) -> float:
        """Return the share of the words of two patterns that both have."""
        both = self._own[first] | self._own[other]
        return len(self._own[first] & self._own[other]) / len(both) if both else 0.0

    def _expanded(self, text: str) -> list[str]:
        """Return the words of a text, three times each, and those of their glosses."""
        own = tokens(text)
        return own if self._expand is None else [*own * 3, *(word for one in text.split() for word in tokens(self._expand(one)))]
