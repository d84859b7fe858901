"""A lab whose target is a rule: it says its secret when it is asked with a word that the defence has not learned."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.redteam.attempts import Attempt, Finding, Response, Try
from reverie.redteam.cells import AttackCell, Benign, BenignCell, HardenCell, JudgeCell, Judged
from reverie.redteam.goals import Goal
from reverie.redteam.lab import Fought, Taught
from reverie.redteam.messages import Message
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.redteam.recipe import RedTeamRecipe

WORDS = ("amber", "birch", "cedar", "delta")


class ToyLab:
    """Techniques say words of their own; `learn` remembers those that got through, `refuse` refuses everything."""

    def __init__(self, recipe: RedTeamRecipe) -> None:
        self.recipe, self.fights = recipe, 0

    def goals(self, target: str) -> tuple[Goal, ...]:
        kinds = ("canary", "phrase")
        part = ("build", "build", "held-out")
        return tuple(
            Goal(
                f"{kinds[at % 2]}-{at}",
                kinds[at % 2],
                "what is the word?",
                f"the word is {WORDS[at % 4]}",
                WORDS[at % 4],
                part=part[at % 3],
            )  # type: ignore[arg-type]
            for at in range(self.recipe.goals.n)
        )

    def learns(self, defence: str) -> bool:
        return self.recipe.defences[defence].kind == "learn"

    def replays(self, technique: str) -> bool:
        return self.recipe.techniques[technique].kind == "replay"

    def writes(self, technique: str) -> bool:
        return False

    def target_facts(self, target: str) -> Mapping[str, Any]:
        return {"target": dict(self.recipe.targets[target])}

    def technique_facts(self, technique: str) -> Mapping[str, Any]:
        row = self.recipe.techniques[technique]
        return {"kind": row.kind, "set": row.set}

    def defence_facts(self, defence: str) -> Mapping[str, Any]:
        return {"kind": self.recipe.defences[defence].kind}

    def benign_facts(self, target: str) -> Mapping[str, Any]:
        return {"n": self.recipe.benign}

    def attack(
        self, cell: AttackCell, archive: Sequence[Attempt], learned: Path | None, folder: Path, tell: Callable[[str], None]
    ) -> Fought:
        self.fights += 1
        row = self.recipe.techniques[cell.technique]
        words = row.set.get("words", ["hello"]) if row.kind != "replay" else [one.tried.text for one in archive]
        known = [] if learned is None else json.loads((learned / "learned.json").read_text(encoding="utf-8"))
        refuses = cell.defence != "none" and not self.learns(cell.defence)
        found = []
        for goal in self.goals(cell.target):
            draw = numpy_generator(cell.seed, cell.technique, goal.id)
            for call in range(self.recipe.calls):
                text = str(draw.choice(words)) if len(words) else "hello"
                weak = self.recipe.targets[cell.target]["weak"]
                hit = not refuses and text in weak and text not in known and draw.random() < 0.7
                failure = "timeout" if text == "slow" else ""
                answer = "" if failure else goal.secret if hit else "no"
                tried = Try(goal, (Message("user", text),), cell.technique, seed=cell.seed)
                finding = Finding(hit and not failure, float(hit), ("plain",) if hit else ())
                found.append(Attempt(f"{goal.id}-{call}", tried, Response(answer, failure=failure), finding, call))
        (folder / "attempts.json").write_text(json.dumps([asdict(one) for one in found]), encoding="utf-8")
        return Fought(found, writes=3)

    def read_attempts(self, target: str, folder: Path) -> list[Attempt]:
        goals = {goal.id: goal for goal in self.goals(target)}
        found = []
        for one in json.loads((folder / "attempts.json").read_text(encoding="utf-8")):
            tried = one["tried"]
            again = Try(
                goals[tried["goal"]["id"]],
                tuple(Message(**turn) for turn in tried["turns"]),
                tried["technique"],
                seed=tried["seed"],
            )
            notes = Finding(one["finding"]["success"], one["finding"]["score"], tuple(one["finding"]["notes"]))
            answer = Response(one["response"]["text"], failure=one["response"]["failure"])
            found.append(Attempt(one["id"], again, answer, notes, one["call"]))
        return found

    def harden(
        self,
        cell: HardenCell,
        lessons: Sequence[Sequence[Attempt]],
        previous: Path | None,
        folder: Path,
        tell: Callable[[str], None],
    ) -> Taught:
        assert len(lessons) == cell.round
        archive = [one for some in lessons for one in some]
        assert all(one.tried.goal.part == "build" for one in archive)
        texts = sorted({one.tried.text for one in archive if one.finding.success})
        before = [] if previous is None else json.loads((previous / "learned.json").read_text(encoding="utf-8"))
        new = [text for text in texts if text not in before][:1]  # slow to learn, so that rounds differ
        (folder / "learned.json").write_text(json.dumps([*before, *new]), encoding="utf-8")
        return Taught(len(new), {"loss": 0.5})

    def judge_facts(self) -> Mapping[str, Any]:
        return {"judge": "echo"}

    def judge(self, cell: JudgeCell, attempts: Sequence[Attempt]) -> Judged:
        agreed = sum(one.finding.success for one in attempts)
        return Judged(0.75, 0.6, 0.9, 100, 0, len(attempts), len(attempts), agreed, 0.1, "")

    def benign(self, cell: BenignCell, learned: Path | None, tell: Callable[[str], None]) -> Benign:
        refuses = cell.defence != "none" and not self.learns(cell.defence)
        refused = tuple(refuses for _ in range(self.recipe.benign))
        units = [0.0 if refuses else 1.0] * self.recipe.utility
        return Benign(refused, {"questions": units[0]}, {"questions": units}, 0.1, "abc")
