"""Lists of abstract concepts, drawn from WordNet by a fixed seed; they are ours, not those of the paper, which are not public."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from reverie.errors import unknown
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.norms import Norms, load_norms
from reverie.imagery.objects.proposals import SHOTS
from reverie.imagery.safety import is_safe_concept
from reverie.seeds import numpy_generator

Part = Literal["dev", "test"]
SIZES = {"concepts-small": 57, "concepts-large": 640}
"""The paper's small set has 57 concepts, and so has ours; its large one has 3,400."""
SEED = 20260
MOST_CONCRETE = 3.2
"""Rating, of 1 to 5, up to which a word is abstract to people as well."""
DEV = 0.3
"""Part of the concepts on which settings are chosen."""
_FIELDS = frozenset(
    f"noun.{field}"
    for field in ("act", "attribute", "cognition", "event", "feeling", "motive", "process", "relation", "state", "time")
)
"""Parts of WordNet that ideas are filed under; of the other abstract ones most name groups, amounts, shapes or texts."""
_NOT_IDEAS = {
    "then", "while", "kind", "given", "like", "last", "might", "worse", "worst", "best", "first", "past", "thing", "going",
    "coming",
}  # fmt: skip
"""Nouns that are more often another kind of word, or that mean hardly anything by themselves."""
_LOOKED_AT = frozenset(
    {
        "freedom", "nostalgia", "justice", "speed", "hope", "time", "betrayal", "wisdom", "courage", "fear", "loneliness", "peace",
        "war", "power", "death", "knowledge", "truth", "deception", "greed", "innocence", "chaos", "harmony", "curiosity",
        "ambition", "memory", "patience", "danger", "silence", "poverty", "progress", "democracy", "jealousy", "loyalty", "dream",
        "destiny", "light", "depression",
    }
)  # fmt: skip
"""Concepts whose objects were looked at while weights and symbols were set by hand: they belong to the dev part."""
_DEEP, _MANY = (5, 7), (1, 3)
"""Depths, and numbers of senses, up to which a word is in the first and in the second stratum."""


@dataclass(frozen=True)
class Concept:
    """A concept of a list: the word, its most frequent sense, how deep that lies, how many senses the word has, and its part."""

    word: str
    sense: str
    depth: int
    n_senses: int
    part: Part


@dataclass(frozen=True)
class ConceptList:
    """A list of concepts in the order in which they were drawn."""

    name: str
    concepts: tuple[Concept, ...]

    @property
    def sha256(self) -> str:
        """SHA-256 of the sorted words, one a line."""
        return concepts_digest(one.word for one in self.concepts)

    @property
    def dev(self) -> tuple[str, ...]:
        """Words on which settings are chosen, in the order in which they were drawn."""
        return tuple(one.word for one in self.concepts if one.part == "dev")

    @property
    def test(self) -> tuple[str, ...]:
        """Words that results come from."""
        return tuple(one.word for one in self.concepts if one.part == "test")


def concepts_digest(words: Iterable[str]) -> str:
    """Return the SHA-256 of sorted words, one a line."""
    return hashlib.sha256("".join(f"{word}\n" for word in sorted(words)).encode()).hexdigest()


@functools.lru_cache(maxsize=4)
def load_concepts(name: str, lexicon: Lexicon, norms: Norms | None = None) -> ConceptList:
    """Return a list of concepts.

    Parameters
    ----------
    name : {"concepts-small", "concepts-large"}
        57 and 640 nouns whose first sense lies under "abstraction", which occur in WordNet's corpus of texts, and which most people
        know (they are rated for concreteness) and rate as abstract. They are drawn in turns from nine strata, by depth and by
        number of senses, until there are enough; words that begin alike, unsafe words and those in examples for language models
        are left out.
    lexicon : Lexicon
    norms : Norms, optional
        Those of `load_norms`.
    """
    if name not in SIZES:
        raise unknown("list of concepts", name, SIZES)
    drawn = sample_concepts(lexicon, norms or load_norms(), SIZES[name], SEED)
    n_dev = round(DEV * len(drawn))
    in_dev = set(numpy_generator(SEED, "dev part").permutation(len(drawn))[:n_dev].tolist())
    parts: list[Part] = ["dev" if place in in_dev or one[0] in _LOOKED_AT else "test" for place, one in enumerate(drawn)]
    return ConceptList(name, tuple(Concept(*one, part) for one, part in zip(drawn, parts, strict=True)))


def sample_concepts(lexicon: Lexicon, norms: Norms, size: int, seed: int) -> list[tuple[str, str, int, int]]:
    """Return up to so many (word, first sense, depth, number of senses), from the strata in turns."""
    strata: dict[tuple[int, int], list[tuple[str, str, int, int]]] = defaultdict(list)
    left_out = {shot[0] for shot in SHOTS} | _NOT_IDEAS
    for word, sense, depth, n_senses in lexicon.nouns(abstract=True):
        rating = norms.concreteness(word)
        plain = rating is not None and rating <= MOST_CONCRETE and norms.is_common(word) and len(word) > 3 and word not in left_out
        if plain and lexicon.part_of_lexicon(sense) in _FIELDS:
            strata[_stratum(depth, _DEEP), _stratum(n_senses, _MANY)].append((word, sense, depth, n_senses))
    queues = []
    for key, found in sorted(strata.items()):
        order = numpy_generator(seed, "concepts", *key).permutation(len(found)).tolist()
        queues.append([found[i] for i in reversed(order)])
    drawn: list[tuple[str, str, int, int]] = []
    begun: set[str] = set()
    while len(drawn) < size and any(queues):
        for queue in queues:
            while queue and len(drawn) < size:
                one = queue.pop()
                if one[0][:5] not in begun and is_safe_concept(lexicon, one[0]):
                    begun.add(one[0][:5])
                    drawn.append(one)
                    break
    return drawn


def _stratum(value: int, bounds: tuple[int, int]) -> int:
    return sum(value > bound for bound in bounds)
