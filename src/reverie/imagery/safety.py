"""Words that no picture is made of: kept as the first digits of their hashes, and as parts of WordNet."""

from __future__ import annotations

import hashlib
import itertools
import re

from reverie.errors import ConfigError
from reverie.imagery.lexicon import Lexicon, normal
from reverie.imagery.unsafe import HASHES
from reverie.imagery.wordnet.forms import possible_bases

_ROOTS = ("sexual_activity.n.01", "sexual_desire.n.01", "prostitution.n.01", "genocide.n.01", "suicide.n.01", "child_abuse.n.01")
"""Senses that no concept list holds, nor what is a kind of them."""
_WORDS = re.compile(r"[a-z]+")


def unsafe_words(text: str) -> list[str]:
    """Return the words and pairs of words of a text that are on the list, in the order of the text."""
    words = _WORDS.findall(normal(text))
    pairs = [f"{one} {other}" for one, other in itertools.pairwise(words)]
    return [one for one in dict.fromkeys([*words, *pairs]) if any(_digest(form) in HASHES for form in _forms(one))]


def refuse_unsafe(text: str) -> None:
    """Raise where a text has a word that no picture is made of.

    Raises
    ------
    ConfigError
        In one sentence that names the word only by its first letter.
    """
    if found := unsafe_words(text):
        shown = f"{found[0][0]}{'*' * (len(found[0]) - 1)}"
        raise ConfigError(f"no picture is made of '{shown}'; leave the word out, or choose another concept")


def is_safe_concept(lexicon: Lexicon, word: str) -> bool:
    """Whether a word may stand in a list of concepts: none on the list, and no sense of it in a part of WordNet left out."""
    if unsafe_words(word):
        return False
    return not any(one in _ROOTS for sense in lexicon.lookup(word)[:3] for one in lexicon.ancestors(sense))


def _forms(word: str) -> list[str]:
    return [word, *(form for part in "nv" for form in possible_bases(word, part))]


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()[:10]
