"""Extraction of form by rules, the control beside a language model's: the word at a phrase's end decides about its slot."""

from __future__ import annotations

import re

from reverie.imagery.forms.phrases import slot_words
from reverie.imagery.records import SLOTS, SlotName


def slot_of(phrase: str) -> SlotName | None:
    """Return what a phrase speaks of; None where no word tells.

    Parameters
    ----------
    phrase : str
        In lower case.
    """
    words = slot_words()
    for word in reversed(re.findall(r"[a-z]+(?:-[a-z]+)*", phrase)):
        for slot in SLOTS:
            if word in words[slot]:
                return slot
        if word not in words["behind"]:
            return None
    return None
