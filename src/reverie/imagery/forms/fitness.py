"""How much likelier a language model finds a pattern of form once it knows the concept and what is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from reverie.imagery.forms.form_library import FormLibrary
from reverie.imagery.records import Intent, ObjectSet, SlotName
from reverie.imagery.roles import LanguageModel

SHOTS = """A painter notes how to show an idea.
Idea: grief, sorrow after a loss. Shown: a wilted rose on an empty chair. Medium: ink wash painting. Light: dim moonlight. \
Palette: cold greys. Composition: wide empty space. Viewpoint: from afar. Texture: soft bleeding edges. Mood: quiet and heavy. \
Movement: romanticism.
Idea: celebration, a joyful occasion. Shown: a lantern with fireworks. Medium: paper cutout collage. Light: radiant glow. \
Palette: bright warm colours. Composition: scattered and lively. Viewpoint: from below. Texture: layered torn edges. \
Mood: playful. Movement: fauvism.
"""
NEUTRAL = f"{SHOTS}Idea: something. Shown: a thing."


def slot_likelihoods(
    model: LanguageModel, library: FormLibrary, asked: Mapping[SlotName, Sequence[int]], intent: Intent, objects: ObjectSet
) -> dict[SlotName, NDArray[np.float64]]:
    """Return log P(pattern | concept, objects) - log P(pattern | nothing in particular) of patterns, by what they say of a slot.

    Parameters
    ----------
    model : LanguageModel
    library : FormLibrary
        Keeps the second term.
    asked : mapping of str to sequence of int
        Numbers of patterns of the library by the slot that they speak of.
    intent, objects : Intent, ObjectSet

    Returns
    -------
    dict of str to array
        One value a pattern.
    """
    phrases = {slot: [f" {library.patterns[at].slots[slot]}." for at in found] for slot, found in asked.items()}
    pairs = [(slot, phrase) for slot, said in phrases.items() for phrase in said]
    missing = [pair for pair in dict.fromkeys(pairs) if (model.name, *pair) not in library.neutral]
    values = model.log_likelihoods([NEUTRAL + _head(slot) for slot, _ in missing], [phrase for _, phrase in missing]).tolist()
    library.neutral |= {(model.name, *pair): value for pair, value in zip(missing, values, strict=True)}
    shown = " and ".join(one.phrase for one in objects.objects) or "a thing"
    context = f"{SHOTS}Idea: {intent.concept}, {intent.sense.gloss}. Shown: {shown}."
    own = iter(model.log_likelihoods([context + _head(slot) for slot, _ in pairs], [phrase for _, phrase in pairs]).tolist())
    return {
        slot: np.array([next(own) - library.neutral[model.name, slot, phrase] for phrase in said]) for slot, said in phrases.items()
    }


def _head(slot: SlotName) -> str:
    return f" {slot.capitalize()}:"
