"""The study of a red team: attacks on targets, defences in rounds that learn from what got through, and what defences cost."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from reverie.redteam.attempts import Attempt
from reverie.redteam.cells import (
    NONE,
    AttackCell,
    Attacked,
    Benign,
    BenignCell,
    Cell,
    HardenCell,
    Hardened,
    JudgeCell,
    Judged,
    Result,
    likeness,
    outcomes_of,
)
from reverie.redteam.diversity import filled_cells
from reverie.redteam.goals import goals_digest
from reverie.redteam.lab import Lab
from reverie.redteam.recipe import RED_TEAM, RedTeamRecipe
from reverie.redteam.restored import attacked_of, benign_of
from reverie.redteam.results import COLUMNS, result_rows
from reverie.study.environment import commit, peak_mb, reset_peak
from reverie.study.store import Piece, Store, claim, key, unreadable

VERSION = 5
"""Of an attack, of what a defence learns, and of a measurement on benign prompts."""
Done = Mapping[Cell, Result | None]


class RedTeamStudy:
    """A recipe, the lab that does its work, and the pieces that are kept in a folder."""

    columns = COLUMNS
    long_cells = False

    def __init__(self, recipe: RedTeamRecipe, folder: str | Path, lab: Lab, *, defend: bool = True) -> None:
        self.recipe, self.name, self.folder, self.lab, self.defend = recipe, recipe.name, Path(folder), lab, defend
        claim(self.folder, recipe, RED_TEAM, several=True)
        self._store, self._commit = Store(self.folder), commit()
        self._attack_facts, self._harden_facts = cache(self._make_attack_facts), cache(self._make_harden_facts)

    def cells(self, done: Done) -> Iterator[Cell]:
        """Return attacks on targets as they are, then each defence round by round."""
        for target in self.recipe.targets:
            for seed in range(self.recipe.seeds):
                yield BenignCell(target, seed)
                yield from self._attacks(target, seed, NONE, 0, done)
                yield from self._second_opinion(target, seed, done)
                for name in self.recipe.defences_of(target) if self.defend else ():
                    yield from self._rounds(target, seed, name, done)

    def _attacks(self, target: str, seed: int, defence: str, round_: int, done: Done) -> Iterator[AttackCell]:
        for technique in self.recipe.techniques:
            cell = AttackCell(target, technique, seed, defence, round_)
            if all(one in done for one in self._archive_cells(cell)):
                yield cell

    def _second_opinion(self, target: str, seed: int, done: Done) -> Iterator[JudgeCell]:
        """Return the judge's cell once the attacks of the first seed are there; one seed is enough for an opinion."""
        cell = JudgeCell(target, seed)
        if self.recipe.judge is not None and seed == 0 and all(one in done for one in self._judged_cells(cell)):
            yield cell

    def _judged_cells(self, cell: JudgeCell) -> list[AttackCell]:
        return [AttackCell(cell.target, name, cell.seed) for name in self.recipe.techniques if not self.lab.replays(name)]

    def _rounds(self, target: str, seed: int, defence: str, done: Done) -> Iterator[Cell]:
        for at in range(1, self.recipe.defences[defence].rounds + 1):
            if self.lab.learns(defence):
                step = HardenCell(target, seed, defence, at)
                if not all(one in done for one in self._lessons(step)):
                    return
                yield step
                if step not in done:
                    return
            yield BenignCell(target, seed, defence, at)
            yield from self._attacks(target, seed, defence, at, done)

    def _archive_cells(self, cell: AttackCell) -> list[AttackCell]:
        """Return the attacks that a replay begins from: those on the target as it is, or on the target that the row names."""
        if not self.lab.replays(cell.technique):
            return []
        of = self.recipe.techniques[cell.technique].archive_of or cell.target
        return [AttackCell(of, one, cell.seed) for one in self.recipe.techniques if not self.lab.replays(one)]

    def _lessons(self, step: HardenCell) -> list[AttackCell]:
        """Return the attacks that a round learns from: those on the target as the round before left it, for each round before."""
        rows = self.recipe.techniques
        shown = [name for name, row in rows.items() if not row.held_out and not self.lab.replays(name)]
        before = [(step.defence if at else NONE, at) for at in range(step.round)]
        return [AttackCell(step.target, one, step.seed, *place) for place in before for one in shown]

    def largest(self) -> list[Cell]:
        """Return all cells that there will be."""
        done: dict[Cell, Result | None] = {}
        while new := [cell for cell in dict.fromkeys(self.cells(done)) if cell not in done]:
            done |= dict.fromkeys(new)
        return list(done)

    def upper_bound(self, done: Done) -> int:
        """Return how many cells there are."""
        return len(self.largest())

    def facts(self, cell: Cell) -> dict[str, Any]:
        """Return everything that a cell depends on, and its names in the table."""
        return {"cell": asdict(cell), "depends": key(self._piece_facts(cell))}

    def _piece_facts(self, cell: Cell) -> Mapping[str, Any]:
        if isinstance(cell, AttackCell):
            return self._attack_facts(cell)
        if isinstance(cell, HardenCell):
            return self._harden_facts(cell)
        if isinstance(cell, JudgeCell):
            judged = [key(self._attack_facts(one)) for one in self._judged_cells(cell)]
            return {"judge": dict(self.lab.judge_facts()), "judged": judged, "version": VERSION}
        about = {"benign": dict(self.lab.benign_facts(cell.target)), "seed": cell.seed, "version": VERSION}
        return self._defended_facts(cell.target, cell.seed, cell.defence, cell.round) | about

    def _defended_facts(self, target: str, seed: int, defence: str, round_: int) -> dict[str, Any]:
        facts: dict[str, Any] = {"target": dict(self.lab.target_facts(target)), "defence": None}
        if defence != NONE:
            learned = key(self._harden_facts(HardenCell(target, seed, defence, round_))) if self.lab.learns(defence) else None
            facts["defence"] = dict(self.lab.defence_facts(defence)) | {"learned": learned}
        return facts

    def _make_attack_facts(self, cell: AttackCell) -> dict[str, Any]:
        archive = [key(self._attack_facts(one)) for one in self._archive_cells(cell)]
        about = {"technique": dict(self.lab.technique_facts(cell.technique)), "seed": cell.seed, "calls": self.recipe.calls}
        about |= {"goals": goals_digest(self.lab.goals(cell.target)), "archive": archive, "version": VERSION}
        return self._defended_facts(cell.target, cell.seed, cell.defence, cell.round) | about

    def _make_harden_facts(self, cell: HardenCell) -> dict[str, Any]:
        lessons = [key(self._attack_facts(one)) for one in self._lessons(cell)]
        about = {"defence": dict(self.lab.defence_facts(cell.defence)), "round": cell.round, "seed": cell.seed}
        return {"target": dict(self.lab.target_facts(cell.target)), "lessons": lessons, "version": VERSION} | about

    def is_kept(self, cell: Cell) -> bool:
        """Return whether a cell was done before."""
        return self._store.has(_KINDS[type(cell)], self._piece_facts(cell))

    def run(self, cell: Cell, tell: Callable[[str], None]) -> Result:
        """Attack, teach or measure where it was not done."""
        makers: dict[type, Callable[[Any, Path, Callable[[str], None]], dict[str, Any]]] = {
            AttackCell: self._attack, HardenCell: self._harden, BenignCell: self._benign, JudgeCell: self._judge
        }  # fmt: skip
        make, before = makers[type(cell)], None if self.is_kept(cell) else self._same_before(cell)
        piece = self._store.kept(
            _KINDS[type(cell)],
            self._piece_facts(cell),
            lambda folder: self._copied(before, folder) if before else make(cell, folder, tell),
        )
        return _result(cell, piece)

    def _same_before(self, cell: Cell) -> Cell | None:
        """Return the cell of the round before, of which nothing differs, where a round of a defence learned nothing."""
        if not isinstance(cell, AttackCell | BenignCell) or cell.defence == NONE or not self.lab.learns(cell.defence):
            return None
        if self._taught(HardenCell(cell.target, cell.seed, cell.defence, cell.round)).records:
            return None
        return replace(cell, round=cell.round - 1, defence=cell.defence if cell.round > 1 else NONE)

    def _copied(self, cell: Cell, folder: Path) -> dict[str, Any]:
        """Copy the files of a cell, and return its notes; it took no time of its own."""
        found = self.run(cell, lambda _: None)
        if not isinstance(found, Attacked):
            return asdict(found) | {"seconds": 0.0}
        shutil.copytree(found.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("piece.json", ".*"))
        return found.to_notes() | {"seconds": 0.0}

    def _attack(self, cell: AttackCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        tell(f"{self._label(cell)} …")
        archive = [one for before in self._archive_cells(cell) for one in self.attempts(before) if one.finding.success]
        reset_peak()
        begin = time.monotonic()
        fought = self.lab.attack(cell, archive, self._learned(cell), folder, tell)
        outcomes = outcomes_of(self.lab.goals(cell.target), fought.attempts)
        seconds = time.monotonic() - begin
        made = Attacked(outcomes, fought.writes, fought.failed_writes, seconds, peak_mb(), self._commit, likeness(fought.attempts))
        filled = filled_cells(fought.attempts, fought.columns)
        return replace(made, filled=filled, cells=fought.columns * len(outcomes)).to_notes()

    def _harden(self, cell: HardenCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        tell(f"{self._label(cell)} …")
        shown: list[list[Attempt]] = [[] for _ in range(cell.round)]
        for lesson in self._lessons(cell):
            shown[lesson.round] += [one for one in self.attempts(lesson) if one.tried.goal.part == "build"]
        previous = self._learned(replace(cell, round=cell.round - 1))
        begin = time.monotonic()
        taught = self.lab.harden(cell, shown, previous, folder, tell)
        return asdict(Hardened(taught.records, taught.said, time.monotonic() - begin, self._commit))

    def _benign(self, cell: BenignCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        tell(f"{self._label(cell)} …")
        return asdict(replace(self.lab.benign(cell, self._learned(cell), tell), commit=self._commit))

    def _judge(self, cell: JudgeCell, folder: Path, tell: Callable[[str], None]) -> dict[str, Any]:
        tell(f"{self._label(cell)} …")
        attempts = [one for attacked in self._judged_cells(cell) for one in self.attempts(attacked)]
        return asdict(replace(self.lab.judge(cell, attempts), commit=self._commit))

    def _learned(self, cell: Cell) -> Path | None:
        """Return the folder of what a defence learned last, in this round or one before; None where it learned nothing."""
        if cell.defence == NONE or not self.lab.learns(cell.defence):
            return None
        taught = (self._taught(HardenCell(cell.target, cell.seed, cell.defence, at)) for at in range(cell.round, 0, -1))
        return next((Path(one.folder) for one in taught if one.records), None)

    def _taught(self, step: HardenCell) -> Hardened:
        found = self.run(step, lambda _: None)
        return found if isinstance(found, Hardened) else Hardened(0, {}, 0.0, "")

    def attempts(self, cell: AttackCell) -> list[Attempt]:
        """Return what was tried in a cell; computed where it is not there."""
        done = self.run(cell, lambda _: None)
        return self.lab.read_attempts(cell.target, Path(getattr(done, "folder", "")))

    def restore(self, cell: Cell, rows: Sequence[Mapping[str, str]]) -> Result | None:
        """Return what is known of a cell from its rows: all but the texts of attacks, and what the judge said."""
        if isinstance(cell, AttackCell):
            return attacked_of(rows, self.lab.goals(cell.target))
        if isinstance(cell, BenignCell):
            return benign_of(rows)
        if isinstance(cell, JudgeCell):
            return None
        values = {row["metric"]: float(row["value"]) for row in rows}
        return Hardened(int(values["records"]), {}, float(rows[0]["seconds"] or 0), rows[0]["commit"])

    def describe(self, cell: Cell, result: Result) -> str:
        """Return a cell and what came out in a few words."""
        if isinstance(result, Attacked):
            reached = sum(one.successes > 0 for one in result.outcomes)
            return f"{self._label(cell)} · {reached} of {len(result.outcomes)} goals reached"
        if isinstance(result, Hardened):
            learned = f"learned from {result.records} prompts" if result.records else "too little got through, goes on as it was"
            return f"{self._label(cell)} · {learned}"
        if isinstance(result, Judged):
            return f"{self._label(cell)} · agrees with the detectors on {result.agreed} of {result.answered}"
        return f"{self._label(cell)} · {sum(result.answered)} of {len(result.answered)} benign prompts refused"

    def rows(self, cell: Cell, result: Result) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        return result_rows(self.recipe, goals_digest(self.lab.goals(cell.target)), cell, result)

    def _label(self, cell: Cell) -> str:
        what = cell.technique if isinstance(cell, AttackCell) else _WORDS[type(cell)]
        return f"{cell.target} · {self.recipe.label(cell.defence, cell.round)} · {what} · seed {cell.seed}"


_KINDS: dict[type, str] = {AttackCell: "attacks", HardenCell: "hardened", BenignCell: "benign", JudgeCell: "judged"}
_WORDS: dict[type, str] = {HardenCell: "teach", BenignCell: "benign", JudgeCell: "judge"}


def _result(cell: Cell, piece: Piece) -> Result:
    try:
        if isinstance(cell, AttackCell):
            return Attacked.from_notes(piece.notes, str(piece.folder))
        if isinstance(cell, HardenCell):
            return Hardened(**{**piece.notes, "folder": str(piece.folder)})
        if isinstance(cell, JudgeCell):
            return Judged(**piece.notes)
        return Benign(**{**piece.notes, "refused": tuple(piece.notes["refused"])})
    except (KeyError, TypeError) as error:
        raise unreadable(piece.folder) from error
