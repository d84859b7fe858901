"""Where objects come from without a language model: tags of icons, the gloss, relations, and glosses of things."""

from __future__ import annotations

import functools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from reverie.imagery.bm25 import bm25_weight
from reverie.imagery.icons import IconSet
from reverie.imagery.lexicon import normal
from reverie.imagery.objects.candidate import Pool
from reverie.imagery.objects.query import FAMILY, GLOSS, NEAR, affirmed
from reverie.imagery.records import Intent
from reverie.imagery.wordnet.terms import singular, words_of
from reverie.plain_yaml import read_yaml

Terms = Mapping[str, tuple[float, str]]
_MANY = 400
"""Glosses that a term may be in; more common ones say little and cost time."""
_LATER = 0.05
"""What a meaning loses for each one that stands before it."""
_STRONG = 12.0
"""BM25 score that counts as full."""
_DIRECT = {
    "-part": 0.7, "-substance": 0.6, "-member": 0.4, "part": 0.4, "topic": 0.3, "-topic": 0.6, "derived": 0.5, "-kind": 0.7,
    "causes": 0.4, "also": 0.3, "opposite": 0.2,
}  # fmt: skip
"""How strongly a relation to a thing speaks for it."""


@functools.cache
def symbols() -> dict[str, tuple[str, ...]]:
    """Return what things stand for by convention, as written for this library."""
    return {
        str(thing): tuple(map(str, meanings)) for thing, meanings in read_yaml(Path(__file__).with_name("symbols.yaml")).items()
    }


def offer_symbols(pool: Pool, terms: Terms) -> None:
    """Offer things that stand for the concept, its family or what is near to it: by convention, and by the tags of their icons."""
    of_thing = {icon.thing: icon for icon in reversed(pool.icons.drawable) if icon.sense is not None}
    for thing, meanings in symbols().items():
        named = max((one for one in meanings if one in terms), key=lambda one: terms[one][0], default=None)
        if named is None:
            continue
        strength = terms[named][0] * (1.2 - _LATER * meanings.index(named))
        way = f"{thing} stands for {named}{_from(terms, named)}"
        icon = of_thing.get(thing)
        if icon is not None and icon.sense is not None:
            pool.offer(icon.sense, "symbol", strength, way, icon)
        else:
            pool.offer_word(thing, "symbol", strength, way)
    for icon in sorted(of_thing.values(), key=lambda icon: (len(icon.label), icon.name)):
        tags = {singular(normal(tag)) for tag in icon.tags} - set(icon.label.split())
        named = max((tag for tag in sorted(tags) if tag in terms), key=lambda tag: terms[tag][0], default=None)
        if named is not None and icon.sense is not None:
            gesture = icon.group in ("People Body", "Smileys Emotion")
            strength = terms[named][0] * _rarity(pool.icons, named) * (0.6 if gesture else 1.0)
            pool.offer(icon.sense, "tag", strength, f"a tag of the icon {icon.name} names {named}{_from(terms, named)}", icon)


def _from(terms: Terms, named: str) -> str:
    """Return where a term comes from, where it is neither the word nor of its family."""
    weight, origin = terms[named]
    return "" if weight >= FAMILY and origin != "its synonyms" else f", from {origin}"


def _rarity(icons: IconSet, tag: str) -> float:
    """Return from 1 for a tag of one icon down to 0 for one of all icons."""
    return 1 - math.log(max(_tag_counts(icons)[tag], 1)) / math.log(max(len(icons.drawable), 2))


@functools.lru_cache(maxsize=4)
def _tag_counts(icons: IconSet) -> Counter[str]:
    return Counter(tag for icon in icons.drawable for tag in {singular(normal(tag)) for tag in icon.tags})


def offer_gloss(pool: Pool, intent: Intent) -> None:
    """Offer things that the gloss, or an example, of the sense names."""
    examples = " ".join(intent.sense.examples)
    for strength, text, what in ((1.0, affirmed(intent.sense.gloss), "the gloss"), (0.5, examples, "an example")):
        for word in _nouns(text):
            pool.offer_word(word, "gloss", strength, f"{what} of {intent.concept} names {word}")


def _nouns(text: str) -> list[str]:
    """Return the words of a text that say something, without those behind "to" and "or", which are often verbs."""
    return words_of(re.sub(r"\b(to|or) [a-z]+", "", text.lower()))


def offer_relations(pool: Pool, intent: Intent) -> None:
    """Offer things that WordNet relates to the sense, in one step or two, and things that glosses on the way name."""
    lexicon, concept = pool.lexicon, intent.concept
    for near in lexicon.related(intent.sense.id):
        word, strength = lexicon.lemmas(near.sense)[0], _DIRECT.get(near.relation, 0.2)
        verb = "" if near.words.startswith(("has", "is")) else "is "
        pool.offer(near.sense, "relation", strength, f"{concept} {verb}{near.words} {word}")
        for named in _nouns(lexicon.sense(near.sense).gloss):
            pool.offer_word(named, "relation", 0.4 * strength, f"the gloss of {word}, near to {concept}, names {named}")
        for far in lexicon.related(near.sense, ("derived", "-part", "-kind", "attribute", "-topic"))[:30]:
            if far.sense != intent.sense.id:
                way = f"{concept} leads to {word}, and {word} to {lexicon.lemmas(far.sense)[0]}"
                pool.offer(far.sense, "relation", 0.5 * strength, way)


def offer_cooccurrences(pool: Pool, intent: Intent, terms: Terms) -> None:
    """Offer things whose glosses have words in common with the concept's, by BM25 over all glosses of things.

    A gloss with only one word in common counts where that is the concept itself, or one of its family or synonyms.
    """
    n, mean = pool.lexicon.glosses
    parts: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for term, (weight, _) in sorted(terms.items()):
        glosses = pool.lexicon.glosses_with(singular(term))
        if not glosses or len(glosses) > (_MANY if weight <= GLOSS else 4 * _MANY):
            continue
        for sense, count, length in glosses:
            parts[sense].append((weight * bm25_weight(float(count), float(length), mean, len(glosses), n), term))
    scores = {
        sense: sum(score for score, _ in found)
        for sense, found in parts.items()
        if len(found) > 1 or terms[found[0][1]][0] > max(NEAR, GLOSS)
    }
    for sense in sorted(scores, key=lambda sense: (-scores[sense], sense))[:200]:
        shared = " and ".join(term for _, term in sorted(parts[sense], reverse=True)[:2])
        way = f"the gloss of {pool.lexicon.lemmas(sense)[0]} shares {shared} with {intent.concept}"
        pool.offer(sense, "cooccurrence", min(1.0, scores[sense] / _STRONG), way)
