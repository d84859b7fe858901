"""The robustness study: attacks on victims, detection of the fakes, defences against the strongest attacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from reverie.options import checked
from reverie.report.table import StudyReport, Table
from reverie.robustness import results
from reverie.robustness import summary as summaries
from reverie.robustness.benchmark import CLEAN, NONE, NULL, VERSION, Benchmark, Cell
from reverie.robustness.detection import detection_metrics, draw_labels, stealth
from reverie.robustness.detectors.classifiers import NoLabels
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.robustness.fits import Measured, exposure_by_user
from reverie.robustness.page import write_page
from reverie.robustness.recipe import ROBUSTNESS, RobustnessRecipe
from reverie.study.call import Call
from reverie.study.environment import tell_commits
from reverie.study.run import cell_key, run_study
from reverie.study.store import claim

EFFECTS = 2
"""Version of effects over seeds; the second resamples targets and users."""


@dataclass(frozen=True)
class DetectionCell:
    """All detectors on the data that one attack has poisoned."""

    attack: str
    fakes: float
    seed: int


AnyCell = Cell | summaries.CellOverSeeds | DetectionCell
Result = Measured | summaries.CellEffects | results.Figures


class RobustnessStudy:
    """A benchmark as a study: one cell a fit, one a pooled effect over seeds, one a detection."""

    columns = results.MORE
    long_cells = False

    def __init__(
        self,
        recipe: RobustnessRecipe,
        folder: str | Path,
        *,
        detect: bool = True,
        defend: bool = True,
        device: str | None = None,
        offline: bool = False,
    ) -> None:
        self.recipe, self.name = recipe, recipe.name
        self.detect, self.defend = detect, defend and bool(recipe.defences)
        self.benchmark = Benchmark(recipe, Path(folder), offline, device or "cpu")
        for seed in range(recipe.seeds):  # a budget that cannot be is an error before anything is computed
            for fakes in recipe.budgets:
                self.benchmark.budget(fakes, seed)
        claim(Path(folder), recipe, ROBUSTNESS, several=True)

    def cells(self, done: Mapping[AnyCell, Result | None]) -> Iterator[AnyCell]:
        """Return attacks with their effects, then detection, then defences against what was strongest."""
        attacked = self.attacked()
        yield from self._with_fits(attacked)
        if self.detect:
            yield from self.detections()
        if self.defend and all(cell in done for cell in attacked):
            yield from self._with_fits(self.defended(done))

    def upper_bound(self, done: Mapping[AnyCell, Result | None]) -> int:
        """Return how many cells there are at most."""
        recipe = self.recipe
        attacked = self.attacked()
        count = len(set(self._with_fits(attacked))) + (len(self.detections()) if self.detect else 0)
        if self.defend:
            effects = len(recipe.defences) * len(self._defended_victims) * (1 + len(recipe.budgets) * recipe.strongest)
            count += effects * (1 + recipe.seeds)
        return count

    def attacked(self) -> list[summaries.CellOverSeeds]:
        """Return the effects without a defence: the null attack, and attacks by budget."""
        recipe = self.recipe
        attacks = [name for name, row in recipe.attacks.items() if row.kind != NULL]
        null = [summaries.CellOverSeeds(victim, NULL, NONE, 0) for victim in recipe.victims]
        return null + [
            summaries.CellOverSeeds(v, a, NONE, fakes) for fakes in recipe.budgets for a in attacks for v in recipe.victims
        ]

    def defended(self, done: Mapping[AnyCell, Result | None]) -> list[summaries.CellOverSeeds]:
        """Return the effects of defences against the strongest attacks, and against none, which shows their price."""
        effects = [result for cell in self.attacked() if isinstance(result := done[cell], summaries.CellEffects)]
        chosen = summaries.strongest(effects, self.recipe.strongest, self._defended_victims)
        cells = []
        for defence in self.recipe.defences:
            cells += [summaries.CellOverSeeds(victim, NULL, defence, 0) for victim in self._defended_victims]
            for fakes, names in chosen.items():
                cells += [
                    summaries.CellOverSeeds(victim, name, defence, fakes) for name in names for victim in self._defended_victims
                ]
        return cells

    def detections(self) -> list[DetectionCell]:
        """Return the attacks whose fakes are looked for, by budget and seed."""
        recipe = self.recipe
        attacks = [name for name, row in recipe.attacks.items() if row.kind != NULL and self.benchmark.injects(name)]
        return [DetectionCell(a, fakes, seed) for fakes in recipe.budgets for a in attacks for seed in range(recipe.seeds)]

    def facts(self, cell: AnyCell) -> dict[str, Any]:
        """Return everything that a cell depends on, and its names in the table."""
        named = {"cell": asdict(cell)}
        if isinstance(cell, Cell):
            return named | {"measured": self.benchmark.facts(cell)}
        if isinstance(cell, summaries.CellOverSeeds):
            return named | {"fits": [cell_key(self, fit) for fit in self._fits(cell)], "version": EFFECTS}
        return named | self._detection_facts(cell)

    def is_kept(self, cell: AnyCell) -> bool:
        """Return whether a cell needs no fit."""
        if isinstance(cell, Cell):
            return self.benchmark.is_kept(cell)
        if isinstance(cell, summaries.CellOverSeeds):
            return all(map(self.benchmark.is_kept, self._fits(cell)))
        return self.benchmark.store.has("detection", self._detection_facts(cell))

    def run(self, cell: AnyCell, tell: Callable[[str], None]) -> Result:
        """Return what a cell came to; computed where it was not."""
        if isinstance(cell, Cell):
            return self.benchmark.measured(cell)
        if isinstance(cell, summaries.CellOverSeeds):
            return summaries.cell_effects(self.benchmark, cell)
        piece = self.benchmark.store.kept("detection", self._detection_facts(cell), lambda _: self._detect(cell))
        return {name: {k: float("nan") if v is None else float(v) for k, v in f.items()} for name, f in piece.notes.items()}

    def restore(self, cell: AnyCell, rows: Sequence[Mapping[str, str]]) -> Result | None:
        """Return an effect or a detection from its rows; a fit is more than its rows."""
        if isinstance(cell, Cell):
            return None
        return (
            results.effects_from_rows(cell, rows)
            if isinstance(cell, summaries.CellOverSeeds)
            else results.detection_from_rows(rows)
        )

    def describe(self, cell: AnyCell, result: Result) -> str:
        """Return a cell and its main figure in a few words."""
        if isinstance(cell, DetectionCell):
            return f"detection · {cell.attack} · {cell.fakes:g} · seed {cell.seed}"
        named = f"{cell.victim} · {cell.attack} · {cell.defence}"
        if not isinstance(cell, Cell) or not isinstance(result, Measured):
            return f"{named} · {self.recipe.seeds} seeds"
        if result.shown is None:
            return f"{named} · seed {cell.seed} · NDCG@10 {result.useful.value('ndcg@10'):.4f}"
        hit = exposure_by_user(result.shown.ranks, "hr@10")["value"].to_numpy().mean()
        return f"{named} · seed {cell.seed} · targets' HR@10 {hit:.4f}"

    def rows(self, cell: AnyCell, result: Result) -> list[dict[str, Any]]:
        """Return the rows of a results table that a cell gives."""
        if isinstance(cell, Cell) and isinstance(result, Measured):
            return results.cell_rows(self.benchmark, cell, result)
        if isinstance(result, summaries.CellEffects):
            return results.effect_rows(self.benchmark, result)
        if isinstance(cell, DetectionCell) and isinstance(result, dict):
            return results.detection_rows(self.benchmark, result, attack=cell.attack, fakes=cell.fakes, seed=cell.seed)
        return []

    def summary(self, done: Mapping[AnyCell, Result | None]) -> summaries.Done:
        """Return what the study came to, ready for tables and pages."""
        attacked = self.attacked()
        defended = self.defended(done) if self.defend else []
        both = [[e for cell in cells if isinstance(e := done[cell], summaries.CellEffects)] for cells in (attacked, defended)]
        detected = _over_seeds(self.detections(), done) if self.detect else []
        return summaries.Done(self.benchmark, summaries.with_corrected_p(both[0]), summaries.with_corrected_p(both[1]), detected)

    @property
    def _defended_victims(self) -> tuple[str, ...]:
        return self.recipe.defended or tuple(self.recipe.victims)

    def _fits(self, cell: summaries.CellOverSeeds) -> list[Cell]:
        """Return the fits that an effect rests on: those of the null attack, then its own."""
        seeds = range(self.recipe.seeds)
        null = [Cell(cell.victim, NULL, NONE, 0, seed) for seed in seeds]
        own = [Cell(cell.victim, cell.attack, cell.defence, cell.fakes, seed) for seed in seeds]
        return list(dict.fromkeys(null + own))

    def _with_fits(self, effects: Sequence[summaries.CellOverSeeds]) -> Iterator[AnyCell]:
        """Put the fits of each effect before it, so that its rows are there as soon as its seeds are."""
        for cell in effects:
            if cell.attack == NULL and cell.defence == NONE:
                yield from (Cell(cell.victim, CLEAN, NONE, 0, seed) for seed in range(self.recipe.seeds))
            yield from self._fits(cell)
            yield cell

    def _detection_facts(self, cell: DetectionCell) -> dict[str, Any]:
        recipe, victim = self.recipe, next(iter(self.recipe.victims))
        return {
            "profiles": self.benchmark.profile_facts(cell.attack, victim, cell.fakes, cell.seed), "seed": cell.seed,
            "labelled": recipe.labelled, "detectors": {k: v.model_dump(mode="json") for k, v in recipe.detectors.items()},
            "version": VERSION,
        }  # fmt: skip

    def _detect(self, cell: DetectionCell) -> dict[str, dict[str, float | None]]:
        """Return the figures of all detectors on one poisoned data set, and under "" those of stealth; None is undefined."""
        recipe, ratings = self.recipe, self.benchmark.arena.ratings
        inputs, profiles = self.benchmark.poisoned(Cell(next(iter(recipe.victims)), cell.attack, NONE, cell.fakes, cell.seed))
        fake = np.arange(inputs.ratings.n_users) >= ratings.n_users
        by_detector = {"": stealth(ratings, profiles, cell.seed)}
        labels = draw_labels(fake, recipe.labelled, cell.seed)
        measured = (inputs.ratings.lengths > 0) & (labels < 0)  # all detectors on the same users
        for name, row in recipe.detectors.items():
            detector = DETECTORS.build(row.kind)(checked(DETECTORS.config(row.kind), row.set, f"detectors.{name}"))
            told = replace(inputs, labels=labels if detector.supervised else None)
            try:
                by_detector[name] = detection_metrics(detector.suspicion(told, cell.seed), fake, measured=measured).values()
            except NoLabels:  # a single fake user is looked for, never told
                by_detector[name] = {"auc": math.nan, "ap": math.nan, "recall": math.nan}
        return {name: {k: None if v != v else v for k, v in values.items()} for name, values in by_detector.items()}


def run_robustness(
    recipe: RobustnessRecipe,
    folder: str | Path,
    *,
    detect: bool = True,
    defend: bool = True,
    results: str | Path | None = None,
    device: str | None = None,
    show: bool = True,
    offline: bool = False,
) -> summaries.Done:
    """Run a recipe, or go on with one; fits are small, so they run on the CPU where no device is named."""
    study = RobustnessStudy(recipe, folder, detect=detect, defend=defend, device=device, offline=offline)
    done: dict[AnyCell, Result | None] = run_study(study, results=results, show=show)
    return study.summary(done)


def report(recipe: RobustnessRecipe, call: Call) -> StudyReport:
    """Run a benchmark, or the parts of it that `reverie attack` and `reverie defend` are."""
    done = run_robustness(
        recipe, call.folder, results=call.results, device=call.device, show=call.show, offline=call.offline, **call.more
    )
    page = write_page(done, call.folder / "report.html", command=call.command)
    split = done.bench.arena.split
    title = f"{recipe.name} · {split.dataset} · {split.protocol} · goal {recipe.goal.kind} · {recipe.seeds} seeds"
    shown: list[Table | str] = [
        title,
        *summaries.benchmark_tables(done),
        *summaries.attack_sentences(done),
        *tell_commits(done.bench.commits),
    ]
    return StudyReport(results.benchmark_json(done), shown, [page])


def _over_seeds(cells: Sequence[DetectionCell], done: Mapping[AnyCell, Result | None]) -> list[summaries.Detected]:
    """Gather the figures of each detector under each attack over its seeds."""
    by_attack: dict[tuple[str, float], list[results.Figures]] = {}
    for cell in cells:
        if isinstance(result := done[cell], dict):
            by_attack.setdefault((cell.attack, cell.fakes), []).append(result)
    gathered = []
    for (attack, fakes), seeds in by_attack.items():
        for detector in seeds[0]:
            names = dict.fromkeys(name for one in seeds for name in one[detector])
            values = {name: tuple(one[detector].get(name, float("nan")) for one in seeds) for name in names}
            gathered.append(summaries.Detected(detector, attack, fakes, values))
    return gathered
