"""Phrases of prompts that people wrote: from a published collection, or from a file; and which of them may speak of form."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from reverie.data.sources.fetchable import Weights
from reverie.data.sources.packages import package_folder
from reverie.documents import regular
from reverie.errors import ConfigError
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.records import Credit
from reverie.plain_yaml import read_yaml

_DATA = "pypi:clip-interrogator==0.6.0!clip_interrogator/data"
COLLECTION = Weights(
    "pypi", {name: f"{_DATA}/{name}" for name in ("flavors.txt", "mediums.txt", "movements.txt", "artists.txt")},
    {
        "flavors.txt": "c99d83a7a435157339f3b60a34794c524de37159a9b72f3a2034df8245c4a2f1",
        "mediums.txt": "91f26b9d0d7d93f8e30139a94f895ba5a97744033ec0b174539f3a88bc49cd2c",
        "movements.txt": "16d60ecb48901885e877ca9243b3c32bc84a2477c4d3f0a1cf6d66086ce47483",
        "artists.txt": "01e4b30f6d7cfdb62f4582c5bec658e02d79bf9c19052949ce3336d6eff4d395",
    },
)  # fmt: skip
"""Lists of a package that is never installed or imported; the list of artists only tells which phrases to leave out."""
CREDIT = Credit(
    what="phrases of prompts", author="contributors of clip-interrogator 0.6.0", licence="MIT",
    url="https://github.com/pharmapsychotic/clip-interrogator",
)  # fmt: skip
LARGEST, LONGEST, MOST_WORDS = 1 << 26, 4000, 6
"""Bytes of a file of prompts, characters of a line, and words of a phrase."""
THINGS = frozenset(
    f"noun.{part}" for part in ("animal", "artifact", "body", "food", "group", "location", "object", "person", "plant")
)
"""Parts of WordNet whose nouns are subject matter, also where they count as groups or parts."""
_WORD = re.compile(r"[a-z]+(?:['’-][a-z]+)*")
List = Literal["flavors", "mediums", "movements"]


def collected_phrases(lists: Iterable[List] = ("flavors", "mediums", "movements")) -> list[str]:
    """Return the phrases of the published collection, fetching it the first time."""
    folder = package_folder("form-phrases", COLLECTION, "take the written patterns (--forms written) or a file of your own prompts")
    return list(dict.fromkeys(phrase for name in lists for phrase in phrases_of((folder / f"{name}.txt").read_text("utf-8"))))


def artists() -> frozenset[str]:
    """Return the names of the collection's artists in lower case: whole ones, and last ones."""
    folder = package_folder("form-phrases", COLLECTION, "take the written patterns (--forms written)")
    names = [" ".join(line.lower().split()) for line in (folder / "artists.txt").read_text("utf-8").splitlines() if line.strip()]
    return frozenset([*names, *(name.rpartition(" ")[2] for name in names if " " in name)])


def read_prompts(path: Path) -> list[str]:
    """Read a file of prompts, one a line.

    Raises
    ------
    ConfigError
        If it is not text, or holds none.
    """
    data = regular(path, LARGEST).read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not text (no UTF-8 at byte {error.start}); give a text file with one prompt a line"
        ) from error
    if re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", text):
        raise ConfigError(f"{path} is not text (it holds control characters); give a text file with one prompt a line")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ConfigError(f"{path} holds no prompt; give a text file with one prompt a line")
    return [line[:LONGEST] for line in lines]


def phrases_of(text: str) -> list[str]:
    """Return the parts of prompts between commas, semicolons, full stops and bars."""
    return [part for one in re.split(r"[,;.|\n]+", text.lower()) if (part := " ".join(one.split()))]


@cache
def slot_words() -> dict[str, frozenset[str]]:
    """Return the words of ``slots.yaml``: the lists by their names, and the heads of each slot by the slot's name."""
    table = read_yaml(Path(str(resources.files("reverie.imagery.forms") / "slots.yaml")))
    return {
        name: frozenset(words) for name, words in [*table["heads"].items(), *((k, v) for k, v in table.items() if k != "heads")]
    }


class PhraseFilter:
    """Tells which phrases may speak of form: no names, no things, no praise.

    Parameters
    ----------
    lexicon : Lexicon
        A word that it does not know, or knows as a name alone, is taken for a name.
    names : frozenset of str
        Names that no phrase may hold.
    """

    def __init__(self, lexicon: Lexicon, names: frozenset[str] = frozenset()) -> None:
        self.lexicon, self.names = lexicon, names
        words = slot_words()
        self._heads = frozenset().union(*(words[slot] for slot in words if slot not in ("materials", "empty", "behind", "small")))
        self._fine: dict[str, bool] = dict.fromkeys(self._heads | words["materials"] | words["behind"] | words["small"], True)
        self._fine |= dict.fromkeys(words["empty"] - self._heads, False)

    def passes(self, phrase: str) -> bool:
        """Return whether a phrase in lower case may speak of form."""
        words = _WORD.findall(phrase)
        if not 0 < len(words) <= MOST_WORDS or re.search(r"[^a-z '’-]", phrase) or " by " in f" {phrase} ":
            return False
        if any(" ".join(words[at : at + n]) in self.names for n in (2, 3, 4) for at in range(len(words) - n + 1)):
            return False
        return all(self._is_fine(word) for word in words)

    def _is_fine(self, word: str) -> bool:
        """Return whether a word is known, and no thing: its first noun sense is not physical, or it is an adjective too."""
        if word not in self._fine:
            parts = word.split("-") if "-" in word else [word]
            self._fine[word] = all(self._known(part) for part in parts) if len(parts) == 1 else all(map(self._is_fine, parts))
        return self._fine[word]

    def _known(self, word: str) -> bool:
        if word in self.names or len(word) < 3:
            return False
        lookup = self.lexicon.lookup
        noun = lookup(word, "n")
        if lookup(word, "a") or lookup(word, "r"):
            return True
        if not noun:
            return bool(lookup(word, "v"))
        return not self.lexicon.is_physical(noun[0]) and self.lexicon.part_of_lexicon(noun[0]) not in THINGS
