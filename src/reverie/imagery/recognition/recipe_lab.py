"""The lab of a recipe: WordNet, icons, phrases of form, renderers and judges, each opened when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from reverie.errors import ConfigError
from reverie.imagery.concepts import ConceptList, load_concepts
from reverie.imagery.judging.check import check_judge
from reverie.imagery.judging.closed_lists import DISTRACTORS, ClosedList, Distractors, closed_lists
from reverie.imagery.judging.create import (
    IMAGE_JUDGES,
    TEXT_JUDGES,
    create_image_judge,
    create_text_judge,
    judge_config,
    judge_facts,
)
from reverie.imagery.prompting import assemble_prompt, mask
from reverie.imagery.recognition.cells import Part
from reverie.imagery.recognition.concept_stages import ConceptStages
from reverie.imagery.recognition.made import Asked, Layers, Made, layers_of
from reverie.imagery.recognition.recipe import ImageryRecipe
from reverie.imagery.recognition.settings import StageSettings
from reverie.imagery.records import DepictedObject, Form, Intent, ObjectSet, Sense
from reverie.imagery.renderers.create import create_renderer, renderer_config
from reverie.imagery.roles import ImageJudge, Renderer, TextJudge
from reverie.imagery.workshop import Workshop
from reverie.seeds import numpy_generator

LISTS_SEED = 0
"""Of the closed lists, the same for all seeds of a study, so that conditions are paired."""


class RecipeLab:
    """Does the work that a recipe asks for.

    Parameters
    ----------
    recipe : ImageryRecipe
        Names concepts, renderers and judges; their options are checked here, before anything is opened.
    device : str, optional
        Where a language model computes.
    offline : bool
        Whether nothing may be fetched.
    shop : Workshop, optional
        WordNet, icons and patterns in the place of those of the cache.
    """

    def __init__(
        self, recipe: ImageryRecipe, device: str | None = None, offline: bool = False, shop: Workshop | None = None
    ) -> None:
        self.recipe, where = recipe, f"recipe '{recipe.name}'"
        self._renderers = {name: renderer_config(options) for name, options in recipe.renderers.items()}
        for name, painter in self._renderers.items():
            if painter is None:
                raise ConfigError(f"{where}: renderer '{name}' paints nothing; leave it out, or give it another kind")
        for name, judge in recipe.judges.items():
            judge_config(self._shelf(name), judge.kind, judge.set, f"{where}: judges.{name}")
        self.stages = ConceptStages(shop or Workshop(device=device, offline=offline), recipe.language_model)
        self._open: dict[str, Any] = {}

    def _shelf(self, judge: str) -> Any:
        return TEXT_JUDGES if self.recipe.judges[judge].mode == "text" else IMAGE_JUDGES

    @cached_property
    def _list(self) -> ConceptList:
        return load_concepts(self.recipe.concepts.list, self.stages.shop.lexicon, self.stages.shop.norms)

    @property
    def dataset(self) -> str:
        """Name of the list of concepts."""
        return self.recipe.concepts.list

    @property
    def digest(self) -> str:
        """SHA-256 of the sorted concepts of the list."""
        return self._list.sha256

    def concepts(self, part: Part) -> tuple[str, ...]:
        """Return the first concepts of a part, as many as the recipe says."""
        words = self._list.dev if part == "dev" else self._list.test
        asked = self.recipe.concepts.dev if part == "dev" else self.recipe.concepts.test
        if len(words) < asked:
            raise ConfigError(f"{self.dataset} has {len(words)} {part} concepts, and the recipe asks for {asked}; ask for fewer")
        return tuple(words[:asked])

    def stages_facts(self, settings: StageSettings) -> Mapping[str, Any]:
        """Return everything that the stages depend on but concepts and seed."""
        return self.stages.facts(settings)

    def renderer_facts(self, name: str) -> Mapping[str, Any]:
        """Return the options of a renderer."""
        config = self._renderers[name]
        return {} if config is None else config.model_dump(mode="json")

    def judge_facts(self, name: str) -> Mapping[str, Any]:
        """Return everything that a judge depends on but what it is shown."""
        row = self.recipe.judges[name]
        return judge_facts(self._shelf(name), row.kind, row.set, f"judges.{name}")

    def lists_facts(self) -> Mapping[str, Any]:
        """Return everything that the closed lists depend on."""
        return {"pool": self.digest, "k": self.recipe.k, "seed": LISTS_SEED}

    def make(self, concepts: Sequence[str], seed: int, settings: StageSettings, tell: Callable[[str], None]) -> list[Made]:
        """Return what the stages make of concepts."""
        made = []
        for at, concept in enumerate(concepts):
            tell(f"{at}/{len(concepts)} concepts")
            made.append(self.stages.make(concept, seed, settings))
        return made

    def ask(self, condition: str, made: Made, other: Made, settings: StageSettings, seed: int) -> Asked:
        """Return what a condition asks for."""
        intent, objects, form = layers_of(condition, made, other)
        prompt = assemble_prompt(intent, objects, form, condition)  # type: ignore[arg-type]  # a recipe checks conditions
        return Asked(made.concept, self.stages.rewritten(prompt, objects, settings, seed), objects, form)

    def again(self, layers: Layers, without: Sequence[str], settings: StageSettings, seed: int) -> Layers:
        """Return a concept's layers with other objects in the place of some, and with a form of the seed."""
        return self.stages.again(layers, without, settings, seed)

    def mask(self, made: Made, text: str) -> tuple[str, int]:
        """Return a text without the concept and words derived from it, and how many there were."""
        return mask(text, self.stages.shop.lexicon.derived_forms(made.concept))

    def check(self, judge: str) -> dict[str, Any]:
        """Return how often a judge of texts gives a masked gloss to its own concept."""
        lexicon, shares = self.stages.shop.lexicon, {}
        asked = set(self.concepts("test"))
        glosses = {one.word: lexicon.sense(one.sense).gloss for one in self._list.concepts if one.word in asked}
        masked = {one: mask(gloss, lexicon.derived_forms(one))[0] for one, gloss in glosses.items()}
        for distractors in DISTRACTORS:
            found = check_judge(self.open_text_judge(judge), masked, self._paths, self.recipe.k, distractors, LISTS_SEED)
            shares[distractors] = (found.accuracy.value, found.accuracy.low, found.accuracy.high, found.chance)
        return {"shares": shares, "n": len(glosses)}

    def background(self, n: int) -> list[Asked]:
        """Return so many scenes of one to three drawable things and three phrases of form, drawn by a fixed seed."""
        shop = self.stages.shop
        icons, patterns = shop.icons.drawable, shop.form_library("written").patterns
        found = []
        for at in range(n):
            draw = numpy_generator(LISTS_SEED, "background of judges", at)
            chosen = [
                icons[int(one)] for one in draw.choice(len(icons), size=min(len(icons), int(draw.integers(1, 4))), replace=False)
            ]
            objects = ObjectSet(objects=tuple(DepictedObject(phrase=one.label, icon=one.name) for one in chosen))
            form = Form(patterns=tuple(patterns[int(one)] for one in draw.choice(len(patterns), size=3, replace=False)))
            sense = Sense(id="entity.n.01", gloss="", lemmas=())
            prompt = assemble_prompt(Intent(concept="", sense=sense), objects, form, "OF")
            found.append(Asked("", prompt, objects, form))
        return found

    @cached_property
    def _paths(self) -> dict[str, tuple[str, ...]]:
        return {one.word: self.stages.shop.lexicon.path(one.sense) for one in self._list.concepts}

    @cached_property
    def _lists(self) -> dict[Distractors, dict[str, ClosedList]]:
        return {}

    def lists(self, concepts: Sequence[str], distractors: Distractors) -> list[ClosedList]:
        """Return what a judge chooses from, for each concept."""
        known = self._lists.setdefault(distractors, {})
        if missing := [one for one in concepts if one not in known]:
            known |= closed_lists(missing, self._paths, self.recipe.k, distractors, LISTS_SEED)
        return [known[one] for one in concepts]

    def open_renderer(self, name: str) -> Renderer:
        """Return a renderer; opened once."""
        key = f"renderer {name}"
        if key not in self._open:
            self._open[key] = create_renderer(self._renderers[name])  # type: ignore[arg-type]  # `none` was refused above
        found: Renderer = self._open[key]
        return found

    def open_text_judge(self, name: str) -> TextJudge:
        """Return a judge of texts; opened once."""
        row = self.recipe.judges[name]
        if name not in self._open:
            self._open[name] = create_text_judge(row.kind, row.set, f"judges.{name}")
        found: TextJudge = self._open[name]
        return found

    def open_image_judge(self, name: str) -> ImageJudge:
        """Return a judge of pictures; opened once."""
        row = self.recipe.judges[name]
        if name not in self._open:
            self._open[name] = create_image_judge(row.kind, row.set, f"judges.{name}")
        found: ImageJudge = self._open[name]
        return found
