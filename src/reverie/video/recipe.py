"""Recipes of the recognition table: sets of clips, networks, methods, and comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from reverie.errors import nearest
from reverie.options import Few, Options
from reverie.settings import Settings, put
from reverie.study.recipe import BaseRecipe, Name, RecipeShelf
from reverie.video.recognition.config import Checkpoint, RecognitionConfig, Weights

PLAIN = "none"
"""The method that mixes nothing."""


class SetRecipe(Options):
    """A set of clips and how it is split."""

    kind: str
    """``moving-shapes``, another named set, or the folder of a prepared one."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Options of generated clips."""
    clips: PositiveInt | None = None
    """Clips to learn from, validation included, of generated sets; they are drawn anew for each seed."""
    test: PositiveInt = 400
    """Test clips of generated sets, the same for all seeds."""
    folds: NonNegativeInt = 0
    """Folds of other sets, each the test set once; a folder without folds is put into so many. 0 takes the parts as published."""
    valid: float = Field(default=0.2, gt=0, lt=1)
    """Share of the clips to learn from that settings and checkpoints are chosen on; by source where sources are known."""
    seeds: Few | None = None
    """Seeds of each row on this set; those of the recipe by default, and with folds one seed for each fold."""
    real_persons: bool = False
    """Whether clips show real persons; then no picture of them is shown."""
    training: Settings = Field(default_factory=dict)
    """Changes of the training on this set."""


class NetworkRecipe(Options):
    """A network that is trained."""

    kind: str
    """Registered name."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Its own options."""
    training: Settings = Field(default_factory=dict)
    """Changes of the training of this network, after those of the set."""


class MethodRecipe(Options):
    """A row: a way to mix, and what it changes of the training."""

    kind: str
    """Registered name of the mixer."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Its own options."""
    longer: PositiveFloat = 1.0
    """How many times the updates of the other rows."""
    networks: tuple[Name, ...] = ()
    """Networks that it is run on; all by default."""
    training: Settings = Field(default_factory=dict)
    """Changes of the training in this row, after all others."""


class VideoClaim(Options):
    """A comparison that a sentence rests on."""

    first: Name
    """Method that is said to be better."""
    other: Name
    """Than which."""
    why: str
    """The question that it answers."""
    metrics: tuple[Literal["accuracy"], ...] = ("accuracy",)
    """What is compared."""
    weights: Weights = "ema"
    """With which weights of the first method."""
    other_weights: Weights | None = None
    """With which weights of the other; the same by default."""
    checkpoint: Checkpoint = "valid"
    """After which update."""


class VideoRecipe(BaseRecipe):
    """One study."""

    sets: dict[Name, SetRecipe] = Field(min_length=1)
    """Sets of clips, by name."""
    networks: dict[Name, NetworkRecipe] = Field(min_length=1)
    """Networks, by name."""
    methods: dict[Name, MethodRecipe] = Field(min_length=1)
    """Rows, by name."""
    training: RecognitionConfig = RecognitionConfig()
    """How all of them are trained."""
    seeds: Few = 5
    """Seeds 0 … seeds - 1 of weights, order, mixing and generated clips."""
    masks: NonNegativeInt = 64
    """Training clips that mixing masks are measured on after a training."""
    keep: Literal["none", "first"] = "first"
    """Whose weights are kept: of no training, or of each row's first seed or fold."""
    claims: tuple[VideoClaim, ...] = ()
    """Comparisons that sentences rest on."""

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        for number, claim in enumerate(self.claims, 1):
            for side in (claim.first, claim.other):
                _require(f"claims, number {number}", side, self.methods)
        for name, method in self.methods.items():
            for network in method.networks:
                _require(f"methods.{name}.networks", network, self.networks)
        for name, one in self.sets.items():
            if one.kind == "moving-shapes" and one.clips is None:
                raise ValueError(f"sets.{name}.clips is missing; say how many clips to learn from")
        for where, changes in self._changes().items():
            _checked(where, self.training, changes)
        return self

    def _changes(self) -> dict[str, Settings]:
        parts: dict[str, Mapping[str, SetRecipe | NetworkRecipe | MethodRecipe]]
        parts = {"sets": self.sets, "networks": self.networks, "methods": self.methods}
        return {f"{part}.{name}.training": one.training for part, found in parts.items() for name, one in found.items()}

    def training_of(self, clips: str, network: str, method: str) -> RecognitionConfig:
        """Return how a method trains a network on a set: the common options, changed by set, network and method in this order."""
        changes = self.sets[clips].training | self.networks[network].training | self.methods[method].training
        found = _checked("training", self.training, changes)
        return found.model_copy(update={"steps": max(1, round(found.steps * self.methods[method].longer))})


def _checked(where: str, training: RecognitionConfig, changes: Settings) -> RecognitionConfig:
    """Return options of a training with changes."""
    values: dict[str, Any] = training.model_dump(mode="json")
    for key, value in changes.items():
        first = key.partition(".")[0]
        if first not in values:
            raise ValueError(f"{where}: unknown option '{key}'{nearest(first, values)}; known: {', '.join(values)}")
        values = put(values, key, value, where)
    return RecognitionConfig.model_validate(values)


def _require(where: str, name: str, known: Any) -> None:
    if name not in known:
        raise ValueError(f"{where}: unknown name '{name}'{nearest(name, known)}; known: {', '.join(known)}")


def _columns(recipe: VideoRecipe) -> dict[str, str]:
    counts = {part: str(len(getattr(recipe, part))) for part in ("sets", "networks", "methods")}
    return {"recipe": recipe.name} | counts | {"seeds": str(recipe.seeds), "description": recipe.description}


VIDEO = RecipeShelf("a video recipe", VideoRecipe, "reverie.video", "reverie video study --list", "seeds=1", columns=_columns)
"""Recipes of `reverie video study`."""
