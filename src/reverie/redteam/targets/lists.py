"""Lists of titles in the words of a language model, read strictly."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reverie.llm.titles import title_key

_ENTRY = re.compile(r"^\s*(?:\d{1,3}\s*(?:[.):](?:\s+|(?=[^\W\d]))|[-–]\s+)|[-*•–]\s+)(\S.*?)\s*$")
"""A number and its mark (``1.``, ``1)``, ``1 -``; a digit right behind makes it a number such as 3.5), or a bullet."""
_MARKS = re.compile(r"\*\*|__|`")
_TAIL = re.compile(r"\s+[-–—|]\s+|:\s+|\s+\(|,\s+|\.\s+")
"""What may stand between a title and a remark about it."""
_NUMBER = re.compile(r"\d+|\b[ivx]+\b")
_ARTICLE = re.compile(r"^(?:the|an?) ")
LETTERS = 8
"""Of so many letters one may be wrong; a shorter title is matched as it is."""


def list_entries(text: str) -> list[str]:
    """Return the entries of a list: lines that begin with a number or a bullet, but for headings, which end with a colon."""
    found = (_ENTRY.match(line) for line in text.splitlines())
    entries = (_MARKS.sub("", match[1]).strip() for match in found if match)
    return [entry for entry in entries if not entry.endswith(":")]


@dataclass(frozen=True)
class Listed:
    """A list that was read: ids of known items, each once, in order, and what names none of them."""

    ids: tuple[str, ...]
    unknown: tuple[str, ...]


def read_list(entries: Sequence[str], known: Sequence[tuple[str, str]]) -> Listed:
    """Match the entries of a list with known items.

    Parameters
    ----------
    entries : sequence of str
        As `list_entries` finds them.
    known : sequence of (str, str)
        Id and title of each item that could be meant; the first of several with one title counts.

    Returns
    -------
    Listed
        An entry names an item if it is its title, by the key of `reverie.llm.titles.title_key`, or begins with its title and a
        remark follows behind a dash, colon, bracket, comma or full stop; the longest such title counts. One letter in `LETTERS`
        may be wrong where only one known title is as near, but never in a number, be it Roman.
    """
    ids: dict[str, str] = {}
    for item, title in known:
        ids.setdefault(title_key(title), item)
    found, unknown = dict[str, None](), dict[str, None]()
    for entry in entries:
        keys = map(title_key, _beginnings(entry))
        meant = next((near for key in keys if (near := key if key in ids else misspelt(key, ids))), None)
        named = ids.get(meant) if meant else None
        if named is None:
            unknown[entry] = None
        else:
            found[named] = None
    return Listed(tuple(found), tuple(unknown))


def misspelt(key: str, keys: Iterable[str]) -> str | None:
    """Return the one of some titles that another text misspells, None where there is none or more than one.

    Letters that are missing, too many, wrong or swapped with the next count (optimal string alignment).
    """
    from rapidfuzz import process
    from rapidfuzz.distance import OSA

    most, numbers = len(_ARTICLE.sub("", key)) // LETTERS, _NUMBER.findall(key)
    alike = [one for one in keys if _NUMBER.findall(one) == numbers] if most else []
    near = process.extract(key, alike, scorer=OSA.distance, score_cutoff=most, limit=2)
    return near[0][0] if len(near) == 1 or (len(near) > 1 and near[0][1] < near[1][1]) else None


def _beginnings(entry: str) -> list[str]:
    """Return an entry, and what stands before each of its marks, the longest first."""
    return [entry, *(entry[: match.start()] for match in reversed(list(_TAIL.finditer(entry))))]
