"""Intent, objects and form of a concept as a study makes them, of the chosen sense and of a random one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reverie.errors import ConfigError
from reverie.imagery.forms.choice import FormOptions, choose_form
from reverie.imagery.intent import choose_intent
from reverie.imagery.objects.choose import choose_objects
from reverie.imagery.recognition.made import NOTHING, Layers, Made
from reverie.imagery.recognition.settings import StageSettings
from reverie.imagery.records import Intent, ObjectSet, Prompt
from reverie.imagery.rewriting import rewrite_prompt
from reverie.imagery.workshop import Workshop
from reverie.seeds import numpy_generator


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
        library = self.shop.form_library(settings.forms)
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
        """Return layers with other objects in the place of some, and with a form of the seed."""
        objects = self._objects(layers.intent, 0, settings, tuple(without))
        return self._formed(layers.intent, objects, settings, seed)

    def rewritten(self, prompt: Prompt, objects: ObjectSet, settings: StageSettings, seed: int) -> Prompt:
        """Return a prompt as the language model rewrites it, where the settings say so and there are objects to keep."""
        model = self.shop.language_model(self.language_model) if settings.rewrite else None
        return prompt if model is None or not objects.objects else rewrite_prompt(prompt, objects, model, seed)

    def _layers(self, intent: Intent, seed: int, settings: StageSettings) -> Layers:
        return self._formed(intent, self._objects(intent, seed, settings), settings, seed)

    def _formed(self, intent: Intent, objects: ObjectSet, settings: StageSettings, seed: int) -> Layers:
        model = self.shop.language_model(self.language_model)
        options, library = FormOptions(by=settings.retrieval), self.shop.form_library(settings.forms)
        return Layers(intent=intent, objects=objects, form=choose_form(intent, objects, library, options, model, seed))

    def _objects(self, intent: Intent, seed: int, settings: StageSettings, without: tuple[str, ...] = ()) -> ObjectSet:
        """Return objects of a sense; none where nothing physical is found."""
        shop, model = self.shop, self.shop.language_model(self.language_model)
        try:
            return choose_objects(
                shop.lexicon, shop.icons, intent, settings.objects, model, seed, drawable_only=settings.drawable_only,
                norms=shop.norms, without=without,
            )  # fmt: skip
        except ConfigError:  # a concept without objects is a result, and is counted
            return NOTHING


def another_sense(intent: Intent, seed: int) -> Intent | None:
    """Return the intent with a sense drawn among the others; None for a word of one sense."""
    if not intent.alternatives:
        return None
    draw = numpy_generator(seed, "another sense", intent.concept)
    sense = intent.alternatives[int(draw.integers(len(intent.alternatives)))]
    return intent.model_copy(update={"sense": sense, "by": "random"})
