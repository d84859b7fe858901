"""The reverse guess: a judge ranks a closed list for each text or picture; ties count their expected value.

This is concept recognisability as we define it, not the score of the paper, whose formula is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reverie.errors import RunError
from reverie.imagery.judging.closed_lists import ClosedList
from reverie.imagery.roles import ImageJudge, TextJudge


@dataclass(frozen=True)
class Guesses:
    """Where the true concept stands in the list of each text or picture.

    Parameters
    ----------
    greater, equal : ndarray of int, shape [N]
        Words of the list that the judge puts before the true one, and others that it puts level.
    sizes : ndarray of int, shape [N]
        Words of each list, K.
    first : tuple of str
        The word that stands first; of several the first in the list.
    """

    greater: NDArray[np.int64]
    equal: NDArray[np.int64]
    sizes: NDArray[np.int64]
    first: tuple[str, ...]

    def top(self, k: int) -> NDArray[np.float64]:
        """Return the probability that the true concept is among the first k → [N]."""
        return np.asarray(np.clip((k - self.greater) / (self.equal + 1), 0.0, 1.0))

    @property
    def reciprocal(self) -> NDArray[np.float64]:
        """The expected 1 / rank of the true concept, the whole list looked at → [N]."""
        harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, int(self.sizes.max(initial=1)) + 1))])
        return np.asarray((harmonic[self.greater + self.equal + 1] - harmonic[self.greater]) / (self.equal + 1))

    def values(self) -> dict[str, NDArray[np.float64]]:
        """Return ``top1``, ``top5``, ``mrr`` and ``chance``, one value for each text or picture → [N]."""
        return {"top1": self.top(1), "top5": self.top(5), "mrr": self.reciprocal, "chance": 1 / self.sizes}


def guess(judge: TextJudge | ImageJudge, shown: Sequence[Any], lists: Sequence[ClosedList]) -> Guesses:
    """Ask a judge which word of its list each text or picture is about.

    Parameters
    ----------
    judge : TextJudge or ImageJudge
    shown : sequence, N
        Texts, or pictures as PNG bytes or files.
    lists : sequence of ClosedList, N

    Returns
    -------
    Guesses
    """
    words = sorted({word for one in lists for word in one.words})
    scores = judged(judge, shown, words)
    at = {word: place for place, word in enumerate(words)}
    greater, equal, first = [], [], []
    for row, one in zip(scores, lists, strict=True):
        own, true = row[[at[word] for word in one.words]], row[at[one.concept]]
        greater.append(int((own > true).sum()))
        equal.append(int((own == true).sum()) - 1)
        first.append(one.words[int(own.argmax())])
    sizes = np.array([len(one.words) for one in lists], dtype=np.int64)
    return Guesses(np.array(greater, dtype=np.int64), np.array(equal, dtype=np.int64), sizes, tuple(first))


def over_literal(
    judge: TextJudge | ImageJudge, shown: Sequence[Any], lists: Sequence[ClosedList], objects: Sequence[Sequence[str]]
) -> NDArray[np.float64]:
    """Return the probability that a judge names a drawn object, where it may choose among the list and the objects → [N].

    NaN where no object is drawn, or every drawn object is a word of the list.

    Parameters
    ----------
    judge, shown, lists
        As of `guess`.
    objects : sequence of sequence of str, N
        What is drawn in each picture, or named in each text.
    """
    things = [sorted(set(drawn) - set(one.words)) for drawn, one in zip(objects, lists, strict=True)]
    words = sorted({word for one, drawn in zip(lists, things, strict=True) for word in (*one.words, *drawn)})
    at = {word: place for place, word in enumerate(words)}
    scores, found = judged(judge, shown, words), np.full(len(lists), np.nan)
    for row, (one, drawn) in enumerate(zip(lists, things, strict=True)):
        if drawn:
            theirs, others = scores[row, [at[word] for word in drawn]], scores[row, [at[word] for word in one.words]]
            best = max(theirs.max(), others.max())
            found[row] = (theirs == best).sum() / ((theirs == best).sum() + (others == best).sum())
    return found


def judged(judge: TextJudge | ImageJudge, shown: Sequence[Any], words: Sequence[str]) -> NDArray[np.float64]:
    """Return the scores of a judge, refusing what cannot be ranked → [N, W]."""
    scores = np.asarray(judge.scores(shown, words), dtype=np.float64)
    if scores.shape != (len(shown), len(words)):
        raise RunError(f"the judge {judge.name} gave scores of shape {scores.shape} for {len(shown)} shown and {len(words)} words")
    if not np.isfinite(scores).all():
        raise RunError(f"the judge {judge.name} gave scores that are not finite; train it again or choose another")
    return scores
