"""The lab of a recipe: opens its targets and models, and does the work of its cells."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reverie.errors import ConfigError
from reverie.files import json_digest
from reverie.options import checked
from reverie.redteam.attack_log import read_log
from reverie.redteam.attackers.shelf import ATTACKERS, create_attacker
from reverie.redteam.attempts import Attempt
from reverie.redteam.benign import prompts_for
from reverie.redteam.cases import SETS, hand_written
from reverie.redteam.cells import NONE, AttackCell, Benign, BenignCell, HardenCell, JudgeCell, Judged
from reverie.redteam.defence_rows import FilterConfig, defence_row
from reverie.redteam.defences.config import ConsistencyConfig, HardeningConfig
from reverie.redteam.detectors.lookup import detect
from reverie.redteam.engine import LOG, run_attack
from reverie.redteam.goals import Goal
from reverie.redteam.lab import Fought, Taught
from reverie.redteam.lab_benign import Units, benign_facts, chat_utility, label_utility, measure_benign, ranking_utility
from reverie.redteam.lab_defences import guarded, teach_consistency, teach_filter, teach_lora
from reverie.redteam.lab_goals import check_kinds, dataset_for, goals_for
from reverie.redteam.lab_judge import second_opinion
from reverie.redteam.lab_targets import Targets, model_facts
from reverie.redteam.models.create import create_chat_model, model_config
from reverie.redteam.over_refusal import check_size
from reverie.redteam.recipe import RedTeamRecipe
from reverie.redteam.roles import Brief, Case, Target
from reverie.redteam.slots import SLOTS
from reverie.redteam.targets.config import ChatRecommenderTarget, ChatTarget, CoLLMTarget
from reverie.redteam.targets.possible import NEVER_REFUSE, POSSIBLE, SURFACES


class RecipeLab:
    """See `reverie.redteam.lab.Lab`.

    Parameters
    ----------
    recipe : RedTeamRecipe
        All names and options in it are checked here, before anything is loaded.
    device : str, optional
        Where local models run.
    offline : bool
        Whether nothing may be fetched.
    """

    def __init__(self, recipe: RedTeamRecipe, *, device: str | None = None, offline: bool = False) -> None:
        if offline:
            os.environ["REVERIE_OFFLINE"] = "1"
        self.recipe, self.offline = recipe, offline
        self.targets = Targets(recipe, device)
        self.judge_config = None if recipe.judge is None else model_config(recipe.judge, "judge")
        self.attackers = {name: create_attacker(row.kind) for name, row in recipe.techniques.items()}
        for name, attacker in self.attackers.items():
            checked(ATTACKERS.config(attacker.name), recipe.techniques[name].set, f"techniques.{name}")
            if attacker.writes and self.targets.writer_config is None:
                raise ConfigError(f"techniques.{name}: '{attacker.name}' writes with a model of its own; name one under 'writer'")
        self.rows = {name: defence_row(row.kind, row.set, f"defences.{name}") for name, row in recipe.defences.items()}
        for target in recipe.targets:
            for name in recipe.defences_of(target):
                self.rows[name].check(self.targets.configs[target], f"defences.{name}", target)
        check_kinds(recipe.goals, self.targets.configs)
        for target, config in self.targets.configs.items():
            check_size(prompts_for(POSSIBLE[config.kind], "evaluation"), self.n_benign(target))
        self._goals: dict[str, tuple[Goal, ...]] = {}

    def goals(self, target: str) -> tuple[Goal, ...]:
        """Return the goals that are tried on a target."""
        if target not in self._goals:
            self._goals[target] = goals_for(self.targets.configs[target], self.recipe.goals, self.offline, target)
        return self._goals[target]

    def learns(self, defence: str) -> bool:
        """Return whether a defence learns from what got through."""
        return self.rows[defence].kind.learns

    def replays(self, technique: str) -> bool:
        """Return whether a technique begins from attempts of before."""
        return "archive" in self.attackers[technique].entry.tags

    def writes(self, technique: str) -> bool:
        """Return whether a technique writes with a model of its own."""
        return self.attackers[technique].writes

    def target_facts(self, target: str) -> Mapping[str, Any]:
        """Return everything that an undefended target depends on."""
        return self.targets.facts(target)

    def technique_facts(self, technique: str) -> Mapping[str, Any]:
        """Return everything that an attacker depends on but goals, seed and archive."""
        attacker, writer = self.attackers[technique], self.targets.writer_config
        options = checked(ATTACKERS.config(attacker.name), self.recipe.techniques[technique].set, f"techniques.{technique}")
        cases = {str(name): [asdict(case) for place in SLOTS for case in hand_written(place[0], name, place[1])] for name in SETS}
        facts = {"attacker": attacker.name, "options": options.model_dump(mode="json"), "batch": self.recipe.batch}
        facts |= {"cases": json_digest(cases)}
        return facts | {"writer": model_facts(writer) if writer is not None and attacker.writes else None}

    def defence_facts(self, defence: str) -> Mapping[str, Any]:
        """Return everything that a defence depends on but what it learns from."""
        row = self.rows[defence]
        return {"kind": row.name, "options": row.config.model_dump(mode="json")}

    def benign_facts(self, target: str) -> Mapping[str, Any]:
        """Return everything that the measurement on benign prompts depends on but the target."""
        return benign_facts(self.goals(target), self.recipe)

    def cases(self, target: str, goals: Sequence[Goal]) -> tuple[Case, ...]:
        """Return the hand-written cases of both sets for the kinds of some goals, for where texts stand on a target."""
        surface = SURFACES.get(self.targets.configs[target].kind, "message")
        return tuple(
            case for kind in sorted({goal.kind for goal in goals}) for name in SETS for case in hand_written(kind, name, surface)
        )

    def attack(
        self, cell: AttackCell, archive: Sequence[Attempt], learned: Path | None, folder: Path, tell: Callable[[str], None]
    ) -> Fought:
        """Attack a target as it is defended.

        Behind a defence that always says the same, a technique that writes asks plainly instead, as no text changes the answer.
        """
        attacker, target = self.attackers[cell.technique], self._open(cell, learned)
        options = self.recipe.techniques[cell.technique].set
        if cell.defence != NONE and self.rows[cell.defence].kind.constant and attacker.writes:  # whatever it is told
            attacker, options = create_attacker("null"), {}
        goals, columns = self.goals(cell.target), self.attackers[cell.technique].columns
        if self.replays(cell.technique):
            goals = tuple(goal for goal in goals if any(one.tried.goal.part == goal.part for one in archive))
        if not goals:
            return Fought((), columns=columns)
        brief = Brief(goals, self.cases(cell.target, goals), self.recipe.calls, cell.seed, tuple(archive), options)
        writer = self.targets.writer if attacker.writes else None
        log = run_attack(attacker, target, brief, detect=detect, folder=folder, writer=writer, batch=self.recipe.batch, tell=tell)
        return Fought(log.attempts, log.writings, log.n_unusable, columns)

    def read_attempts(self, target: str, folder: Path) -> list[Attempt]:
        """Return the attempts that an attack left in a folder."""
        return list(read_log(folder / LOG, self.goals(target)).attempts) if (folder / LOG).exists() else []

    def harden(
        self,
        cell: HardenCell,
        lessons: Sequence[Sequence[Attempt]],
        previous: Path | None,
        folder: Path,
        tell: Callable[[str], None],
    ) -> Taught:
        """Teach a defence."""
        config, target = self.rows[cell.defence].config, self.targets.config(cell.target)
        if isinstance(config, FilterConfig):
            return teach_filter(config, lessons, cell, folder)
        self.targets.close()  # training needs the memory
        if isinstance(config, HardeningConfig) and isinstance(target, ChatTarget | ChatRecommenderTarget):
            return teach_lora(config, target, self.goals(cell.target), lessons, cell, previous, folder)
        if isinstance(config, ConsistencyConfig) and isinstance(target, CoLLMTarget):
            return teach_consistency(config, target, lessons, cell, previous, folder, self.offline)
        raise ConfigError(f"defences.{cell.defence}: '{self.rows[cell.defence].name}' learns nothing from attacks on {cell.target}")

    def benign(self, cell: BenignCell, learned: Path | None, tell: Callable[[str], None]) -> Benign:
        """Measure over-refusal and the target's own task."""
        target, goals, n = self._open(cell, learned), self.goals(cell.target), self.recipe.utility
        asked = self.n_benign(cell.target)
        return measure_benign(target, goals, asked, cell.seed, lambda: self._utility(cell, target, goals, n) if n else {})

    def n_benign(self, target: str) -> int:
        """Return how many benign requests a target is asked."""
        return 0 if self.targets.configs[target].kind in NEVER_REFUSE else self.recipe.benign

    def _utility(self, cell: BenignCell, target: Target, goals: Sequence[Goal], n: int) -> Units:
        """Return figures of a target's own task."""
        config = self.targets.configs[cell.target]
        if config.kind == "chat-recommender":
            return ranking_utility(target, dataset_for(config, self.recipe.goals, self.offline, cell.target), n, cell.seed)
        model = getattr(self.targets.now, "model", None)
        if config.kind == "collm":
            return label_utility(model, config, n, cell.seed, self.offline)
        return chat_utility(target, model, goals, n, cell.seed) if config.kind == "chat" else {}

    def judge_facts(self) -> Mapping[str, Any]:
        """Return everything that the judge depends on."""
        return {} if self.judge_config is None else model_facts(self.judge_config)

    def judge(self, cell: JudgeCell, attempts: Sequence[Attempt]) -> Judged:
        """Measure the judge on labelled responses, and let it judge attempts; the target makes room for it."""
        if self.judge_config is None:
            raise ConfigError("the recipe names no judge; set 'judge'")
        self.targets.close()
        return second_opinion(create_chat_model(self.judge_config), attempts, cell.seed)

    def _open(self, cell: AttackCell | BenignCell, learned: Path | None) -> Target:
        """Return a target as it is defended."""
        if cell.defence == NONE:
            return self.targets.open(cell.target)
        row = self.rows[cell.defence]
        return guarded(self.targets.open(cell.target, learned if row.kind.tunes else None), row, learned, cell.seed)
