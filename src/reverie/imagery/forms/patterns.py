"""Patterns of form: made from slots, told apart by their normalised text, and the small set that was written for this library."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from reverie.errors import DataError
from reverie.imagery.records import SLOTS, FormPattern, SlotName
from reverie.options import checked
from reverie.plain_yaml import read_yaml

WRITTEN = "written"
"""Source of the patterns inside the package."""


def normalised(text: str) -> str:
    """Return a text by which two patterns are the same: words in lower case, British spelling of what the slots speak of."""
    words = re.findall(r"[a-z]+", text.lower())
    return " ".join({"color": "colour", "colors": "colours", "gray": "grey", "grays": "greys"}.get(word, word) for word in words)


def form_pattern(slots: Mapping[SlotName, str], source: str, extracted_by: Literal["rules", "llm", "written"]) -> FormPattern:
    """Return the pattern of some slots.

    Parameters
    ----------
    slots : mapping of str to str
        What is said of each slot.
    source : str
        The collection.
    extracted_by : str
        ``rules``, ``llm`` or ``written``.
    """
    kept = {slot: " ".join(slots[slot].split()) for slot in SLOTS if slots.get(slot, "").strip()}
    text = ", ".join(dict.fromkeys(kept.values()))
    digest = hashlib.sha256(f"{sorted(kept)} {normalised(text)}".encode()).hexdigest()[:12]
    return FormPattern(id=digest, text=text, slots=kept, source=source, extracted_by=extracted_by)


def distinct(patterns: Iterable[FormPattern]) -> list[FormPattern]:
    """Return patterns without those whose normalised text stood before."""
    kept: dict[str, FormPattern] = {}
    for pattern in patterns:
        kept.setdefault(normalised(pattern.text), pattern)
    return list(kept.values())


@cache
def written_patterns() -> tuple[FormPattern, ...]:
    """Return the patterns inside the package."""
    path = Path(str(resources.files("reverie.imagery.forms") / "written.yaml"))
    entries = read_yaml(path)
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise DataError(f"{path} is no list of mappings; install the package again")
    made = [form_pattern(one, WRITTEN, "written") for one in entries]
    return tuple(checked(FormPattern, one.model_dump(), f"{path}, {one.text}") for one in made)
