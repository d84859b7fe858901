"""Titles of a catalogue: normalised texts, and keys by which two spellings of a title match."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from reverie.errors import DataError
from reverie.options import Options

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.data.vocabulary import Vocabulary

_YEAR = re.compile(r"\s*\((19|20)\d\d\)\s*$")
_ARTICLE = re.compile(r"^(.*), (The|A|An|Le|La|Les|L'|Il|El|Das|Der|Die)(?=$| \()")
_EDGE = re.compile(r"^[\s\"'“”‘’.,;:!?*_\-–—•]+|[\s\"'“”‘’.,;:!*_\-–—•]+$")


class TitleOptions(Options):
    """How titles are written."""

    year: Literal["keep", "drop"] = "drop"
    """Whether a year in brackets at the end stays."""
    duplicates: Literal["error", "share"] = "error"
    """Whether two items with one title are an error, or count as one."""
    longest: Annotated[int, Field(ge=8)] | None = None
    """Characters of a title; a longer one (those of shops often are) ends with the last word that fits."""


def tidy(title: str, year: str = "drop") -> str:
    """Return a title as a person would write it: the article in front, no year, single spaces.

    Parameters
    ----------
    title : str
        E.g. ``"Usual Suspects, The (1995)"``.
    year : {"keep", "drop"}
        What happens to a year in brackets at the end.

    Returns
    -------
    str
        E.g. ``"The Usual Suspects"``.

    Examples
    --------
    >>> tidy("Usual Suspects, The (1995)")
    'The Usual Suspects'
    >>> tidy("Postino, Il (The Postman) (1994)")
    'Il Postino (The Postman)'
    """
    match = _YEAR.search(title)
    end = match.group(0).rstrip() if match and year == "keep" else ""
    body = " ".join(_YEAR.sub("", title).split())
    return _ARTICLE.sub(lambda m: f"{m[2]}{'' if m[2].endswith(chr(39)) else ' '}{m[1]}", body) + (f" {end.strip()}" if end else "")


def title_key(text: str, year: str = "drop") -> str:
    """Return what two spellings of a title share.

    Parameters
    ----------
    text : str
        A title, or what a language model wrote for one.
    year : {"keep", "drop"}
        Whether a year in brackets at the end tells titles apart.

    Returns
    -------
    str
        Lower case, article in front, without quotes and punctuation at the edges, unless nothing else is left (``"!!!"``).

    Examples
    --------
    >>> title_key('"Usual Suspects, The (1995)"') == title_key("the usual  suspects.")
    True
    """
    bare = _EDGE.sub("", tidy(_EDGE.sub("", text), year))
    return (bare or " ".join(text.split())).casefold()


@dataclass(frozen=True)
class Titles:
    """Titles by item code."""

    texts: tuple[str, ...]
    year: str = "drop"

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """Key of each title, in the order of `texts`."""
        return tuple(map(self.key, self.texts))

    @cached_property
    def first(self) -> dict[str, int]:
        """Key to item code, the first item where several share it."""
        codes: dict[str, int] = {}
        for code, key in enumerate(self.keys, start=1):
            codes.setdefault(key, code)
        return codes

    @cached_property
    def canonical(self) -> NDArray[np.int64]:
        """Item code to the code of the first item with the same title, shape [N + 1]; 0 stays 0."""
        import numpy as np

        return np.array([0, *(self.first[key] for key in self.keys)], dtype=np.int64)

    def key(self, text: str) -> str:
        """Return the key of any text, by this catalogue's rule on years."""
        return title_key(text, self.year)

    def text(self, code: int) -> str:
        """Return the title of an item."""
        return self.texts[code - 1]


def catalogue_titles(vocabulary: Vocabulary, options: TitleOptions) -> Titles:
    """Return the titles of a catalogue."""
    if vocabulary.titles is None:
        raise DataError("the items have no titles, so there is nothing to say of them; give a catalogue with a column 'title'")
    given = vocabulary.titles.to_list()
    nameless = [code for code, title in enumerate(given) if not title or not title_key(title)]
    if nameless:
        first = vocabulary.items[nameless[0]]
        raise DataError(f"item '{first}' has no title ({len(nameless)} items have none); add it to the catalogue")
    titles = Titles(tuple(_cut(tidy(title, options.year), options.longest) for title in given), options.year)
    twice = next((code for code, key in enumerate(titles.keys, start=1) if titles.first[key] != code), None)
    if twice is not None and options.duplicates == "error":
        one, other = (vocabulary.items[code - 1] for code in (titles.first[titles.keys[twice - 1]], twice))
        raise DataError(
            f"items '{one}' and '{other}' have the same title '{titles.text(twice)}'; tell them apart in the catalogue, or set "
            f"titles.duplicates: share to count them as one"
        )
    return titles


def _cut(title: str, longest: int | None) -> str:
    if longest is None or len(title) <= longest:
        return title
    words = title[: longest + 1].rsplit(" ", 1)[0][:longest]
    return _EDGE.sub("", words) or words
