"""Prompts from intent, objects and form, for every condition of the study; and prompts without the concept's own words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from reverie.imagery.records import Form, Intent, ObjectSet, Prompt, SlotName

Condition = Literal["A", "B", "C", "D", "O", "OF", "E-shuffled", "E-form", "E-sense"]
"""What a prompt is made of: A the word, B the gloss, C gloss and objects, D gloss, objects and form, O objects, OF objects and
form. Controls: E-shuffled as O, with objects of another concept; E-form the form alone; E-sense as D, with a random sense."""
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
PARTS: dict[Condition, frozenset[str]] = {
    "A": frozenset({"word"}), "B": frozenset({"gloss"}), "C": frozenset({"gloss", "objects"}),
    "D": frozenset({"gloss", "objects", "form"}), "O": frozenset({"objects"}), "OF": frozenset({"objects", "form"}),
    "E-shuffled": frozenset({"objects"}), "E-form": frozenset({"form"}), "E-sense": frozenset({"gloss", "objects", "form"}),
}  # fmt: skip
"""Layers that the prompt of a condition holds; shuffled objects and random senses are given by the caller."""
NEGATIVE = "text, letters, captions, watermark, signature, logo, collage border, blurry, deformed"
ORDER: tuple[SlotName, ...] = ("movement", "composition", "viewpoint", "light", "palette", "texture", "mood")
"""Slots behind the objects, in the order in which they are written; the medium stands before them."""
MASK = "___"
"""Stands where a word of the concept stood."""


def assemble_prompt(intent: Intent, objects: ObjectSet, form: Form, condition: Condition = "D") -> Prompt:
    """Return the prompt that a template makes of the layers of a condition.

    Parameters
    ----------
    intent : Intent
        Its gloss is used, and its word in condition A alone.
    objects : ObjectSet
        The first one is the main one.
    form : Form
    condition : str
        Layers that it does not have are left out, whatever is given.

    Returns
    -------
    Prompt
        Its text is empty where the layers asked for are.
    """
    parts = PARTS[condition]
    if "word" in parts:
        return Prompt(text=intent.concept, negative=NEGATIVE)
    shown = listed([one.phrase for one in objects.objects]) if "objects" in parts else ""
    medium = form.slot("medium") if "form" in parts else None
    said = [" of ".join(part for part in (with_article(medium) if medium else "", shown) if part)]
    said += [f"meaning {intent.sense.gloss}" if len(parts) > 1 else intent.sense.gloss] if "gloss" in parts else []
    said += form_words(form) if "form" in parts else []
    return Prompt(text=", ".join(part for part in said if part), negative=NEGATIVE)


def form_words(form: Form) -> list[str]:
    """Return what a form says, without its medium, each phrase once."""
    said = [form.slot(slot) or "" for slot in ORDER]
    return list(dict.fromkeys(text for text in said if text))


def listed(phrases: Sequence[str]) -> str:
    """Return things as a phrase, the main one before the others."""
    named = [with_article(phrase) for phrase in phrases]
    if len(named) < 2:
        return "".join(named)
    others = named[1:]
    rest = others[0] if len(others) == 1 else f"{', '.join(others[:-1])} and {others[-1]}"
    return f"{named[0]} with {rest}"


_DETERMINED = re.compile(r"(?:an?|the|one|two|three|many|some|several)\b|\d")
_PLURAL = re.compile(r"(?<![sui])s$")
_SOUND = re.compile(r"(?:[aeio]|u(?!ni|se|ti|r[aio]|k)|hour|heir|honou?r)")
_MASS = re.compile(
    r".*\b(?:air|blood|bread|chalk|clay|cloth|cotton|dust|earth|fire|fog|food|fur|glass|gold|gouache|graffiti|grass|hair|hay|ice|iron|ivory"
    r"|jewelry|lace|leather|light|lightning|machinery|marble|mist|money|moonlight|mud|oil|paper|pastel|pottery|rain|rice|salt|sand|silk"
    r"|silver|smoke|snow|soil|steel|straw|sunlight|sunshine|thunder|water|watercolou?r|wax|wheat|wine|wood|wool)"
)


def with_article(phrase: str) -> str:
    """Return a noun phrase with its indefinite article where it takes one."""
    if not phrase or _DETERMINED.match(phrase) or _PLURAL.search(phrase) or _MASS.fullmatch(phrase):
        return phrase
    return f"{'an' if _SOUND.match(phrase) else 'a'} {phrase}"


def mask(text: str, forms: Iterable[str]) -> tuple[str, int]:
    """Replace words by `MASK`, wherever they stand and however they are inflected.

    Parameters
    ----------
    text : str
        A prompt.
    forms : iterable of str
        The concept and words derived from it; several words may stand behind blanks, hyphens or underscores.

    Returns
    -------
    tuple of str and int
        The text without them, and how many were replaced.
    """
    wanted = sorted({form.strip().lower() for form in forms if form.strip()}, key=lambda form: (-len(form), form))
    if not wanted:
        return text, 0
    return re.subn(rf"(?<!\w)(?:{'|'.join(map(_inflected, wanted))})(?!\w)", MASK, text, flags=re.IGNORECASE)


def _inflected(form: str) -> str:
    """Return a regular expression of a form and its regular inflections."""
    written = r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]+", form)))
    ends = "(?:s|es|ed|d|ing|ly|['’]s)?"
    if form.endswith(("e", "y")):
        return rf"(?:{written}{ends}|{written[:-1]}(?:ies|ied|ing|ily|ed))"
    return f"{written}{ends}"
