"""Rows of the results table of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from reverie.robustness.bench import NONE, Cell
from reverie.robustness.effects import RESAMPLES, Effect, level
from reverie.robustness.exposure import exposure_by_user
from reverie.robustness.summary import SHOWN, USEFUL, CellEffects, per_user
from reverie.robustness.words import attack_sentences
from reverie.training.environment import commit

if TYPE_CHECKING:
    from reverie.data.split import Split
    from reverie.robustness.bench import Bench
    from reverie.robustness.run import Done
    from reverie.robustness.trained import TrainedAttack, TrainedConfig

MORE = ("victim", "attack", "defence", "budget")
"""Columns after the fixed ones."""


def cell_rows(bench: Bench, cells: Sequence[Cell]) -> list[dict[str, Any]]:
    """Return one row per cell and figure, for each seed alone."""
    rows = []
    for cell in cells:
        done = bench.measured(cell)
        figures = {name: level([per_user(done.useful, name)]) for name in USEFUL}
        if done.shown is not None:
            figures |= {f"target_{name}": level([exposure_by_user(done.shown.ranks, name)]) for name in SHOWN}
        common = _common(bench, cell.victim, cell.attack, cell.defence, cell.fakes) | {
            "seed": cell.seed, "best_epoch": done.facts["best_epoch"], "seconds": done.facts["seconds"],
            "peak_mb": done.facts["peak_mb"], "commit": done.facts["commit"],
        }  # fmt: skip
        rows += [common | _values(name, effect) for name, effect in figures.items()]
    return rows


def effect_rows(bench: Bench, effects: Sequence[CellEffects]) -> list[dict[str, Any]]:
    """Return one row per cell and effect, over all seeds: what is left when the null attack is subtracted."""
    rows = []
    for one in effects:
        figures = {f"lift_{name}": effect for name, effect in one.lift.items()}
        figures |= {f"change_{name}": effect for name, effect in one.change.items()}
        common = _common(bench, one.victim, one.attack, one.defence, one.fakes) | {
            "seed": seeds_word(bench.recipe.seeds), "seconds": one.seconds, "commit": commit(),
        }  # fmt: skip
        rows += [common | _values(name, effect) for name, effect in figures.items()]
        rows += [common | {"slice": f"target:{group}"} | _values("lift_hr@10", effect) for group, effect in one.strata.items()]
    return rows


def figure_rows(
    bench: Bench, figures: Mapping[str, float], *, attack: str, fakes: float, seed: int, defence: str, victim: str = ""
) -> list[dict[str, Any]]:
    """Return rows of figures without an interval: of detection, and of how far fake profiles are from real ones."""
    common = _common(bench, victim, attack, defence, fakes) | {"seed": seed, "commit": commit()}
    return [common | {"metric": name, "value": value} for name, value in figures.items()]


def polluted_rows(done: TrainedAttack, config: TrainedConfig, split: Split, run: str, model: str) -> list[dict[str, Any]]:
    """Return one row per figure of an attack on a trained model."""
    common = {
        "recipe": run, "dataset": split.dataset, "dataset_sha256": split.sha256, "slice": "all", "seen": "keep", "fit_on": "train",
        "protocol": f"{split.protocol}, {config.candidates} candidates", "model": model, "seed": config.seed, "trials": 1,
        "victim": model, "defence": NONE, "budget": config.events, "commit": commit(),
    }  # fmt: skip
    rows = []
    for row in done.rows:
        figures = {"target_hr@10": row.hit, "target_rank": row.place, "lift_hr@10": row.lift, "change_rank": row.moved}
        rows += [common | {"attack": f"history-{row.attack}"} | _values(name, effect) for name, effect in figures.items()]
    return rows


def seeds_word(n: int) -> str:
    """Return what stands in the column of the seed where several are pooled."""
    return "0" if n == 1 else f"0-{n - 1}"


def _common(bench: Bench, victim: str, attack: str, defence: str, fakes: float) -> dict[str, Any]:
    split, recipe = bench.arena.split, bench.recipe
    return {
        "recipe": recipe.name,
        "dataset": split.dataset,
        "dataset_sha256": split.sha256,
        "protocol": split.protocol,
        "slice": "all",
        "seen": split.test.seen,
        "fit_on": "train",
        "model": recipe.victims[victim].model if victim else "",
        "trials": 1,
        "victim": victim,
        "attack": attack,
        "defence": defence or NONE,
        "budget": fakes,
    }


def _values(metric: str, effect: Effect) -> dict[str, Any]:
    how = f"cluster_bootstrap({RESAMPLES})" if effect.seeds == 1 else f"seeds_x_clusters({effect.seeds},{RESAMPLES})"
    return {"metric": metric, "value": effect.value, "low": effect.low, "high": effect.high, "interval": how, "n": effect.n}


def benchmark_json(done: Done) -> dict[str, Any]:
    """Return a finished benchmark as plain values."""
    return {
        "recipe": done.bench.recipe.name,
        "dataset": done.bench.arena.split.dataset,
        "summary": attack_sentences(done),
        "attacked": [asdict(one) for one in done.attacked],
        "defended": [asdict(one) for one in done.defended],
        "detected": [asdict(one) for one in done.detected],
    }
