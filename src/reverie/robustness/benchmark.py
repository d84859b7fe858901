"""The pieces of the benchmark: clean fits, fake profiles, fits on poisoned data, defended fits; each is kept by its facts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from reverie.data.dataset import Dataset
from reverie.data.profiles import Profiles
from reverie.data.queries import Queries, extended
from reverie.evaluation import Evaluation, evaluate
from reverie.models import create_model
from reverie.options import checked
from reverie.robustness import fits
from reverie.robustness.arena import Arena, open_arena
from reverie.robustness.attacks.attack import Attack, Budget, Goal, Pollutes, attacker_view, resolve_budget, resolve_goal
from reverie.robustness.attacks.templates import NO_PROFILES
from reverie.robustness.defences.defence import Fitting
from reverie.robustness.defences.shelf import DEFENCES
from reverie.robustness.detectors.detector import DetectorInput
from reverie.robustness.recipe import RobustnessRecipe
from reverie.robustness.threat import BudgetConfig
from reverie.study.store import Store, key
from reverie.training.config import TrainingConfig
from reverie.training.event_log import open_recipe_dataset
from reverie.training.fit import fit

CLEAN, NULL, NONE = "clean", "null", "none"
"""The fit before any attack, the attack that injects nothing, and the defence that changes nothing: always there."""
VERSION = 1
"""Of all pieces; raised when the same facts come to mean something else."""
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


class Benchmark:
    """A recipe, its data, and the pieces that are kept of it: fake profiles, fits, measurements under pollution."""

    def __init__(self, recipe: RobustnessRecipe, folder: Path, offline: bool = False, device: str = "cpu") -> None:
        self.recipe, self.folder, self.offline, self.device = recipe, folder, offline, device
        self.store = Store(folder)
        self._profiles: dict[str, tuple[Profiles, float]] = {}
        self._measured: dict[Cell, fits.Measured] = {}

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
        return resolve_budget(BudgetConfig(fakes=fakes, size=self.recipe.size), self.arena.ratings, len(self.goal(seed).targets))

    def pollutes(self, attack: str) -> bool:
        """Return whether a row attacks at question time, so that it injects no profile and nothing is fitted again."""
        return attack in self.recipe.attacks and isinstance(self.recipe.attack(attack), Pollutes)

    def injects(self, attack: str) -> bool:
        """Return whether a row adds fake profiles to the data."""
        return attack not in (CLEAN, NULL) and not self.pollutes(attack)

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Return everything that the measurement of a cell depends on."""
        return self._pollution_facts(cell) if self.pollutes(cell.attack) else self._fit_facts(cell)

    def is_kept(self, cell: Cell) -> bool:
        """Return whether a cell was measured before."""
        return self.store.has("polluted" if self.pollutes(cell.attack) else "fits", self.facts(cell))

    def measured(self, cell: Cell) -> fits.Measured:
        """Return what a cell came to; computed where it was not."""
        if cell not in self._measured:
            self._measured[cell] = self._polluted(cell) if self.pollutes(cell.attack) else self._fit(cell)
        return self._measured[cell]

    def profiles(self, attack: str, victim: str, fakes: float, seed: int) -> tuple[Profiles, float]:
        """Return the profiles of an attack, and the seconds that making them took."""
        if not self.injects(attack):
            return NO_PROFILES, 0.0
        facts = self.profile_facts(attack, victim, fakes, seed)
        name = key(facts)
        if name not in self._profiles:

            def craft(folder: Path) -> dict[str, Any]:
                opened = self._opened(attack, victim)
                model = self._fit(Cell(opened, CLEAN, NONE, 0, seed)).model() if opened is not None else None
                reward = self._reward(self.recipe.rewarded, seed)
                view = attacker_view(self.arena, self.recipe.knowledge_of(attack), seed, model, reward)
                begin = time.monotonic()
                crafting = cast("Attack", self.recipe.attack(attack))  # it injects
                made = crafting.craft(view, self.goal(seed), self.budget(fakes, seed), seed)
                seconds = time.monotonic() - begin
                fits.write_profiles(folder, made)
                return {"n": len(made), "seconds": seconds}

            piece = self.store.kept("profiles", facts, craft)
            self._profiles[name] = fits.read_profiles(piece), float(piece.notes["seconds"])
        return self._profiles[name]

    def profile_facts(self, attack: str, victim: str, fakes: float, seed: int) -> dict[str, Any]:
        """Return everything that the profiles of an attack depend on."""
        row, goal, budget = self.recipe.attacks[attack], self.goal(seed), self.budget(fakes, seed)
        opened, needs = self._opened(attack, victim), self.recipe.attack(attack).needs
        return {
            "data": self._identity, "goal": goal.kind, "targets": goal.targets.tolist(), "budget": [budget.users, budget.size],
            "seed": seed, "attack": row.kind, "set": row.set, "version": VERSION,
            "knowledge": self.recipe.knowledge_of(attack).model_dump(mode="json"),
            "victim": self._victim_facts(opened) if opened else None,
            "reward": self._victim_facts(self.recipe.rewarded) if "reward" in needs else None,
        }  # fmt: skip

    def poisoned(self, cell: Cell) -> tuple[DetectorInput, Profiles]:
        """Return what a defender sees under a cell's attack, and the profiles that were injected."""
        arena = self.arena
        profiles, _ = self.profiles(cell.attack, cell.victim, cell.fakes, cell.seed)
        if not len(profiles):
            return DetectorInput(arena.ratings, arena.split.train), profiles
        return DetectorInput(arena.ratings.with_profiles(profiles), arena.poisoned(profiles).train), profiles

    @property
    def commits(self) -> set[str]:
        """Commits of the code that the fits so far were measured at."""
        return {str(measured.facts["commit"]) for measured in self._measured.values()}

    @cached_property
    def _identity(self) -> dict[str, Any]:
        split = self.arena.split
        return {"sha256": split.sha256, "protocol": split.protocol, "threshold": self.arena.ratings.scale.threshold}

    def _opened(self, attack: str, victim: str) -> str | None:
        """Return the victim whose weights an attack reads."""
        return (self.recipe.attacks[attack].crafted_on or victim) if "victim" in self.recipe.attack(attack).needs else None

    def _victim_facts(self, name: str) -> dict[str, Any]:
        victim = self.recipe.victims[name]
        return {"model": victim.model, "options": victim.options(), "training": victim.training.model_dump(mode="json")}

    def _training(self, cell: Cell) -> TrainingConfig:
        seed = cell.seed if cell.attack == CLEAN else cell.seed + REFIT
        return self.recipe.victims[cell.victim].training.model_copy(update={"seed": seed})

    def _fit_facts(self, cell: Cell) -> dict[str, Any]:
        injects = self.injects(cell.attack)
        defence = None if cell.defence == NONE else self.recipe.defences[cell.defence].model_dump(mode="json")
        return {
            "data": self._identity, "victim": self._victim_facts(cell.victim), "seed": self._training(cell).seed,
            "targets": self.goal(cell.seed).targets.tolist(), "version": VERSION,
            "profiles": self.profile_facts(cell.attack, cell.victim, cell.fakes, cell.seed) if injects else None,
            "defence": defence, "defence_seed": cell.seed if defence else None,
        }  # fmt: skip

    def _fit(self, cell: Cell) -> fits.Measured:
        victim, arena, seed = self.recipe.victims[cell.victim], self.arena, cell.seed

        def prepare() -> Fitting:
            inputs, profiles = self.poisoned(cell)
            fitting = Fitting(victim.model, victim.options(), arena.poisoned(profiles) if len(profiles) else arena.split)
            if cell.defence == NONE:
                return fitting
            row = self.recipe.defences[cell.defence]
            defence = DEFENCES.build(row.kind)(checked(DEFENCES.config(row.kind), row.set, f"defences.{cell.defence}"))
            hardened: Fitting = defence.harden(fitting, inputs, seed)
            return hardened

        def make(folder: Path) -> dict[str, Any]:
            keep = cell.attack in (CLEAN, NULL)  # read by white boxes, and asked again under pollution
            training, targets = self._training(cell), self.goal(seed).targets
            return fits.fit_and_measure(folder, prepare, arena.split, training, targets, keep, self.device)

        return fits.read_fit(self.store.kept("fits", self._fit_facts(cell), make))

    def _pollution_facts(self, cell: Cell) -> dict[str, Any]:
        row, knowledge = self.recipe.attacks[cell.attack], self.recipe.knowledge_of(cell.attack)
        return {
            "fit": self._fit_facts(replace(cell, attack=NULL, fakes=0)), "attack": row.model_dump(mode="json"),
            "knowledge": knowledge.model_dump(mode="json"), "targets": self.goal(cell.seed).targets.tolist(), "version": VERSION,
        }  # fmt: skip

    def _polluted(self, cell: Cell) -> fits.Measured:
        """Measure the null attack's fit on polluted histories; utility is asked with the histories as they are."""
        attack, seed, goal = cast("Pollutes", self.recipe.attack(cell.attack)), cell.seed, self.goal(cell.seed)
        row, knowledge = self.recipe.attacks[cell.attack], self.recipe.knowledge_of(cell.attack)
        fitted = self._fit(replace(cell, attack=NULL, fakes=0))

        def pollute(asked: Queries) -> Queries:
            opened = fitted if row.crafted_on is None else self._fit(Cell(row.crafted_on, CLEAN, NONE, 0, seed))
            view = attacker_view(self.arena, knowledge, seed, opened.model())
            return extended(asked, attack.pollute(view, goal, asked, seed))

        piece = self.store.kept(
            "polluted",
            self._pollution_facts(cell),
            lambda folder: fits.measure_polluted(folder, fitted, self.arena.split, goal.targets, pollute, self.device),
        )
        return replace(fitted, shown=Evaluation.load(piece.folder / "shown"), facts=piece.notes)

    def _reward(self, name: str, seed: int) -> Callable[[Profiles], float]:
        """Return how well profiles do: a victim is fitted anew with them, and asked for at most 500 users."""
        victim, goal, arena = self.recipe.victims[name], self.goal(seed), self.arena
        training = victim.training.model_copy(update={"seed": seed + 2 * REFIT})

        def reward(profiles: Profiles) -> float:
            split = arena.poisoned(profiles)
            model = create_model(victim.model, split, seed=training.seed, **victim.options())
            fit(model, split, training, show=False, device=self.device)
            if goal.kind == "damage":
                return -evaluate(model, split.valid, top=0, device=self.device).value("ndcg@10")
            asked = fits.exposure_queries(split, goal.targets)
            every = max(1, len(asked) // 500)
            shown = evaluate(model, asked.take(np.arange(0, len(asked), every)), top=0, device=self.device)
            value = float(fits.exposure_by_user(shown.ranks, "hr@10")["value"].to_numpy().mean())
            return -value if goal.kind == "demote" else value

        return reward
