"""The benchmark: clean fits, attacks, fits under attack, defended fits; every piece is kept and found again by its hash."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.data.profiles import Profiles
from reverie.data.queries import extended
from reverie.evaluation import evaluate
from reverie.models import create_model
from reverie.options import checked
from reverie.robustness.arena import Arena, open_arena
from reverie.robustness.attacks.attack import Pollutes
from reverie.robustness.defences.defence import Fitting
from reverie.robustness.defences.shelf import DEFENCES
from reverie.robustness.detectors.detector import DetectorInput
from reverie.robustness.exposure import exposure_by_user, exposure_queries
from reverie.robustness.fits import Measured, fit_and_measure, measure_polluted
from reverie.robustness.store import digest, kept_profiles
from reverie.robustness.view import Budget, Goal, attacker_view, resolve_budget, resolve_goal
from reverie.training.fit import fit
from reverie.training.run import open_recipe_dataset

if TYPE_CHECKING:
    from collections.abc import Callable

    from reverie.data.dataset import Dataset
    from reverie.data.queries import Queries
    from reverie.robustness.recipe import RobustnessRecipe
    from reverie.training.config import TrainingConfig

NULL, NONE = "null", "none"
"""The attack that injects nothing, and the defence that changes nothing: always there."""
REFIT = 1000
"""Added to the seed of a fit after an attack, as the null attack fits again; so the luck of fitting is in both."""


@dataclass(frozen=True)
class Cell:
    """One fit of the benchmark.

    Parameters
    ----------
    victim, attack, defence : str
        Rows of the recipe; ``"clean"`` as attack is the fit before any attack.
    fakes : float
        Budget as the recipe writes it; 0 where nothing is injected.
    seed : int
        Seed of targets, attack and fit.
    """

    victim: str
    attack: str
    defence: str
    fakes: float
    seed: int


class Bench:
    """A recipe, its data and what has been computed so far."""

    def __init__(self, recipe: RobustnessRecipe, folder: Path, offline: bool = False) -> None:
        self.recipe, self.folder, self.offline = recipe, folder, offline
        self._made: dict[tuple[Any, ...], tuple[Profiles, dict[str, Any]]] = {}
        self._measured: dict[Cell, Measured] = {}

    @cached_property
    def dataset(self) -> Dataset:
        """The data."""
        return open_recipe_dataset(self.recipe.dataset, self.offline)

    @cached_property
    def arena(self) -> Arena:
        """The data, split."""
        return open_arena(self.dataset, self.recipe.split, self.recipe.threshold)

    def goal(self, seed: int) -> Goal:
        """Return the targets of a seed."""
        return resolve_goal(self.recipe.goal, self.arena, seed)

    def budget(self, fakes: float, seed: int) -> Budget:
        """Return one budget in numbers."""
        return resolve_budget(self.recipe.budget(fakes), self.arena.ratings, len(self.goal(seed).targets))

    def undefended(self) -> list[Cell]:
        """Return the cells without a defence: clean, null, and attacks by budget."""
        recipe, found = self.recipe, []
        for seed in range(recipe.seeds):
            for victim in recipe.victims:
                found += [Cell(victim, attack, NONE, 0, seed) for attack in ("clean", NULL)]
            for fakes in recipe.budgets:
                attacks = [name for name in recipe.attacks if recipe.attacks[name].kind != NULL]
                found += [Cell(victim, attack, NONE, fakes, seed) for attack in attacks for victim in recipe.victims]
        return found

    def defended(self, attacks: dict[float, list[str]]) -> list[Cell]:
        """Return the cells with a defence: against chosen attacks, and against none, which shows its price."""
        recipe, found = self.recipe, []
        victims = recipe.defended or tuple(recipe.victims)
        for seed in range(recipe.seeds):
            for defence in recipe.defences:
                found += [Cell(victim, NULL, defence, 0, seed) for victim in victims]
                for fakes, names in attacks.items():
                    found += [Cell(victim, name, defence, fakes, seed) for name in names for victim in victims]
        return found

    def profiles(self, attack: str, victim: str, fakes: float, seed: int) -> tuple[Profiles, dict[str, Any]]:
        """Return the profiles of an attack."""
        row, recipe, crafting = self.recipe.attacks[attack], self.recipe, self.recipe.attack(attack)
        if isinstance(crafting, Pollutes):
            return _nothing(), {"seconds": 0.0}
        model_for = (row.crafted_on or victim) if "victim" in crafting.needs else None
        found = self._made.get((attack, model_for, fakes, seed))
        if found is not None:
            return found
        knowledge = recipe.knowledge_of(attack)
        rewarded = recipe.reward or next(iter(recipe.victims))
        facts = {
            "data": self._identity, "goal": self.goal(seed).kind, "targets": self.goal(seed).targets.tolist(),
            "budget": [self.budget(fakes, seed).users, self.budget(fakes, seed).size], "seed": seed, "attack": row.kind,
            "set": row.set, "knowledge": knowledge.model_dump(mode="json"),
            "victim": self._victim_facts(model_for) if model_for else None,
            "reward": self._victim_facts(rewarded) if "reward" in crafting.needs else None,
        }  # fmt: skip

        def make() -> tuple[Profiles, dict[str, Any]]:
            victim_model = None
            if model_for is not None:
                victim_model = self._fit(Cell(model_for, "clean", NONE, 0, seed), keep_model=True).model()
            view = attacker_view(self.arena, knowledge, seed, victim_model, self._reward(rewarded, seed))
            begin = time.monotonic()
            made = crafting.craft(view, self.goal(seed), self.budget(fakes, seed), seed)
            return made, {"seconds": time.monotonic() - begin}

        self._made[(attack, model_for, fakes, seed)] = kept_profiles(self.folder / "profiles", facts, make)
        return self._made[(attack, model_for, fakes, seed)]

    def pollutes(self, attack: str) -> bool:
        """Return whether a row attacks at question time, so that it injects no profile and nothing is fitted again."""
        return attack in self.recipe.attacks and isinstance(self.recipe.attack(attack), Pollutes)

    def measured(self, cell: Cell) -> Measured:
        """Return what a cell came to; computed where it was not."""
        if cell not in self._measured:
            self._measured[cell] = self._polluted(cell) if self.pollutes(cell.attack) else self._fit(cell)
        return self._measured[cell]

    def detector_input(self, cell: Cell) -> tuple[DetectorInput, Profiles]:
        """Return what a defender sees under a cell's attack, and the profiles that were injected."""
        arena = self.arena
        if cell.attack in ("clean", NULL) or self.pollutes(cell.attack):
            return DetectorInput(arena.ratings, arena.split.train), _nothing()
        profiles, _ = self.profiles(cell.attack, cell.victim, cell.fakes, cell.seed)
        return DetectorInput(arena.ratings.with_profiles(profiles), arena.poisoned(profiles).train), profiles

    @cached_property
    def _identity(self) -> dict[str, Any]:
        split = self.arena.split
        return {"sha256": split.sha256, "protocol": split.protocol, "threshold": self.arena.ratings.scale.threshold}

    def _polluted(self, cell: Cell) -> Measured:
        """Measure the null attack's fit on polluted histories; utility is asked with the histories as they are."""
        attack, seed, goal = self.recipe.attack(cell.attack), cell.seed, self.goal(cell.seed)
        if not isinstance(attack, Pollutes):
            raise TypeError(f"attack '{cell.attack}' injects profiles")
        row, knowledge = self.recipe.attacks[cell.attack], self.recipe.knowledge_of(cell.attack)
        fitted = self._fit(Cell(cell.victim, NULL, cell.defence, 0, seed), keep_model=True)

        def pollute(asked: Queries) -> Queries:
            model = fitted.model()
            seen_on = model if row.crafted_on is None else self._fit(Cell(row.crafted_on, "clean", NONE, 0, seed), True).model()
            view = attacker_view(self.arena, knowledge, seed, seen_on)
            return extended(asked, attack.pollute(view, goal, asked, seed))

        facts = {"fit": fitted.folder.name, "attack": row.model_dump(mode="json"), "knowledge": knowledge.model_dump(mode="json")}
        return measure_polluted(self.folder / "polluted", facts, fitted, self.arena.split, goal.targets, pollute)

    def _victim_facts(self, name: str) -> dict[str, Any]:
        victim = self.recipe.victims[name]
        return {"model": victim.model, "options": victim.options(), "training": victim.training.model_dump(mode="json")}

    def _training(self, cell: Cell) -> TrainingConfig:
        seed = cell.seed if cell.attack == "clean" else cell.seed + REFIT
        return self.recipe.victims[cell.victim].training.model_copy(update={"seed": seed})

    def _fit(self, cell: Cell, keep_model: bool = False) -> Measured:
        arena, victim = self.arena, self.recipe.victims[cell.victim]
        inputs, profiles = self.detector_input(cell)
        split = arena.poisoned(profiles) if len(profiles) else arena.split
        defence = None if cell.defence == NONE else self.recipe.defences[cell.defence]
        training, goal = self._training(cell), self.goal(cell.seed)
        facts = {
            "data": self._identity, "victim": self._victim_facts(cell.victim), "seed": training.seed,
            "targets": goal.targets.tolist(), "profiles": digest(profiles) if len(profiles) else None,
            "defence": defence.model_dump(mode="json") if defence else None, "defence_seed": cell.seed if defence else None,
        }  # fmt: skip

        def prepare() -> Fitting:
            fitting = Fitting(victim.model, victim.options(), split)
            if defence is None:
                return fitting
            hardening = DEFENCES.build(defence.kind)(
                checked(DEFENCES.config(defence.kind), defence.set, f"defences.{cell.defence}")
            )
            hardened: Fitting = hardening.harden(fitting, inputs, cell.seed)
            return hardened

        folder = self.folder / "fits"
        return fit_and_measure(folder, facts, prepare, arena.split, training, goal.targets, keep_model=keep_model)

    def _reward(self, name: str, seed: int) -> Callable[[Profiles], float]:
        """Return how well profiles do: a victim is fitted anew with them, and asked for at most 500 users."""
        victim, goal, arena = self.recipe.victims[name], self.goal(seed), self.arena
        training = victim.training.model_copy(update={"seed": seed + 2 * REFIT})

        def reward(profiles: Profiles) -> float:
            split = arena.poisoned(profiles)
            model = create_model(victim.model, split, seed=training.seed, **victim.options())
            fit(model, split, training, show=False, device="cpu")
            if goal.kind == "damage":
                return -evaluate(model, split.valid, top=0, device="cpu").value("ndcg@10")
            asked = exposure_queries(split, goal.targets)
            every = max(1, len(asked) // 500)
            shown = evaluate(model, asked.take(np.arange(0, len(asked), every)), top=0, device="cpu")
            value = float(exposure_by_user(shown.ranks, "hr@10")["value"].to_numpy().mean())
            return -value if goal.kind == "demote" else value

        return reward


def _nothing() -> Profiles:
    return Profiles(np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32), np.zeros(1, dtype=np.int64))
