"""Matches generated text to titles of the catalogue."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.llm.titles import Titles

_WORD = re.compile(r"\w+")
_LIST = re.compile(r"^\s*(\d+[.)]|[-*•])\s+")
COVER = 0.5
"""A title inside a line must cover more than this share of its words: 'Big' is not named by 'Big Trouble in Little China'."""


@dataclass(frozen=True)
class Mention:
    """One title that was written."""

    text: str
    code: int


class Matcher:
    """Finds titles in lines: exact first, then the longest title on word borders."""

    def __init__(self, titles: Titles) -> None:
        self._key, self._codes = titles.key, titles.first
        self._by_words: dict[tuple[str, ...], int] = {}
        for key, code in titles.first.items():
            words = tuple(_WORD.findall(key))
            if words:
                self._by_words.setdefault(words, code)
        self._longest = max(map(len, self._by_words), default=0)

    def mentions(self, answer: str) -> list[Mention]:
        """Return the distinct titles that an answer names, in their order."""
        mentions: dict[object, Mention] = {}
        for line in answer.splitlines():
            for text in self._pieces(_LIST.sub("", line)):
                key, code = self._key(text), self._code(text)
                if code or _WORD.search(key):
                    mentions.setdefault(code or key, Mention(text.strip(), code))
        return list(mentions.values())

    def _pieces(self, line: str) -> Sequence[str]:
        pieces = line.split(", ")
        if len(pieces) == 1 or self._key(line) in self._codes:
            return [line]
        known = [self._key(piece) in self._codes for piece in pieces]
        return pieces if any(known) else [line]

    def _code(self, text: str) -> int:
        exact = self._codes.get(self._key(text))
        if exact:
            return exact
        words = tuple(_WORD.findall(self._key(text)))
        for size in range(min(len(words), self._longest), 0, -1):
            if size <= COVER * len(words):
                return 0
            for at in range(len(words) - size + 1):
                code = self._by_words.get(words[at : at + size])
                if code:
                    return code
        return 0


def original_count(answer: str, true_titles: Sequence[str]) -> int:
    """Return how many true titles stand anywhere in an answer, each once: the released measure, with titles escaped."""
    return sum(title in answer for title in set(true_titles))
