"""Recipes of a study of pictures: concepts, conditions, renderers, judges, the loop, and comparisons."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from reverie.errors import nearest
from reverie.imagery.judging.closed_lists import Distractors
from reverie.imagery.prompting import CONDITIONS, Condition
from reverie.imagery.recognition.cells import Mode
from reverie.imagery.recognition.settings import StageSettings
from reverie.options import Few, Many, Options
from reverie.study.recipe import BaseRecipe, Grid, Name, RecipeShelf, check_tuning_seeds

Metric = Literal["top1", "top5", "mrr"]
CHANCE = "chance"
"""The other side of a comparison with the list's own chance level."""


class ConceptsRecipe(Options):
    """Which concepts are pictured."""

    list: Literal["concepts-small", "concepts-large"] = "concepts-large"
    """A list sampled from WordNet by this library."""
    dev: NonNegativeInt = 60
    """Concepts that settings are chosen on."""
    test: Many = 200
    """Concepts that are measured."""


class JudgeRecipe(Options):
    """One judge."""

    mode: Mode
    """Whether it reads prompts or looks at pictures."""
    kind: str
    """Registered name."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Its own options."""


class ChooseRecipe(Options):
    """What settings are chosen by, on the development concepts."""

    condition: Condition = "D"
    """Whose prompts or pictures are looked at."""
    judge: Name | None = None
    """Which judge looks; the first one by default."""
    renderer: Name | None = None
    """Whose pictures, for a judge of pictures; the first one by default."""
    metric: Metric = "mrr"
    """What is to be large."""
    distractors: Distractors = "random"
    """On which lists."""


class LoopRecipe(Options):
    """Feeding readings back to the object stage."""

    guide: Name
    """The judge of pictures in the loop."""
    judge: Name
    """The one that measures; it never sees the pictures before they are final."""
    renderer: Name | None = None
    """Who paints; the first renderer by default."""
    rounds: Few = 4
    """Rounds at most, the first picture counted."""
    best_of: Few = 3
    """Pictures that each round chooses from."""
    concepts: Many = 60
    """The first of the test concepts."""


class SheetRecipe(Options):
    """The sheet for people."""

    concepts: PositiveInt = 12
    """Test concepts on it."""
    conditions: tuple[Condition, ...] = ("A", "D", "OF", "E-shuffled")
    """Conditions whose pictures it mixes."""
    choices: int = Field(default=6, ge=2, le=20)
    """Words that a rater chooses from."""


class ImageryClaim(Options):
    """A comparison that a sentence rests on; the other side is a condition, or ``chance``."""

    first: Condition
    """What is said to be higher."""
    other: str
    """Than what."""
    why: str
    """The question that it answers."""
    metrics: tuple[Metric, ...] = ("top1", "mrr")
    """What is compared."""
    modes: tuple[Mode, ...] = ("text", "image")
    """In which modes."""
    distractors: tuple[Distractors, ...] = ("near", "random")
    """On which lists."""


class ImageryRecipe(BaseRecipe):
    """One study."""

    concepts: ConceptsRecipe = ConceptsRecipe()
    """What is pictured."""
    conditions: tuple[Condition, ...] = CONDITIONS
    """What a prompt is made of."""
    language_model: str | None = None
    """A small language model that ranks and rewrites; none by default."""
    settings: StageSettings = StageSettings()
    """How the stages work, where nothing is chosen."""
    grid: Grid = ()
    """Settings to choose from on the development concepts."""
    choose: ChooseRecipe = ChooseRecipe()
    """What they are chosen by."""
    renderers: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Who paints, by name; each has a ``kind``."""
    judges: dict[Name, JudgeRecipe] = Field(min_length=1)
    """Who guesses, by name."""
    k: int = Field(default=20, ge=2, le=200)
    """Concepts on a judge's list, the true one included."""
    size: int = Field(default=256, ge=32, le=2048)
    """Width and height of the pictures that are judged."""
    background: int = Field(default=64, ge=0, le=1000)
    """Pictures of things at random, over which the words of a judge of pictures are made level; 0 leaves its scores as they are."""
    seeds: Few = 3
    """Seeds 0 … seeds - 1 of objects, forms and pictures."""
    tuning_seeds: tuple[NonNegativeInt, ...] = Field(default=(100,), min_length=1)
    """Seeds at which settings are chosen."""
    loop: LoopRecipe | None = None
    """Rounds of feedback; none by default."""
    sheet: SheetRecipe | None = None
    """A blind sheet for people; none by default."""
    claims: tuple[ImageryClaim, ...] = ()
    """Comparisons that sentences rest on."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        check_tuning_seeds(self.tuning_seeds, self.seeds)
        looking = [name for name, one in self.judges.items() if one.mode == "image"]
        if looking and not self.renderers:
            raise ValueError(
                f"judges: '{looking[0]}' looks at pictures, and nobody paints; give renderers, e.g. 'collage: {{kind: collage}}'"
            )
        if self.grid and not self.concepts.dev:
            raise ValueError("grid: settings are chosen on development concepts; set concepts.dev to 1 or more, or leave out grid")
        if self.choose.judge is not None:
            _require("choose.judge", self.choose.judge, self.judges)
        for where, name in (("choose.renderer", self.choose.renderer), ("loop.renderer", self.loop and self.loop.renderer)):
            if name is not None:
                _require(where, str(name), self.renderers)
        if self.loop is not None:
            _require("loop.guide", self.loop.guide, looking)
            _require("loop.judge", self.loop.judge, looking)
            if self.loop.guide == self.loop.judge:
                raise ValueError("loop: the judge must not be the guide; name two judges of pictures from different trainings")
        for claim in self.claims:
            _require("claims", claim.first, self.conditions)
            _require("claims", claim.other, (*self.conditions, CHANCE))
        return self

    def judges_of(self, mode: Mode) -> list[str]:
        """Return the names of judges that read, or that look."""
        return [name for name, one in self.judges.items() if one.mode == mode]

    @property
    def chooser(self) -> str:
        """Name of the judge that settings are chosen by."""
        return self.choose.judge or next(iter(self.judges))


def _require(where: str, name: str, known: Any) -> None:
    if name not in known:
        raise ValueError(f"{where}: unknown name '{name}'{nearest(name, known)}; known: {', '.join(known) or 'none'}")


def _columns(recipe: ImageryRecipe) -> dict[str, str]:
    counts = {part: str(len(getattr(recipe, part))) for part in ("conditions", "renderers", "judges")}
    return {"recipe": recipe.name, "concepts": str(recipe.concepts.test)} | counts | {"description": recipe.description}


IMAGERY = RecipeShelf(
    "a recipe of a study of pictures",
    ImageryRecipe,
    "reverie.imagery.recognition",
    "reverie imagery --list",
    "seeds=1",
    columns=_columns,
)
"""Recipes of studies of `reverie imagery`."""
