"""Recipes of interpreters: a recommender, a language model, an adapter between them, and how it is taught and tested."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator

from reverie.errors import ConfigError
from reverie.llm.config import AdapterConfig, BackboneConfig, Position
from reverie.llm.titles import TitleOptions
from reverie.options import Options
from reverie.study.recipe import BaseRecipe, RecipeShelf
from reverie.training.recipe import RECIPES, Recipe

TaskName = Literal["recovery", "residual", "item"]
SLOTS: dict[TaskName, tuple[str, ...]] = {"recovery": ("history",), "residual": ("before", "after"), "item": ("item",)}
"""Soft slots of each task's template."""
LEAKY = ("leave_one_out", "temporal", "given")
"""Protocols whose test histories hold events that a recommender may have been trained on."""


class TaskRecipe(Options):
    """One thing that the adapter is taught."""

    template: str
    """A packaged template, or a text file."""
    share: NonNegativeFloat = 1.0
    """How often its batches come, relative to the other tasks; 0 leaves it out."""
    batch_size: PositiveInt = 16
    """Examples of a step."""


class WindowsRecipe(Options):
    """Which histories are read."""

    length: PositiveInt = 10
    """Longest history, in items."""
    shortest: int = Field(default=3, ge=2)
    """Shortest history."""
    train: PositiveInt = 4000
    """Histories of training users that the adapter is taught on."""
    valid: PositiveInt = 24
    """Held-out users that the best step is chosen on."""
    test: PositiveInt | None = None
    """Held-out users of the test; None takes all."""

    @model_validator(mode="after")
    def _fits(self) -> WindowsRecipe:
        if self.shortest > self.length:
            raise ValueError(f"shortest={self.shortest} is longer than length={self.length}")
        return self


class TeachingRecipe(Options):
    """How the adapter is trained; language model and recommender are frozen."""

    steps: PositiveInt = 300
    """Updates."""
    learning_rate: PositiveFloat = 1e-3
    """Peak rate of AdamW, as published."""
    weight_decay: NonNegativeFloat = 1e-6
    """Of AdamW, as published."""
    warmup_steps: NonNegativeInt = 20
    """Steps over which the rate grows."""
    schedule: Literal["constant", "cosine"] = "cosine"
    """Of the rate, after the warm-up."""
    validate_every: PositiveInt = 50
    """Steps between measurements of the validation loss."""
    checkpoint_seconds: NonNegativeFloat = 60.0
    """Least time between two checkpoints, in seconds."""
    seed: NonNegativeInt = 0
    """Of weights, histories, held-out titles and order."""


class TestRecipe(Options):
    """What is measured, and how."""

    __test__ = False

    batch_size: PositiveInt = 32
    """Answers generated at a time."""
    free: tuple[str, ...] = ("model", "shuffled", "random", "text-only")
    """Rows of the table that write freely."""
    constrained: tuple[str, ...] = ("model", "shuffled", "text-only")
    """Rows that can write titles of the catalogue only."""
    ranked: NonNegativeInt = 0
    """Titles drawn beside that of the added item, among which it is ranked by the log-likelihood of its title; 0 leaves it out."""

    @field_validator("free", "constrained")
    @classmethod
    def _known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = ("model", "shuffled", "random", "text-only")
        if wrong := [name for name in value if name not in known]:
            raise ValueError(f"unknown row '{wrong[0]}'; known: {', '.join(known)}")
        return value


class InterpreterRecipe(BaseRecipe):
    """One interpreter."""

    recommender: dict[str, Any]
    """A training recipe without its name: dataset, split, model, training."""
    backbone: BackboneConfig = BackboneConfig()
    """The language model."""
    adapter: AdapterConfig = Position(kind="position")
    """From states to soft tokens."""
    titles: TitleOptions = TitleOptions()
    """How titles are written."""
    windows: WindowsRecipe = WindowsRecipe()
    """Histories."""
    held_out: float = Field(default=0.05, ge=0, lt=1)
    """Share of the items, seen in training five times or more, whose titles the adapter is never taught."""
    tasks: dict[TaskName, TaskRecipe] = Field(
        default={
            "recovery": TaskRecipe(template="recovery", share=0.6, batch_size=8),
            "residual": TaskRecipe(template="residual", share=0.2, batch_size=24),
            "item": TaskRecipe(template="item", share=0.2, batch_size=32),
        },
        min_length=1,
    )
    """What the adapter is taught."""
    training: TeachingRecipe = TeachingRecipe()
    """How."""
    test: TestRecipe = TestRecipe()
    """What is measured."""

    @model_validator(mode="after")
    def _complete(self) -> InterpreterRecipe:
        if "recovery" not in self.tasks:
            raise ValueError("tasks: 'recovery' is missing; it is what the table is about")
        if not any(task.share for task in self.tasks.values()):
            raise ValueError("tasks: every share is 0, so nothing would be taught; give one a positive share")
        return self

    def training_recipe(self) -> Recipe:
        """Return the recipe of the recommender."""
        return RECIPES.parse(self.recommender | {"name": f"{self.name}-recommender"}, f"{self.name}: recommender")


def _check_recommender(recipe: InterpreterRecipe, where: str) -> None:
    chosen = recipe.training_recipe()
    if chosen.split.protocol in LEAKY:
        raise ConfigError(
            f"{where}: the split '{chosen.split.protocol}' tests on histories that the recommender was trained on; use by_user or "
            f"by_sequence"
        )
    history = chosen.model.get("history")
    if isinstance(history, int) and history < recipe.windows.length:
        raise ConfigError(
            f"{where}: the model reads {history} events and a window has {recipe.windows.length}; "
            f"set windows.length or model.history"
        )


INTERPRETER = RecipeShelf(
    "an interpreter", InterpreterRecipe, "reverie.llm.interpreter", "reverie interpret --list", "training.steps=50",
    check=_check_recommender, file="interpreter.yaml",
    columns=lambda one: {"interpreter": one.name, "description": one.description},
)  # fmt: skip
"""Recipes of `reverie interpret`."""
