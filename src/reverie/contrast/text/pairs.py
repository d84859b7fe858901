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
    """Pairs of sentences, and how alike people found them.

    Parameters
    ----------
    first, second : tuple of str
        P sentences each.
    scores : ndarray, shape [P], float64
        The larger, the more alike; only the order counts.

    Raises
    ------
    ValueError
        If lengths differ.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    scores: NDArray[np.float64]

    def __post_init__(self) -> None:
        if not len(self.first) == len(self.second) == len(self.scores):
            lengths = f"{len(self.first)}, {len(self.second)} and {len(self.scores)}"
            raise ValueError(f"first, second and scores must have one length, got {lengths}")


@dataclass(frozen=True)
class TextData:
    """What is learned from, what settings are chosen by, and what is tested.

    Parameters
    ----------
    sentences : tuple of str
        Unlabelled, none in a pair of `valid` or `tests`.
    valid : Pairs
        By which checkpoints and settings are chosen.
    tests : mapping of str to Pairs
        By the name of their metric, the main one first.
    removed : int
        How many more sentences there would be, had they not been in `valid` or `tests`.
    """

    sentences: tuple[str, ...]
    valid: Pairs
    tests: Mapping[str, Pairs]
    removed: int

    def sha256(self) -> str:
        """Return the hash of all sentences and scores, as 64 hexadecimal digits.

        Returns
        -------
        str
            The same wherever the files came from.
        """
        digest = hashlib.sha256(json.dumps(self.sentences).encode())
        for name, pairs in {"valid": self.valid, **self.tests}.items():
            digest.update(json.dumps([name, pairs.first, pairs.second, pairs.scores.tolist()]).encode())
        return digest.hexdigest()


def words(sentence: str) -> list[str]:
    """Return the words of a sentence: runs of letters, digits and underscores, in lower case.

    Parameters
    ----------
    sentence : str
        Any text.

    Returns
    -------
    list of str
        In order; empty where there are none.
    """
    return _WORD.findall(sentence.lower())


def unlabelled(train: Iterable[Pairs], evaluated: Iterable[Pairs]) -> tuple[tuple[str, ...], int]:
    """Return the distinct sentences of training pairs that are in no evaluated pair; sentences of equal words are equal.

    Parameters
    ----------
    train : iterable of Pairs
        Whose sentences may be learned from, without their scores.
    evaluated : iterable of Pairs
        Whose sentences may not.

    Returns
    -------
    sentences : tuple of str
        As they stand where they first occur; those without a word are left away.
    removed : int
        Number of distinct sentences that evaluated pairs hold too.
    """
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
