"""What a concept is looked up by: its words, its family, its gloss and its neighbours, each with a weight."""

from __future__ import annotations

import re

from reverie.imagery.lexicon import Lexicon
from reverie.imagery.records import Intent
from reverie.imagery.wordnet.terms import singular, words_of

OWN, FAMILY, LEMMAS, GLOSS, NEAR, EXAMPLES = 1.0, 0.8, 0.9, 0.3, 0.35, 0.1
"""Weights of the word, of its family, of other words of the sense, of its gloss, of the nearest senses and of the examples."""
_NEAREST = ("-kind", "similar", "attribute", "also", "derived", "causes")
_ABOVE = 0.15
"""Weight of what the sense is a kind of, where that is not as general as "feeling" or "act"."""
_GENERAL = 6


_NEGATIVE = ("un", "in", "im", "ir", "il", "dis", "non", "mis")
_DENIED = re.compile(r"\b(lack(s|ing)?( of)?|without|not|absence of|no|freedom from|devoid of|against|failure)\b( \w+){1,3}")
"""What a gloss says that the thing is not."""


def affirmed(gloss: str) -> str:
    """Return a gloss without what it denies: ``the trait of lacking courage`` → ``the trait of``."""
    return _DENIED.sub("", gloss)


def is_opposite(word: str, concept: str) -> bool:
    """Whether a prefix makes one word the opposite of the other, as in ``disorder`` and ``order``."""
    pairs = ((word, concept), (concept, word))
    return any(
        one.startswith(before) and one[len(before) :][:4] == other[:4] and not other.startswith(before)
        for one, other in pairs
        for before in _NEGATIVE
    )


def weighted_terms(lexicon: Lexicon, intent: Intent, own: frozenset[str]) -> dict[str, tuple[float, str]]:
    """Return terms with their weights and where each comes from, the heaviest mention of each.

    Parameters
    ----------
    lexicon : Lexicon
    intent : Intent
    own : frozenset of str
        Forms of the concept's word and its family.
    """
    found: dict[str, tuple[float, str]] = {}

    def note(words: list[str], weight: float, origin: str) -> None:
        for word in words:
            if weight > found.get(word, (0.0, ""))[0]:
                found[word] = (weight, origin)

    sense = intent.sense
    told_apart = intent.by != "order" and bool(intent.alternatives)  # then the word alone says less than its sense does
    note([intent.concept], NEAR if told_apart else OWN, "the word itself")
    note([word for word in sorted(own) if not is_opposite(word, intent.concept)], NEAR if told_apart else FAMILY, "its family")
    note([part for lemma in sense.lemmas for part in (lemma.lower(), *words_of(lemma))], LEMMAS, "its synonyms")
    note(words_of(affirmed(sense.gloss)), GLOSS, "its gloss")
    for near in lexicon.related(sense.id, ("kind",)):
        if lexicon.depth(near.sense) >= _GENERAL:
            note([lemma.lower() for lemma in lexicon.lemmas(near.sense)], _ABOVE, "what it is a kind of")
    for near in lexicon.related(sense.id, _NEAREST)[:40]:
        lemmas = [lemma.lower() for lemma in lexicon.lemmas(near.sense)]
        note([singular(lemma) for lemma in lemmas if " " not in lemma and len(lemma) > 2], NEAR, f"what is {near.words} it")
    note(words_of(" ".join(sense.examples)), EXAMPLES, "its examples")
    return found


def general_terms(lexicon: Lexicon, sense: str) -> dict[str, tuple[float, str]]:
    """Return terms of what a sense is a kind of, and of other kinds of that: for concepts that nothing else is found for."""
    found: dict[str, tuple[float, str]] = {}
    for above in lexicon.related(sense, ("kind",)):
        beside = [one.sense for one in lexicon.related(above.sense, ("-kind", "kind"))][:40]
        words = [lemma.lower() for sense in (above.sense, *beside) for lemma in lexicon.lemmas(sense)]
        words += words_of(affirmed(lexicon.sense(above.sense).gloss))
        found |= {word: (NEAR, f"what is a kind of {lexicon.lemmas(above.sense)[0]}, or near to it") for word in words}
    return found
