"""Conditions of a study: which layers a prompt is made of."""

from __future__ import annotations

from typing import Literal

Condition = Literal["A", "B", "C", "D", "O", "OF", "E-shuffled", "E-form", "E-sense"]
CONDITIONS: tuple[Condition, ...] = ("A", "B", "C", "D", "O", "OF", "E-shuffled", "E-form", "E-sense")
WORDS: dict[str, str] = {
    "A": "the word alone",
    "B": "gloss",
    "C": "gloss and objects",
    "D": "gloss, objects and form",
    "O": "objects",
    "OF": "objects and form",
    "E-shuffled": "objects of another concept",
    "E-form": "form alone",
    "E-sense": "gloss, objects and form of another sense",
}
"""What each condition shows, in words."""
