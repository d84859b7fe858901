"""Run a benchmark from start to end: attacks, detection, defences; what is there already is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reverie.files import read_json, write_json
from reverie.options import checked
from reverie.robustness.bench import NULL, Bench, Cell
from reverie.robustness.detection import detection_metrics, draw_labels
from reverie.robustness.detectors.detector import DetectorInput
from reverie.robustness.detectors.shelf import DETECTORS
from reverie.robustness.exposure import exposure_by_user
from reverie.robustness.results import MORE, cell_rows, effect_rows, figure_rows
from reverie.robustness.stealth import stealth
from reverie.robustness.store import digest, key_of
from reverie.robustness.summary import CellEffects, strongest, summarise
from reverie.training.progress import progress
from reverie.training.results import append_results

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reverie.robustness.fits import Measured
    from reverie.robustness.recipe import RobustnessRecipe
    from reverie.training.progress import Progress


@dataclass(frozen=True)
class Detected:
    """What one detector found under one attack, over all seeds; or, for `detector` "", how the fakes differ from real users."""

    detector: str
    attack: str
    fakes: float
    values: dict[str, tuple[float, ...]]

    def mean(self, name: str) -> float:
        """Return the mean of a figure over seeds; NaN where it is not defined."""
        known = [value for value in self.values.get(name, ()) if value == value]
        return float(np.mean(known)) if known else float("nan")


@dataclass
class Done:
    """A finished benchmark."""

    bench: Bench
    attacked: list[CellEffects]
    defended: list[CellEffects] = field(default_factory=list)
    detected: list[Detected] = field(default_factory=list)


def run_benchmark(
    recipe: RobustnessRecipe,
    folder: str | Path,
    *,
    detect: bool = True,
    defend: bool = True,
    results: str | Path | None = None,
    show: bool = True,
    offline: bool = False,
) -> Done:
    """Run a recipe."""
    bench = Bench(recipe, Path(folder), offline)
    for seed in range(recipe.seeds):  # a budget that cannot be is an error before anything is computed
        for fakes in recipe.budgets:
            bench.budget(fakes, seed)
    cells = bench.undefended()

    def keep(rows: list[dict[str, Any]]) -> None:
        if results is not None:
            append_results(results, rows, MORE)

    with progress(len(cells), f"attacking {recipe.dataset.name}", show) as bar:
        _compute(bench, cells, bar, keep)
    attacked = summarise(bench, cells)
    keep(effect_rows(bench, attacked))
    done = Done(bench, attacked)
    if detect:
        done.detected = _detect(bench, keep, show)
    if defend and recipe.defences:
        chosen = strongest(attacked, recipe.strongest, recipe.defended or tuple(recipe.victims))
        more = bench.defended(chosen)
        with progress(len(more), f"defending {recipe.dataset.name}", show) as bar:
            _compute(bench, more, bar, keep)
        done.defended = summarise(bench, more)
        keep(effect_rows(bench, done.defended))
    return done


def _compute(bench: Bench, cells: Sequence[Cell], bar: Progress, keep: Callable[[list[dict[str, Any]]], None]) -> None:
    for cell in cells:
        done = bench.measured(cell)
        keep(cell_rows(bench, [cell]))
        bar.advance(f"{cell.victim} · {cell.attack} · {cell.defence} · seed {cell.seed} · {_shown(done)}")


def _shown(done: Measured) -> str:
    if done.shown is None:
        return f"NDCG@10 {done.useful.value('ndcg@10'):.4f}"
    return f"targets' HR@10 {exposure_by_user(done.shown.ranks, 'hr@10')['value'].to_numpy().mean():.4f}"


def _detect(bench: Bench, keep: Callable[[list[dict[str, Any]]], None], show: bool) -> list[Detected]:
    recipe = bench.recipe
    victim = next(iter(recipe.victims))
    kinds = [
        (name, fakes)
        for fakes in recipe.budgets
        for name, row in recipe.attacks.items()
        if row.kind != NULL and not bench.pollutes(name)
    ]
    found: list[Detected] = []
    with progress(len(kinds) * recipe.seeds, "detecting", show) as bar:
        for attack, fakes in kinds:
            by_seed = []
            for seed in range(recipe.seeds):
                by_seed.append(_look(bench, Cell(victim, attack, "none", fakes, seed)))
                bar.advance(f"{attack} · {fakes:g}")
                for detector, values in by_seed[-1].items():
                    named = values if not detector else {f"detection_{name}": value for name, value in values.items()}
                    keep(figure_rows(bench, named, attack=attack, fakes=fakes, seed=seed, defence=detector))
            for detector in by_seed[0]:
                names = dict.fromkeys(name for one in by_seed for name in one[detector])
                every = {name: tuple(one[detector].get(name, float("nan")) for one in by_seed) for name in names}
                found.append(Detected(detector, attack, fakes, every))
    return found


def _look(bench: Bench, cell: Cell) -> dict[str, dict[str, float]]:
    """Return the figures of all detectors on one poisoned data set, and under "" those of stealth."""
    inputs, profiles = bench.detector_input(cell)
    arena, recipe = bench.arena, bench.recipe
    path = bench.folder / "detection" / f"{key_of(_facts(bench, cell, digest(profiles)))}.json"
    if path.exists():
        return {name: {k: _number(v) for k, v in values.items()} for name, values in read_json(path).items()}
    fake = np.arange(inputs.ratings.n_users) >= arena.ratings.n_users
    found = {"": stealth(arena.ratings, profiles, cell.seed)}
    labels = draw_labels(fake, recipe.labelled, cell.seed)
    for name, row in recipe.detectors.items():
        detector = DETECTORS.build(row.kind)(checked(DETECTORS.config(row.kind), row.set, f"detectors.{name}"))
        told = DetectorInput(inputs.ratings, inputs.sequences, labels if detector.supervised else None)
        suspicion = detector.suspicion(told, cell.seed)
        measured = (inputs.ratings.lengths > 0) & (labels < 0)  # all detectors on the same users
        found[name] = detection_metrics(suspicion, fake, measured=measured).values()
    write_json(path, {name: {k: (None if v != v else v) for k, v in values.items()} for name, values in found.items()})
    return found


def _facts(bench: Bench, cell: Cell, profiles: str) -> dict[str, Any]:
    recipe = bench.recipe
    return {
        "sha256": bench.arena.split.sha256, "protocol": bench.arena.split.protocol, "profiles": profiles, "seed": cell.seed,
        "labelled": recipe.labelled, "detectors": {k: v.model_dump(mode="json") for k, v in recipe.detectors.items()},
    }  # fmt: skip


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
