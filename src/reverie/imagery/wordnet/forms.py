"""Inflected forms by rule, as WordNet's own morphology detaches them; irregular ones are in its lists."""

from __future__ import annotations

_DETACH = {
    "n": (("ies", "y"), ("ves", "f"), ("men", "man"), ("ses", "s"), ("xes", "x"), ("zes", "z"),
          ("ches", "ch"), ("shes", "sh"), ("s", "")),
    "v": (("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e"), ("ier", "y"), ("iest", "y")),
    "r": (),
}  # fmt: skip
"""Endings of nouns, verbs, adjectives and adverbs, and what stands in their place."""
_IRREGULAR = {
    "mice": "mouse", "geese": "goose", "feet": "foot", "teeth": "tooth", "children": "child", "people": "person", "oxen": "ox",
    "lives": "life", "knives": "knife", "wives": "wife", "leaves": "leaf", "wolves": "wolf", "selves": "self", "dice": "die",
}  # fmt: skip


def possible_bases(word: str, part: str) -> list[str]:
    """Return what a word may be a form of, by its ending; some are no words."""
    found = [_IRREGULAR[word]] if part == "n" and word in _IRREGULAR else []
    for ending, instead in _DETACH[part]:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            found.append(word[: len(word) - len(ending)] + instead)
    return found


def inflected(word: str) -> set[str]:
    """Return a word and its regular forms as noun, verb and adjective; some are no words, which does no harm to masking."""
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        stem = word[:-1]
        return {word, f"{word}ing", f"{stem}ies", f"{stem}ied", f"{stem}ier", f"{stem}iest"}
    if word.endswith("e"):
        return {word, f"{word}s", f"{word}d", f"{word[:-1]}ing", f"{word}r", f"{word}st"}
    several = f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"
    doubled = word + word[-1:]
    return {word, several, f"{word}'s", f"{word}ed", f"{word}ing", f"{word}er", f"{word}est", f"{doubled}ed", f"{doubled}ing"}
