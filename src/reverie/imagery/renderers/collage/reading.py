"""The look that a form asks for: medium, palette, light, composition, viewpoint and setting from its words."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from reverie.imagery.records import Form
from reverie.plain_yaml import read_yaml

_WORD = re.compile(r"[a-z0-9][a-z0-9'’é-]*")


@dataclass(frozen=True)
class Palette:
    """Five tones from dark to light, an accent and the glow of the light."""

    name: str
    tones: tuple[str, ...]
    accent: str
    glow: str

    @property
    def ink(self) -> str:
        """The darkest tone."""
        return self.tones[0]

    @property
    def paper(self) -> str:
        """The lightest tone."""
        return self.tones[-1]


@dataclass(frozen=True)
class Look:
    """How a picture is to look; names are those of ``looks.yaml`` and ``palettes.yaml``."""

    medium: str
    palette: Palette
    light: str
    composition: str
    viewpoint: str
    setting: str | None = None


NEUTRAL = ("gouache", "storm", "overcast", "centre", "eye", "studio")
"""What a scene without a form looks like: a plain backdrop, the same for all."""


def read_look(form: Form) -> Look:
    """Read the look that a form asks for; what it does not say follows from its text, not from a seed."""
    if not form.patterns:
        medium, palette, light, composition, viewpoint, setting = NEUTRAL
        return Look(medium, _palette(palette), light, composition, viewpoint, setting)
    texts: dict[str, str] = {slot: text.lower() for pattern in reversed(form.patterns) for slot, text in pattern.slots.items()}
    whole = " ".join(pattern.text.lower() for pattern in form.patterns)
    tables = _tables()

    def choose(kind: str, slot: str, words: Mapping[str, Sequence[str]], always: bool = True) -> str | None:
        found = _best(words, texts.get(slot, ""), whole)
        if found is None and always:
            names = sorted(words)
            return names[zlib.crc32(f"{kind} {whole}".encode()) % len(names)]
        return found

    chosen = {kind: choose(kind, kind, words, kind != "setting") for kind, words in tables.items()}
    colours = choose("palette", "palette", {name: entry["words"] for name, entry in _palettes().items()})
    return Look(
        medium=str(chosen["medium"]),
        palette=_palette(str(colours)),
        light=str(chosen["light"]),
        composition=str(chosen["composition"]),
        viewpoint=str(chosen["viewpoint"]),
        setting=chosen["setting"],
    )


def _best(words: Mapping[str, Sequence[str]], own: str, whole: str) -> str | None:
    """Return the choice that most words speak for, those of its own slot five times; None where none does."""
    mine, all_words = set(_words(own)), set(_words(whole))
    scores = {name: sum(5 * (word in mine) + (word in all_words) for word in listed) for name, listed in words.items()}
    name = max(scores, key=lambda one: scores[one])
    return name if scores[name] else None


def _words(text: str) -> list[str]:
    found = _WORD.findall(text)
    return found + [f"{first}-{second}" for first, second in pairwise(found)] + [part for word in found for part in word.split("-")]


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = _read("looks.yaml")
    return table


@lru_cache(maxsize=1)
def _palettes() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = _read("palettes.yaml")
    return table


def _read(name: str) -> Any:
    return read_yaml(Path(str(resources.files("reverie.imagery.renderers.collage") / name)))


def _palette(name: str) -> Palette:
    entry = _palettes()[name]
    return Palette(name, tuple(entry["tones"]), str(entry["accent"]), str(entry["glow"]))
