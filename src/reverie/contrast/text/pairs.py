"""Pairs of sentences with people's judgements, and the unlabelled sentences that may be learned from."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Pairs:
    """Pairs of sentences, and how alike people found them; scores [P]."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.second) == len(self.scores):
            lengths = f"{len(self.first)}, {len(self.second)} and {len(self.scores)}"
            raise ValueError(f"first, second and scores must have one length, got {lengths}")


@dataclass(frozen=True)
class TextData:
    """What is learned from, what settings are chosen by, and what is tested."""

    sentences: tuple[str, ...]
    valid: Pairs
    tests: Mapping[str, Pairs]
    removed: int

    def sha256(self) -> str:
        """Return the hash of all sentences and scores, as 64 hexadecimal digits."""
        digest = hashlib.sha256(json.dumps(self.sentences).encode())
        for name, pairs in {"valid": self.valid, **self.tests}.items():
            digest.update(json.dumps([name, pairs.first, pairs.second, pairs.scores.tolist()]).encode())
        return digest.hexdigest()


def words(sentence: str) -> list[str]:
    """Return the words of a sentence: runs of letters, digits and underscores, in lower case."""
    return _WORD.findall(sentence.lower())


def unlabelled(train: Iterable[Pairs], evaluated: Iterable[Pairs]) -> tuple[tuple[str, ...], int]:
    """Return the distinct sentences of training pairs that are in no evaluated pair; sentences of equal words are equal."""
    distinct: dict[tuple[str, ...], str] = {}
    for sentence in _sentences(train):
        distinct.setdefault(tuple(words(sentence)), sentence)
    distinct.pop((), None)
    forbidden = {tuple(words(sentence)) for sentence in _sentences(evaluated)}
    kept = tuple(sentence for key, sentence in distinct.items() if key not in forbidden)
    return kept, len(distinct) - len(kept)


def _sentences(parts: Iterable[Pairs]) -> Iterable[str]:
    for pairs in parts:
        for two in zip(pairs.first, pairs.second, strict=True):
            yield from two
