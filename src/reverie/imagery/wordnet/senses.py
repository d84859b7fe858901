"""Senses and words in the table of WordNet, looked up one by one."""

from __future__ import annotations

import json
import re
import sqlite3
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from reverie.errors import ConfigError, DataError, short
from reverie.imagery.records import Sense
from reverie.imagery.wordnet.forms import possible_bases

Part = Literal["n", "v", "a", "r"]
PARTS: tuple[Part, ...] = ("n", "v", "a", "r")


def normal(word: str) -> str:
    """Return a word as the lexicon has it: lower case, single blanks."""
    return " ".join(word.lower().replace("_", " ").split())


class SenseTable:
    """WordNet's senses, named as in nltk: ``freedom.n.01``.

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

    def depth(self, sense: str) -> int:
        """Return how many steps below "entity" a sense lies, by the shortest way."""
        found = self._rows("SELECT depth FROM senses WHERE id=?", sense)
        return int(found[0][0]) if found else 0

    @cached_property
    def glosses(self) -> tuple[int, float]:
        """Number of glosses of physical nouns, and the mean number of their words."""
        n, mean = self._rows("SELECT n, mean_length FROM glosses")[0]
        return int(n), float(mean or 1.0)

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
