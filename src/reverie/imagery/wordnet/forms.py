"""Forms of words by rule: those that WordNet's own morphology detaches, and families of words by prefixes and suffixes."""

from __future__ import annotations

_DETACH = {
    "n": (("ies", "y"), ("ves", "f"), ("men", "man"), ("ses", "s"), ("xes", "x"), ("zes", "z"), ("ches", "ch"), ("shes", "sh"),
          ("s", "")),
    "v": (("ies", "y"), ("es", "e"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", "")),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e"), ("ier", "y"), ("iest", "y")),
    "r": (),
}  # fmt: skip
"""Endings of nouns, verbs, adjectives and adverbs, and what stands in their place."""
_IRREGULAR = {
    "mice": "mouse", "geese": "goose", "feet": "foot", "teeth": "tooth", "children": "child", "people": "person", "oxen": "ox",
    "lives": "life", "knives": "knife", "wives": "wife", "leaves": "leaf", "wolves": "wolf", "selves": "self", "dice": "die",
}  # fmt: skip
_PREFIXES = ("", "un", "in", "im", "ir", "il", "dis", "non", "mis")
_OF_NOUNS = (
    "", "dom", "ness", "ity", "ty", "ice", "ment", "tion", "ation", "ion", "al", "ship", "hood", "ance", "ence", "ancy",
    "ency", "ism", "th", "y", "cy",
)  # fmt: skip
"""What may be taken off a noun: freedom, kindness, justice."""
_ADDED = (
    "", "e", "ful", "fully", "fulness", "less", "lessly", "lessness", "ly", "ness", "y", "ic", "ical", "ically", "al",
    "ally", "ous", "ously", "able", "ably", "ive", "ively", "ish", "er", "or", "ist", "ism", "ity", "ty", "ate", "ize",
    "ise", "ify", "en", "some", "ant", "ent", "iness", "ily", "iful", "iless", "ied", "ing", "ed", "dom", "ice", "th",
    "hood", "ship",
)  # fmt: skip


def possible_bases(word: str, part: str) -> list[str]:
    """Return what a word may be a form of, by its ending; some are no words."""
    found = [_IRREGULAR[word]] if part == "n" and word in _IRREGULAR else []
    for ending, instead in _DETACH[part]:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            found.append(word[: len(word) - len(ending)] + instead)
    return found


def possible_family(word: str) -> set[str]:
    """Return words that a word's family may have, by prefixes and suffixes; most are no words."""
    stems = {word[: len(word) - len(end)] for end in _OF_NOUNS if word.endswith(end) and len(word) - len(end) >= 3}
    stems |= {stem.removeprefix(before) for stem in stems for before in _PREFIXES if len(stem) - len(before) >= 4}
    stems |= {stem[:-1] for stem in stems if stem.endswith(("e", "y")) and len(stem) >= 5}
    stems |= {stem[:-1] + "i" for stem in stems if stem.endswith("y")}
    whole = {one for one in stems if len(one) >= 4} | {word}
    return {before + stem + after for before in _PREFIXES for stem in whole for after in _ADDED} | {
        stem + after for stem in stems for after in ("", "e") if len(stem + after) >= 4
    }


def inflected(word: str, parts: str) -> set[str]:
    """Return a word with its regular forms as a noun (n), verb (v) and adjective (a)."""
    soft = word.endswith("y") and word[-2:-1] not in "aeiou"
    stem = word[:-1] if soft or word.endswith("e") else word
    several = f"{stem}ies" if soft else f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"
    after = "i" if soft else ""
    short = len(word) <= 5 and word[-1:] not in "aeiouwxy" and word[-2:-1] in "aeiou" and word[-3:-2] not in "aeiou"
    stems = {stem, stem + stem[-1:]} if short else {stem}
    forms = {word, several} if "n" in parts else {word}
    if "v" in parts:
        forms |= {several} | {form for one in stems for form in (f"{one}{after}ed", f"{word if soft else one}ing")}
    if "a" in parts and len(word) <= 7:
        forms |= {form for one in stems for form in (f"{one}{after}er", f"{one}{after}est")}
    return forms
