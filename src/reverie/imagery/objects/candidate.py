"""A thing that may be shown for a concept, and what it must be to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reverie.imagery.icons import Icon, IconSet
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.norms import Norms
from reverie.imagery.records import ObjectSource

Found = ObjectSource | Literal["tag"]
LEAST_CONCRETE = 4.2
"""Of ratings from 1 to 5; "freedom" has 2.3, "cage" 5.0."""


@dataclass
class Candidate:
    """A physical sense with the ways in which it was found.

    Parameters
    ----------
    sense, phrase : str
    concreteness : float
        From 1 to 5.
    icon : Icon or None
        The plainest one that shows it.
    found : dict of str to (float, str)
        By source: how strongly it speaks for the thing, 1 is full, and the way in words. Symbols by convention and those by tags of
        icons are told apart here, as ``symbol`` and ``tag``.
    """

    sense: str
    phrase: str
    concreteness: float
    icon: Icon | None
    found: dict[Found, tuple[float, str]] = field(default_factory=dict)

    def add(self, source: Found, strength: float, way: str) -> None:
        """Note that a source names the thing; of several ways of one source the strongest is kept."""
        if strength > self.found.get(source, (0.0, ""))[0]:
            self.found[source] = (strength, way)


class Pool:
    """Candidates by sense; what is no thing to be shown does not enter.

    Parameters
    ----------
    lexicon, norms, icons
        Icons as `link_icons` returns them.
    own : frozenset of str
        Forms of the concept's word and its family, which no object may name.
    least : float
        Concreteness below which a thing is too abstract.
    """

    def __init__(self, lexicon: Lexicon, norms: Norms, icons: IconSet, own: frozenset[str], least: float = LEAST_CONCRETE) -> None:
        self.lexicon, self.norms, self.icons, self.own, self.least = lexicon, norms, icons, own, least
        self._candidates: dict[tuple[str, str], Candidate] = {}

    def __len__(self) -> int:
        return len(self._candidates)

    def all(self) -> list[Candidate]:
        """Return the candidates in the order of their senses; a sense that several icons show may be there as each of them."""
        return [self._candidates[key] for key in sorted(self._candidates)]

    def offer(self, sense: str, source: Found, strength: float, way: str, icon: Icon | None = None) -> bool:
        """Let a sense in, or note another way to it; False where it is no thing to be shown."""
        plainest = next(iter(self.icons.of_sense(sense)), None)
        key = (sense, "" if icon is None or icon is plainest else icon.name)
        if key not in self._candidates:
            made = self._candidate(sense, icon or plainest)
            if made is None:
                return False
            self._candidates[key] = made
        self._candidates[key].add(source, strength, way)
        return True

    def offer_word(self, word: str, source: Found, strength: float, way: str) -> bool:
        """Let in the thing that a word means most often: its first sense that is physical, if it is among the first two."""
        if not self.names_thing(word):
            return False
        senses = self.lexicon.lookup(word)[:2]
        thing = next((sense for sense in senses if self.lexicon.is_physical(sense)), None)
        return thing is not None and self.offer(thing, source, strength, way)

    def names_thing(self, word: str) -> bool:
        """Whether people rate a word as concrete, and it does not name the concept."""
        return not self.own.intersection(word.split()) and (self.norms.concreteness(word) or 0.0) >= self.least

    def _candidate(self, sense: str, shown: Icon | None) -> Candidate | None:
        if shown is None and not self.lexicon.is_physical(sense):
            return None
        lemmas = [lemma for lemma in self.lexicon.lemmas(sense) if lemma.islower()]
        if self.own.intersection(word for lemma in lemmas for word in lemma.split()):
            return None
        rated = {lemma: value for lemma in lemmas if (value := self.norms.concreteness(lemma)) is not None}
        if not rated or max(rated.values()) < self.least:
            return None
        if shown is not None:
            if self.own.intersection(shown.label.split()):
                return None
            return Candidate(sense, shown.thing or shown.label, max(rated.values()), shown)
        known = [lemma for lemma in lemmas if self.norms.is_common(lemma) and self.lexicon.lookup(lemma)[:2].count(sense)]
        return Candidate(sense, known[0], rated[known[0]], None) if known and rated[known[0]] >= self.least else None
