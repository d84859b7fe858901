"""What an archive of attacks holds: how many of its cells are filled, and how alike its texts are (self-BLEU)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from reverie.redteam.attempts import Attempt
from reverie.seeds import numpy_generator

LONGEST = 4
"""Words of the longest n-grams."""
EPSILON = 0.1
"""Matches that an n-gram length counts where it has none, as in the first smoothing of Chen and Cherry (2014)."""
_WORD = re.compile(r"\w+|[^\w\s]")


def filled_cells(attempts: Iterable[Attempt], columns: int = 1) -> int:
    """Return how many cells of goal × technique are filled: those in which a text got through.

    Parameters
    ----------
    attempts : iterable of Attempt
        What was tried.
    columns : int
        Techniques that the attack tells apart, such as the styles of MAP-Elites; with one, a cell is a goal.
    """
    through = [one.tried for one in attempts if one.finding.success]
    return len({(tried.goal.id, tried.technique if columns > 1 else "") for tried in through})


def self_bleu(texts: Sequence[str], most: int = 500, seed: int = 0) -> float:
    """Return how alike texts are: the mean BLEU of each against all others (Zhu et al. 2018), 1 where all are the same.

    BLEU-4 with equal weights, clipped counts, the brevity penalty of the nearest length of a reference, and matches of 0.1 where a
    length has none. Our reading: words and punctuation marks in lower case are tokens; a text shorter than four tokens is compared
    by the lengths that it has.

    Parameters
    ----------
    texts : sequence of str
        Two or more; fewer give NaN.
    most : int
        Texts that are drawn where there are more.
    seed : int
        Of that draw.

    Returns
    -------
    float
        Diversity is one minus this.
    """
    if len(texts) > most:
        texts = [texts[at] for at in sorted(numpy_generator(seed, "self-BLEU").choice(len(texts), most, replace=False).tolist())]
    if len(texts) < 2:
        return math.nan
    tokens = [_WORD.findall(text.casefold()) for text in texts]
    grams = [[_grams(words, size) for size in range(1, LONGEST + 1)] for words in tokens]
    highest = [_two_highest([one[size] for one in grams]) for size in range(LONGEST)]
    lengths = Counter(map(len, tokens))
    return sum(_bleu(at, len(tokens[at]), grams[at], highest, lengths) for at in range(len(texts))) / len(texts)


Highest = dict[tuple[str, ...], tuple[int, int, int]]
"""N-gram to its highest count in one text, that text's number, and the highest count in the other texts."""


def _grams(words: list[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[at : at + size]) for at in range(len(words) - size + 1))


def _two_highest(texts: Sequence[Counter[tuple[str, ...]]]) -> Highest:
    found: Highest = {}
    for number, counts in enumerate(texts):
        for gram, count in counts.items():
            first, owner, second = found.get(gram, (0, -1, 0))
            found[gram] = (count, number, first) if count > first else (first, owner, max(second, count))
    return found


def _bleu(
    at: int, length: int, grams: Sequence[Counter[tuple[str, ...]]], highest: Sequence[Highest], lengths: Counter[int]
) -> float:
    """Return BLEU of one text against the others."""
    if length == 0:
        return 0.0
    logs: list[float] = []
    for counts, known in zip(grams, highest, strict=True):
        if total := counts.total():
            matched = 0
            for gram, count in counts.items():
                first, owner, second = known[gram]
                matched += min(count, second if owner == at else first)
            logs.append(math.log((matched or EPSILON) / total))
    others = [size for size, count in lengths.items() if count > (size == length)]
    nearest = min(others, key=lambda size: (abs(size - length), size))
    penalty = 1.0 if length > nearest else math.exp(1 - nearest / length)
    return penalty * math.exp(sum(logs) / len(logs))
