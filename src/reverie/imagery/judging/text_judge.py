"""A judge of texts: all-MiniLM-L6-v2, which only judges and never helps to make a prompt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from reverie.contrast.text.encoders import Encoder

TEMPLATE = "the meaning of {}"
"""What a concept's word stands in: of six that were tried, the one that gave most glosses to their own concept."""


class SentenceVectors:
    """Unit vectors of words and sentences; each text is encoded once.

    Parameters
    ----------
    weights : str, optional
        Folder of a sentence encoder; all-MiniLM-L6-v2, fetched once, by default.
    encoder : Encoder, optional
        One that is loaded already.
    """

    def __init__(self, weights: str | None = None, encoder: Encoder | None = None) -> None:
        self._weights, self._given = weights, encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    @cached_property
    def _encoder(self) -> Encoder:
        from reverie.nn.sentences import MeanOfStates, weights_folder

        return self._given or MeanOfStates(weights_folder(self._weights), pretrained=True, dropout=None)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of texts → [T, D]; a blank one has the vector zero."""
        if new := sorted({text for text in texts if text.strip()} - self._known.keys()):
            from reverie.nn.sentences import encoded

            vectors = encoded(self._encoder, self._encoder.tokens(new)).numpy()
            self._known |= dict(zip(new, vectors, strict=True))
        width = len(next(iter(self._known.values()))) if self._known else 1
        found = [self._known.get(text, np.zeros(width, dtype=np.float32)) for text in texts]
        return np.stack(found) if found else np.zeros((0, width), dtype=np.float32)


class SentenceJudge:
    """A `TextJudge`: the cosine of the vectors of a text and of a concept's word in its template.

    Parameters
    ----------
    vectors : SentenceVectors, optional
    template : str
        Holds ``{}`` where the word goes.
    name : str
        As in tables.
    """

    def __init__(self, vectors: SentenceVectors | None = None, template: str = TEMPLATE, name: str = "minilm") -> None:
        self.name, self.template, self.vectors = name, template, vectors or SentenceVectors()

    def scores(self, texts: Sequence[str], concepts: Sequence[str]) -> NDArray[np.float64]:
        """Return cosines → [T, K]; an empty text scores all alike."""
        if not any(text.strip() for text in texts):
            return np.zeros((len(texts), len(concepts)))
        of_concepts = self.vectors([self.template.format(word) for word in concepts]).astype(np.float64)
        return np.asarray(self.vectors(texts).astype(np.float64) @ of_concepts.T)
