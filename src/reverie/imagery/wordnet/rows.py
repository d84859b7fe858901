"""Rows of the table of WordNet."""

from __future__ import annotations

from typing import NamedTuple


class SenseRow(NamedTuple):
    """A sense as it is read: name, part of speech, part of WordNet, gloss, examples and words, the last two as JSON."""

    id: str
    pos: str
    part: str
    gloss: str
    examples: str
    lemmas: str


class LinkRow(NamedTuple):
    """A pointer from one sense to another one, between words of theirs or, where these are empty, between the senses."""

    source: str
    relation: str
    target: str
    source_word: str
    target_word: str


class WordRow(NamedTuple):
    """The sense at a place, from 0, among those of a word."""

    word: str
    pos: str
    place: int
    id: str
