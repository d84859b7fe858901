"""Intent, objects and form of a concept as a study makes them, of the chosen sense and of a random one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reverie.errors import ReverieError
from reverie.imagery.forms.choice import FormOptions, choose_form
from reverie.imagery.intent import choose_intent
from reverie.imagery.made import NOTHING, Layers, Made
from reverie.imagery.objects.choose import choose_objects
from reverie.imagery.records import Intent, ObjectSet, Prompt
from reverie.imagery.rewriting import rewrite_prompt
from reverie.imagery.settings import StageSettings
from reverie.imagery.workshop import Workshop
from reverie.seeds import numpy_generator

POOL = 8
"""Objects that replacements come from."""


class ConceptStages:
    """Makes the stages of one concept after the other.

    Parameters
    ----------
    shop : Workshop
        WordNet, icons, patterns and a language model.
    language_model : str or None
        Its name.
    """

    def __init__(self, shop: Workshop, language_model: str | None) -> None:
        self.shop, self.language_model = shop, language_model

    def facts(self, settings: StageSettings) -> Mapping[str, Any]:
        """Return everything that the stages depend on but concepts and seed."""
        library = self.shop.library(settings.forms)
        return {
            "settings": settings.model_dump(mode="json"), "language_model": self.language_model, "icons": self.shop.icon_set,
            "patterns": [pattern.id for pattern in library.patterns],
        }  # fmt: skip

    def make(self, concept: str, seed: int, settings: StageSettings) -> Made:
        """Return what is made of a concept."""
        intent = choose_intent(self.shop.lexicon, concept)
        chosen = self._layers(intent, seed, settings)
        other = another_sense(intent, seed)
        return Made(concept=concept, chosen=chosen, random=chosen if other is None else self._layers(other, seed, settings))

    def again(self, layers: Layers, without: Sequence[str], settings: StageSettings, seed: int) -> Layers:
        """Return layers with the next objects in the place of some, and with a form of the seed."""
        pool = self._objects(layers.intent, POOL, 0, settings)
        kept = [one for one in layers.objects.objects if one.phrase not in without]
        there = {one.phrase for one in kept}
        more = [one for one in pool.objects if one.phrase not in there and one.phrase not in without]
        objects = pool.model_copy(update={"objects": tuple([*kept, *more][: settings.objects])})
        return self._formed(layers.intent, objects, settings, seed)

    def rewritten(self, prompt: Prompt, objects: ObjectSet, settings: StageSettings, seed: int) -> Prompt:
        """Return a prompt as the language model rewrites it, where the settings say so and there are objects to keep."""
        model = self.shop.language_model(self.language_model) if settings.rewrite else None
        return prompt if model is None or not objects.objects else rewrite_prompt(prompt, objects, model, seed)

    def _layers(self, intent: Intent, seed: int, settings: StageSettings) -> Layers:
        return self._formed(intent, self._objects(intent, settings.objects, seed, settings), settings, seed)

    def _formed(self, intent: Intent, objects: ObjectSet, settings: StageSettings, seed: int) -> Layers:
        model = self.shop.language_model(self.language_model)
        options, library = FormOptions(by=settings.retrieval), self.shop.library(settings.forms)
        return Layers(intent=intent, objects=objects, form=choose_form(intent, objects, library, options, model, seed))

    def _objects(self, intent: Intent, n: int, seed: int, settings: StageSettings) -> ObjectSet:
        """Return objects of a sense; none where the object stage finds none."""
        shop, model = self.shop, self.shop.language_model(self.language_model)
        drawable = settings.drawable_only
        try:
            return choose_objects(shop.lexicon, shop.icons, intent, n=n, drawable_only=drawable, language_model=model, seed=seed)
        except ReverieError:
            return NOTHING


def another_sense(intent: Intent, seed: int) -> Intent | None:
    """Return the intent with a sense drawn among the others; None for a word of one sense."""
    if not intent.alternatives:
        return None
    draw = numpy_generator(seed, "another sense", intent.concept)
    sense = intent.alternatives[int(draw.integers(len(intent.alternatives)))]
    return intent.model_copy(update={"sense": sense, "by": "random"})
