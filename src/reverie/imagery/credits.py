"""Whose work is behind what was imagined: dictionary, norms, tags and phrases, beside what is in the picture itself."""

from __future__ import annotations

from reverie.imagery.forms.collections import SOURCE
from reverie.imagery.forms.phrases import CREDIT as PHRASES
from reverie.imagery.icon_sets import TAGS_CREDIT
from reverie.imagery.imagined import Imagined
from reverie.imagery.norms import CREDITS as NORMS
from reverie.imagery.records import Credit
from reverie.imagery.wordnet.files import CREDIT as WORDNET


def all_credits(done: Imagined) -> tuple[Credit, ...]:
    """Return the credits of a picture's parts, then those of the sources that its stages were made from."""
    found = list(done.picture.credits) if done.picture is not None else []
    if done.intent is not None:
        found.append(WORDNET)
    if done.objects is not None:
        found += [TAGS_CREDIT, *NORMS]
    if done.form is not None and any(one.source == SOURCE for one in done.form.patterns):
        found.append(PHRASES)
    return tuple(found)
