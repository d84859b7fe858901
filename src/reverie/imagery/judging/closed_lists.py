"""Closed lists for the reverse guess: the true concept among K - 1 distractors, near ones of WordNet or random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from reverie.errors import ConfigError, unknown
from reverie.seeds import numpy_generator

Distractors = Literal["near", "random"]
DISTRACTORS: tuple[Distractors, ...] = get_args(Distractors)


@dataclass(frozen=True)
class ClosedList:
    """What a judge chooses from.

    Parameters
    ----------
    concept : str
        The true one.
    words : tuple of str
        In alphabetical order, the true one among them.
    """

    concept: str
    words: tuple[str, ...]

    @property
    def chance(self) -> float:
        """The share of right answers of somebody who does not look."""
        return 1 / len(self.words)


def closed_lists(
    concepts: Sequence[str], paths: Mapping[str, Sequence[str]], k: int, distractors: Distractors, seed: int
) -> dict[str, ClosedList]:
    """Draw the list of each concept; it depends on the seed, the concept and the pool alone.

    Parameters
    ----------
    concepts : sequence of str
        Those that are asked for.
    paths : mapping of str to sequence of str
        The pool from which distractors are drawn, the concepts among them: the senses from the root of the taxonomy down to each
        one's own. Words of the concept's own sense are never distractors, as they would be right.
    k : int
        Words of a list.
    distractors : {"near", "random"}
        Near ones share the largest part of the path, ``2 s / (a + b)`` with s senses in common of paths of a and b
        (Wu and Palmer 1994, doi:10.3115/981732.981751), equal ones in random order.
    seed : int

    Returns
    -------
    dict
        By concept.

    Raises
    ------
    ConfigError
        If the pool is too small or does not hold a concept.
    """
    if distractors not in DISTRACTORS:
        raise unknown("kind of distractors", distractors, DISTRACTORS)
    pool = sorted(paths)
    at = {word: place for place, word in enumerate(pool)}
    if missing := next((word for word in concepts if word not in at), None):
        raise ConfigError(f"the concept '{missing}' is not in the pool that distractors are drawn from; add it there")
    codes, lengths = _padded([paths[word] for word in pool])
    found = {}
    for word in concepts:
        shared = _shared(codes, lengths, at[word])
        others = np.flatnonzero(~((shared == lengths) & (lengths == lengths[at[word]])))
        if len(others) < k - 1:
            raise ConfigError(f"a list of {k} words needs {k - 1} other concepts, and '{word}' has {len(others)}; take a smaller k")
        rng = numpy_generator(seed, "closed list", distractors, word)
        others = rng.permutation(others)
        if distractors == "near":
            nearness = 2 * shared[others] / (lengths[others] + lengths[at[word]])
            others = others[np.argsort(-nearness, kind="stable")]
        found[word] = ClosedList(word, tuple(sorted([word, *(pool[other] for other in others[: k - 1])])))
    return found


def _padded(paths: Sequence[Sequence[str]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return paths as numbers, -1 behind their ends → [N, L], and their lengths → [N]."""
    names = {name: code for code, name in enumerate(sorted({name for path in paths for name in path}))}
    lengths = np.array([len(path) for path in paths], dtype=np.int64)
    codes = np.full((len(paths), int(lengths.max(initial=1))), -1, dtype=np.int64)
    for row, path in enumerate(paths):
        codes[row, : len(path)] = [names[name] for name in path]
    return codes, lengths


def _shared(codes: NDArray[np.int64], lengths: NDArray[np.int64], at: int) -> NDArray[np.int64]:
    """Return how many senses from the root on each path has in common with one of them → [N]."""
    same = (codes == codes[at]) & (np.arange(codes.shape[1]) < np.minimum(lengths, lengths[at])[:, None])
    return np.asarray(np.cumprod(same, axis=1).sum(axis=1), dtype=np.int64)
