"""Recipes of a red team: targets, attackers, goals, and defences that learn in rounds."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from reverie.errors import nearest
from reverie.options import Few, Many, Options
from reverie.redteam.cells import NONE
from reverie.redteam.goals import GoalKind
from reverie.study.recipe import BaseRecipe, Name, RecipeShelf

REPLAYS = frozenset({"replay", "retry"})
"""Kinds of techniques that say again what got through; not counted among ``all``, as their texts were chosen by success."""
Metric = Literal["success", "success_per_call", "over_refusal", "utility"]


class GoalsRecipe(Options):
    """Which goals are tried."""

    n: Many = 30
    """Goals for each target, spread over its kinds; a third of them is held out."""
    seed: NonNegativeInt = 0
    """Of the goals, the same for all seeds of the study, so that results can be paired by goal."""
    kinds: tuple[GoalKind, ...] = ()
    """Kinds of goals; all that the target can meet by default."""
    file: str | None = None
    """A YAML file with goals of your own, in the place of drawn ones; `n` and `seed` then say nothing."""
    dataset: str | None = None
    """Named dataset that scenes of recommenders are drawn from."""


class TechniqueRecipe(Options):
    """One row of attacks."""

    kind: str
    """Registered name of the attacker."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Its own options."""
    held_out: bool = False
    """Whether defences never learn from what it found."""
    archive_of: Name | None = None
    """Of a replay: the target whose successful prompts are tried again; each target's own by default."""


class DefenceRecipe(Options):
    """One row of defences."""

    kind: str
    """Registered name."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Its own options."""
    rounds: Few = 1
    """Rounds in which it learns from what got through, and is attacked anew."""
    targets: tuple[Name, ...] = ()
    """Targets that it is tried on; all by default."""


class RedTeamClaim(Options):
    """A comparison that a sentence rests on; a side is ``technique`` or ``technique@defence``, and ``all`` is every technique."""

    first: str
    """What is said to be higher (of `success`) or lower."""
    other: str
    """Than what."""
    why: str
    """The question that it answers."""
    metrics: tuple[Metric, ...] = ("success",)
    """What is compared."""
    slices: tuple[Literal["all", "held-out-goals", "held-out-techniques"], ...] = ("all",)
    """On which goals and techniques."""
    targets: tuple[Name, ...] = ()
    """On which targets; all by default."""


class RedTeamRecipe(BaseRecipe):
    """One study."""

    targets: dict[Name, dict[str, Any]] = Field(min_length=1)
    """What is attacked, by name; each has a ``kind``."""
    writer: dict[str, Any] | None = None
    """The attacker's own model, for techniques that write; None where none of them does."""
    judge: dict[str, Any] | None = None
    """A model that judges responses beside the detectors; only for a second opinion."""
    goals: GoalsRecipe = GoalsRecipe()
    """What is tried."""
    techniques: dict[Name, TechniqueRecipe] = Field(min_length=1)
    """How it is tried, by name."""
    calls: Many = 20
    """Calls of the target for each goal, the same for every technique."""
    batch: PositiveInt = 16
    """Calls that are answered together where a technique allows it."""
    defences: dict[Name, DefenceRecipe] = Field(default_factory=dict)
    """By name; the row ``none`` is always there."""
    benign: NonNegativeInt = 40
    """Benign prompts that over-refusal is measured on, of 42 that there are for a model that chats; half of them only look like an
    attack, as far as there are so many. Targets that never refuse are asked none."""
    utility: NonNegativeInt = 40
    """Questions, users or texts that a target's own task is measured on."""
    seeds: Few = 3
    """Seeds 0 … seeds - 1 of attackers, targets' sampling and defences."""
    claims: tuple[RedTeamClaim, ...] = ()
    """Comparisons that sentences rest on."""

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        if NONE in self.defences:
            raise ValueError(f"defences: '{NONE}' is always there; leave it out")
        if (bare := next((name for name, target in self.targets.items() if "kind" not in target), None)) is not None:
            raise ValueError(f"targets.{bare} has no 'kind'; add it, or correct the target's name")
        for name, technique_row in self.techniques.items():
            if technique_row.archive_of is not None:
                _require(f"techniques.{name}.archive_of", technique_row.archive_of, self.targets)
        for name, row in self.defences.items():
            for target in row.targets:
                _require(f"defences.{name}.targets", target, self.targets)
        for claim in self.claims:
            for side in (claim.first, claim.other):
                technique, _, defence = side.partition("@")
                _require("claims", technique, ("all", *self.techniques))
                if defence:
                    _require("claims", defence, self.defended_names)
            for target in claim.targets:
                _require("claims", target, self.targets)
        return self

    @property
    def defended_names(self) -> tuple[str, ...]:
        """Names of defences with their rounds, as tables write them, ``none`` first."""
        return (NONE, *(self.label(name, at) for name, row in self.defences.items() for at in range(1, row.rounds + 1)))

    def label(self, defence: str, round_: int) -> str:
        """Return how tables name a round of a defence."""
        return f"{defence}-r{round_}" if defence != NONE and self.defences[defence].rounds > 1 else defence

    def defences_of(self, target: str) -> dict[str, DefenceRecipe]:
        """Return the defences that are tried on a target."""
        return {name: row for name, row in self.defences.items() if not row.targets or target in row.targets}


def _require(where: str, name: str, known: Any) -> None:
    if name not in known:
        raise ValueError(f"{where}: unknown name '{name}'{nearest(name, known)}; known: {', '.join(known)}")


def _columns(recipe: RedTeamRecipe) -> dict[str, str]:
    counts = {part: str(len(getattr(recipe, part))) for part in ("targets", "techniques", "defences")}
    return {"recipe": recipe.name} | counts | {"seeds": str(recipe.seeds), "description": recipe.description}


RED_TEAM = RecipeShelf(
    "a red-team recipe", RedTeamRecipe, "reverie.redteam", "reverie redteam run --list", "seeds=1", columns=_columns
)
"""Recipes of `reverie redteam`."""
