"""Words of glosses, counted: what co-occurrence is looked up in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

_STOP = """
a about above act action after all also an and another any are as at away be because been being below between body both
branch but by can certain chiefly consisting did do does done down during each either especially etc even family field for
found from full further genus get given had has have having he her him his how human if in into is it its itself kind large
like long made make makes making man many may more most much no nor not of off often on once one only or order other others
our out over own part people person place quality relating resembling same science several shaped she should small so some
someone something state study such than that the their them then there these they this those through to too two typically
under up upon used using usually various very was way we were what when where which while who whom whose will with within
without would you your
"""
STOP = frozenset(_STOP.split())
"""Words that say nothing of what a gloss is about: of grammar, and of definitions themselves."""


def words_of(text: str) -> list[str]:
    """Return the words of a text that say something, in lower case and the singular."""
    return [word for word in _all_words(text) if word not in STOP]


def _all_words(text: str) -> list[str]:
    return [singular(word) for word in re.findall(r"[a-z]+(?:'s)?", text.lower()) if len(word) > 2]


def singular(word: str) -> str:
    """Return a word without the ending of a plural, as far as spelling tells."""
    word = word.removesuffix("'s")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def term_rows(glosses: Iterable[tuple[str, str, Sequence[str], Sequence[str]]]) -> Iterator[tuple[str, str, int, int]]:
    """Return (word, sense, count, words in the gloss) of glosses with their examples; the senses' own names do not count."""
    for sense, gloss, examples, lemmas in glosses:
        own = {singular(part) for lemma in lemmas for part in re.findall("[a-z]+", lemma.lower())}
        counts = Counter(word for word in _all_words(" ".join([gloss, *examples])) if word not in own)
        length = sum(counts.values())
        for term, count in sorted(counts.items()):
            yield term, sense, count, length
