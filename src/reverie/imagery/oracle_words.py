"""Concept and objects in the words of an oracle item: the rarest abstract noun among them, and the things that they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from reverie.errors import ConfigError
from reverie.imagery.icons import IconSet
from reverie.imagery.intent import choose_intent
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.norms import Norms
from reverie.imagery.objects.choose import choose_objects
from reverie.imagery.oracle import Catalogue, Oracle
from reverie.imagery.records import DepictedObject, Intent, ObjectSet, ObjectSource
from reverie.imagery.roles import LanguageModel
from reverie.imagery.safety import unsafe_words

OWN, NEAR, KIND = 2.0, 1.0, 0.7
"""Weights of a word of the oracle item's own title, of the titles near it, and of their categories."""
NAMED = 2
"""Objects that come from titles, at most; the concept gives the others."""
LEAST_CONCRETE, MOST_ABSTRACT = 4.4, 3.8
"""Ratings from which on a word is a thing, and up to which it is an idea."""


def oracle_intent(
    oracle: Oracle, catalogue: Catalogue, lexicon: Lexicon, norms: Norms, model: LanguageModel | None = None, seed: int = 0
) -> Intent:
    """Return what an oracle item means: the abstract noun that its words speak for most, weighed by rarity in the catalogue.

    Raises
    ------
    ConfigError
        If there is none among its words.
    """

    def is_idea(word: str) -> bool:
        found = lexicon.lookup(word)
        rated = norms.concreteness(word)
        return bool(found) and lexicon.is_abstract(found[0]) and rated is not None and rated <= MOST_ABSTRACT

    ranked = _ranked(oracle, catalogue, is_idea)
    if not ranked:
        raise ConfigError(f"no word of '{oracle.title}' and of the items near it names an idea; name a concept instead of --run")
    sentence = ". ".join([oracle.title, *oracle.nearest, " ".join(dict.fromkeys(oracle.categories))])
    safe = " ".join(word for word in sentence.split() if not unsafe_words(word))
    return choose_intent(lexicon, ranked[0][0], sentence=safe, language_model=model, seed=seed)


def oracle_objects(
    oracle: Oracle, catalogue: Catalogue, intent: Intent, lexicon: Lexicon, icons: IconSet, norms: Norms, n: int = 4,
    model: LanguageModel | None = None, seed: int = 0,
) -> ObjectSet:  # fmt: skip
    """Return things that titles name and that have an icon, then those of the concept."""
    drawn: dict[str, tuple[str, str]] = {}

    def is_thing(word: str) -> bool:
        if (norms.concreteness(word) or 0.0) < LEAST_CONCRETE or word in lexicon.derived_forms(intent.concept):
            return False
        for sense in lexicon.lookup(word)[:2]:
            for icon in icons.of_sense(sense):
                drawn[word] = (sense, icon.name)
                return True
        return False

    named = []
    for word, title in _ranked(oracle, catalogue, is_thing, categories=False)[:NAMED]:
        sense, icon = drawn[word]
        source: ObjectSource = "proposal" if title == oracle.title else "cooccurrence"
        way = f"a word of '{title}', {'what the oracle item is called' if title == oracle.title else 'near the oracle item'}"
        rated = norms.concreteness(word)
        named.append(DepictedObject(phrase=word, sense=sense, source=source, relation=way, concreteness=rated, icon=icon))
    rest: tuple[DepictedObject, ...] = ()
    if len(named) < n:
        found = choose_objects(lexicon, icons, intent, n=n, language_model=model, seed=seed, drawable_only=True)
        rest = tuple(one for one in found.objects if one.icon not in {other.icon for other in named})
    return ObjectSet(objects=(*named, *rest)[:n], ranked_by="likelihood" if model is not None else "norms")


def _ranked(oracle: Oracle, catalogue: Catalogue, wanted: Callable[[str], bool], categories: bool = True) -> list[tuple[str, str]]:
    """Return the words that are wanted with a text they stand in, those that say most first."""
    weights: dict[str, float] = {}
    texts: dict[str, str] = {}
    for word, text, weight in _weighed(oracle, categories):
        weights[word] = weights.get(word, 0.0) + weight * catalogue.rarity(word)
        texts.setdefault(word, text)
    order = sorted(weights, key=lambda word: (-weights[word], word))
    return [(word, texts[word]) for word in order if not unsafe_words(word) and wanted(word)]


def _weighed(oracle: Oracle, categories: bool) -> Iterator[tuple[str, str, float]]:
    """Yield words with the text they stand in and their weight."""
    titles = [(oracle.title, OWN), (oracle.in_catalogue, OWN), *((title, NEAR) for title in oracle.nearest)]
    titles += [(kind, KIND) for kind in oracle.categories] if categories else []
    for text, weight in titles:
        for word in re.findall(r"[a-z]{3,}", text.lower()):
            yield word, text, weight
