"""The form of a picture: for each slot the pattern that fits the concept and repeats least of what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PositiveInt

from reverie.errors import DataError
from reverie.imagery.forms.fitness import slot_likelihoods
from reverie.imagery.forms.form_library import FormLibrary
from reverie.imagery.records import Form, Intent, ObjectSet, SlotName
from reverie.imagery.roles import LanguageModel
from reverie.options import Options
from reverie.seeds import numpy_generator

FAR = 2.0
"""Standard deviations beyond which a pattern fits no better: where few words meet, one would win for every seed."""


class FormOptions(Options):
    """How a form is chosen."""

    by: Literal["bm25", "likelihood", "random"] = "bm25"
    """By words in common, by a language model's likelihood among those, or by chance (a control)."""
    slots: tuple[SlotName, ...] = Field(default=("medium", "light", "palette", "composition", "texture", "mood"), min_length=1)
    """What is spoken of, the most important first."""
    candidates: PositiveInt = 16
    """Patterns of each slot that the language model reads."""
    variety: float = Field(default=2.0, ge=0)
    """What repeating a chosen pattern costs, word by word or slot by slot, in standard deviations of the fit."""
    temperature: float = Field(default=0.75, ge=0)
    """How far seeds differ, in standard deviations of the fit; 0 takes the best pattern for every seed."""


def choose_form(
    intent: Intent, objects: ObjectSet, library: FormLibrary, options: FormOptions | None = None,
    language_model: LanguageModel | None = None, seed: int = 0,
) -> Form:  # fmt: skip
    """Choose patterns that together cover the slots.

    Patterns that hold a word of the concept or of its sense are left out: the form never names what is meant.

    Parameters
    ----------
    intent : Intent
    objects : ObjectSet
    library : FormLibrary
        The patterns.
    options : FormOptions or None
    language_model : LanguageModel or None
        Needed for ``by: likelihood``.
    seed : int

    Returns
    -------
    Form

    Raises
    ------
    DataError
        If no pattern of the library can be used.
    """
    options = options or FormOptions()
    if options.by == "likelihood" and language_model is None:
        raise ValueError("by: likelihood needs a language model")
    named = [intent.concept, *intent.sense.lemmas]
    fits = library.scores([intent.concept, intent.sense.gloss, *(one.phrase for one in objects.objects)])
    found = {slot: library.with_slot(slot, named) for slot in options.slots}
    scores = {slot: standardised(fits[numbers]) for slot, numbers in found.items() if numbers}
    draws = {slot: numpy_generator(seed, "form", intent.concept, slot) for slot in scores}
    if options.by == "likelihood" and language_model is not None:
        best = {slot: np.lexsort((draws[slot].random(len(fit)), -fit))[: options.candidates] for slot, fit in scores.items()}
        found = {slot: [found[slot][at] for at in sorted(order.tolist())] for slot, order in best.items()}
        likelihoods = slot_likelihoods(language_model, library, found, intent, objects)
        scores = {slot: standardised(values) for slot, values in likelihoods.items()}
    chosen: list[int] = []
    for slot, fit in scores.items():
        covered = {name for at in chosen for name in library.patterns[at].slots}
        if slot in covered:
            continue
        noise = draws[slot].gumbel(size=len(fit)) * (1 if options.by == "random" else options.temperature)
        repeated = [max((library.likeness(at, other) for other in chosen), default=0.0) for at in found[slot]]
        spoken = [len(covered & library.patterns[at].slots.keys()) for at in found[slot]]
        value = (0 if options.by == "random" else fit) + noise - options.variety * np.add(repeated, spoken)
        chosen.append(found[slot][int(value.argmax())])
    if not chosen:
        raise DataError("no pattern of form can be used; give a file of prompts that speak of medium, light or palette")
    return Form(patterns=tuple(library.patterns[at] for at in chosen), retrieved_by=options.by)


def standardised(values: NDArray[np.float64] | Sequence[float]) -> NDArray[np.float64]:
    """Return values less their mean in standard deviations, those beyond `FAR` cut there; all 0 where they are all alike."""
    values = np.asarray(values, dtype=np.float64)
    spread = float(values.std())
    return np.clip((values - values.mean()) / spread, -FAR, FAR) if spread > 1e-12 else np.zeros_like(values)
