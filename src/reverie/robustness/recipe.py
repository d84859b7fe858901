"""Recipes of the benchmark: data, threat, attacks, victims, detectors and defences."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PositiveInt, model_validator

from reverie.data.splits.config import LeaveOneOut, SplitConfig
from reverie.errors import ConfigError, nearest
from reverie.models.shelf import MODELS
from reverie.options import Few, Options, checked
from reverie.robustness.attacks.attack import Attack, Pollutes, check_knowledge
from reverie.robustness.attacks.shelf import ATTACKS
from reverie.robustness.defences.shelf import DEFENCES
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.robustness.threat import AVAILABLE, Fakes, GoalConfig, Grey, Knowledge
from reverie.settings import Settings, put
from reverie.study.recipe import BaseRecipe, Name, RecipeShelf
from reverie.training.config import TrainingConfig
from reverie.training.recipe import DatasetRecipe


class Victim(Options):
    """A recommender that is attacked."""

    model: str
    """Registered name."""
    set: Settings = Field(default_factory=dict)
    """Options of the model, by dotted key."""
    training: TrainingConfig = TrainingConfig()
    """How it is fitted; its seed is that of the cell."""

    def options(self) -> dict[str, Any]:
        """Return the options of the model as nested mappings."""
        values: dict[str, Any] = {}
        for key, value in self.set.items():
            values = put(values, key, value, f"victim '{self.model}', set, {key}")
        return values


class Row(Options):
    """A registered attack, detector or defence with its options."""

    kind: str
    """Registered name."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Its options."""
    knowledge: Knowledge | None = None
    """Of an attack: what its attacker knows, where that is not the recipe's."""
    crafted_on: Name | None = None
    """Of a white-box attack: the victim it is made for, so that it can be tried on others; by default each victim itself."""


class RobustnessRecipe(BaseRecipe):
    """One benchmark on one dataset."""

    dataset: DatasetRecipe
    """What is attacked."""
    split: SplitConfig = LeaveOneOut()
    """How likes are split; ``by_user`` and ``by_sequence`` have no known users and cannot be used."""
    threshold: float | None = None
    """Ratings of at least this are likes; None takes three quarters of the scale."""
    knowledge: Knowledge = Grey(kind="grey")
    """What attackers know."""
    goal: GoalConfig = GoalConfig()
    """What attackers want; drawn targets differ by seed."""
    budgets: Annotated[tuple[Fakes, ...], Field(min_length=1)] = (0.01,)
    """Fake users, each a share of the real ones or a number."""
    size: PositiveInt | None = None
    """Ratings of one fake user; None is the mean of real users."""
    victims: dict[Name, Victim] = Field(min_length=1)
    """By name, in the order of the table."""
    attacks: dict[Name, Row] = Field(min_length=1)
    """By name; the null attack is always there."""
    detectors: dict[Name, Row] = Field(default_factory=dict)
    """By name."""
    labelled: Annotated[float, Field(gt=0, lt=1)] = 0.2
    """Share of users whose labels supervised detectors are given; they are measured on the others."""
    defences: dict[Name, Row] = Field(default_factory=dict)
    """By name; the row ``none`` is always there."""
    strongest: PositiveInt = 3
    """Defences are tried against this many attacks of each budget, those that lift most without a defence."""
    defended: tuple[Name, ...] = ()
    """Victims that defences are tried on; all by default."""
    seeds: Few = 3
    """Seeds 0 … seeds - 1 of targets, attack and victim."""
    reward: Name | None = None
    """Victim that attackers who may make trials fit for them; the first by default."""

    @model_validator(mode="after")
    def _names_are_known(self) -> RobustnessRecipe:
        for victim in self.victims.values():
            MODELS[victim.model]
        for name, shelf, rows in (
            ("attacks", ATTACKS, self.attacks), ("detectors", DETECTORS, self.detectors), ("defences", DEFENCES, self.defences),
        ):  # fmt: skip
            for row, what in rows.items():
                checked(shelf.config(what.kind), what.set, f"{name}.{row}")
        for key, chosen in (
            ("reward", [self.reward] if self.reward else []),
            ("defended", list(self.defended)),
            ("crafted_on", [row.crafted_on for row in self.attacks.values() if row.crafted_on]),
        ):
            for one in chosen:
                if one not in self.victims:
                    raise ValueError(f"{key}: unknown victim '{one}'{nearest(one, self.victims)}; known: {', '.join(self.victims)}")
        if self.split.protocol in ("by_user", "by_sequence"):
            raise ValueError(f"split: under '{self.split.protocol}' test users are new; use leave_one_out, temporal or given")
        return self

    @property
    def rewarded(self) -> str:
        """The victim that attackers who may make trials fit for them."""
        return self.reward or next(iter(self.victims))

    def knowledge_of(self, attack: str) -> Knowledge:
        """Return what the attacker of a row knows."""
        return self.attacks[attack].knowledge or self.knowledge

    def attack(self, row: str) -> Attack | Pollutes:
        """Return the attack of a row."""
        kind, options = self.attacks[row].kind, self.attacks[row].set
        attack: Attack | Pollutes = ATTACKS.build(kind)(checked(ATTACKS.config(kind), options, f"attacks.{row}"))
        return attack

    def refuse(self) -> None:
        """Raise where an attack may not have what it needs, or cannot pursue the goal."""
        for row, what in self.attacks.items():
            attack = self.attack(row)
            key = f"attacks.{row}.knowledge.kind" if what.knowledge else "knowledge.kind"
            check_knowledge(what.kind, attack.needs, self.knowledge_of(row).kind, key)
            if self.goal.kind not in attack.goals:
                raise ConfigError(
                    f"attack '{what.kind}' cannot {self.goal.kind}; it can {', '.join(sorted(attack.goals))}, so leave out "
                    f"attacks.{row} or change goal.kind"
                )
            if what.crafted_on and "victim" not in AVAILABLE[self.knowledge_of(row).kind]:
                raise ConfigError(f"attacks.{row}.crafted_on needs a white box; set attacks.{row}.knowledge.kind to white")


def _columns(recipe: RobustnessRecipe) -> dict[str, str]:
    parts = ("victims", "attacks", "detectors", "defences")
    counts = {part: str(len(getattr(recipe, part))) for part in parts}
    named = {"recipe": recipe.name, "data": recipe.dataset.name}
    return named | counts | {"seeds": str(recipe.seeds), "description": recipe.description}


ROBUSTNESS = RecipeShelf(
    "a robustness recipe", RobustnessRecipe, "reverie.robustness", "reverie robustness --list", "seeds=1",
    check=lambda recipe, _: recipe.refuse(),
    summary=lambda one: {"name": one.name, "dataset": one.dataset.name, "description": one.description}, columns=_columns,
)  # fmt: skip
"""Recipes of `reverie robustness`, `attack` and `defend`."""


ITSELF = "each victim itself"
"""A white box that was opened again for every victim."""
FACTORS = "factors"
"""Weighted matrix factorisation fitted by the attacker, `reverie.robustness.attacks.surrogate`."""


def surrogate_of(recipe: RobustnessRecipe, attack: str) -> str | None:
    """Return the model that an attack was made on."""
    if attack not in recipe.attacks:
        return None
    row = recipe.attacks[attack]
    needs = recipe.attack(attack).needs
    if row.crafted_on:
        return row.crafted_on
    if "victim" in needs:
        return ITSELF
    if "reward" in needs:
        return recipe.rewarded
    return FACTORS if "surrogate" in ATTACKS.config(row.kind).model_fields else None
