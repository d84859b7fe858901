"""Rows of the results table of the benchmark."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reverie.evaluation import Effect
from reverie.evaluation.intervals import mean_over_seeds
from reverie.robustness.benchmark import NONE, Benchmark, Cell
from reverie.robustness.fits import Measured, exposure_by_user
from reverie.robustness.summary import SHOWN, USEFUL, CellEffects, CellOverSeeds, Done, attack_sentences, per_user
from reverie.study.environment import commit
from reverie.study.rows import common_columns

MORE = ("victim", "attack", "defence", "budget")
"""Columns after the fixed ones."""
Figures = dict[str, dict[str, float]]
"""Figures by detector; under "" how far the fakes are from real users."""
HASH_DIGITS = 12
"""Digits of the dataset's hash in the long tables."""


def cell_rows(bench: Benchmark, cell: Cell, measured: Measured) -> list[dict[str, Any]]:
    """Return one row per figure of a fit."""
    figures = {name: mean_over_seeds([per_user(measured.useful, name)]) for name in USEFUL}
    if measured.shown is not None:
        figures |= {f"target_{name}": mean_over_seeds([exposure_by_user(measured.shown.ranks, name)]) for name in SHOWN}
    cost = {name: measured.facts[name] for name in ("best_epoch", "seconds", "peak_mb", "commit")}
    common = _common(bench, cell.victim, cell.attack, cell.defence, cell.fakes) | cost | {"seed": cell.seed}
    return [common | effect_columns(name, effect) for name, effect in figures.items()]


def effect_rows(bench: Benchmark, one: CellEffects) -> list[dict[str, Any]]:
    """Return one row per effect over all seeds: what is left when the null attack is subtracted."""
    figures = {f"lift_{name}": effect for name, effect in one.lift.items()}
    figures |= {f"change_{name}": effect for name, effect in one.change.items()}
    last = bench.recipe.seeds - 1
    cost = {"seed": f"0-{last}" if last else "0", "seconds": one.seconds, "commit": commit()}
    common = _common(bench, one.victim, one.attack, one.defence, one.fakes) | cost
    strata = [{"slice": f"target:{group}"} | effect_columns("lift_hr@10", effect) for group, effect in one.strata.items()]
    return [common | row for row in (*(effect_columns(name, effect) for name, effect in figures.items()), *strata)]


def effects_from_rows(cell: CellOverSeeds, rows: Sequence[Mapping[str, str]]) -> CellEffects:
    """Return the effects of a cell from its rows; p-values and levels before and after are not in them."""
    parts: dict[str, dict[str, Effect]] = {"lift": {}, "change": {}, "target": {}}
    for row in rows:
        part, _, name = row["metric"].partition("_")
        group = row["slice"].partition(":")[2]
        seeds = re.match(r"(?:seeds|targets)_x_clusters\((\d+),", row["interval"])
        low, high = (float(row[end]) if row[end] else None for end in ("low", "high"))
        effect = Effect(float(row["value"]), low, high, None, int(row["n"]), int(seeds[1]) if seeds else 1, row["interval"])
        parts["target" if group else part][group or name] = effect
    lift, change, strata = parts.values()  # the table shows changes alone, and no levels
    named = cell.victim, cell.attack, cell.defence, cell.fakes
    return CellEffects(*named, {}, {}, lift, change, change, strata, float(rows[0]["seconds"]))


def detection_rows(bench: Benchmark, figures: Figures, *, attack: str, fakes: float, seed: int) -> list[dict[str, Any]]:
    """Return rows without an interval: figures of each detector, and under "" how far fake profiles are from real ones."""
    rows = []
    for detector, values in figures.items():
        common = _common(bench, "", attack, detector, fakes) | {"seed": seed, "commit": commit()}
        prefix = "detection_" if detector else ""
        rows += [common | {"metric": f"{prefix}{name}", "value": value} for name, value in values.items()]
    return rows


def detection_from_rows(rows: Sequence[Mapping[str, str]]) -> Figures:
    """Return the figures of each detector from its rows."""
    figures: Figures = {}
    for row in rows:
        detector = "" if row["defence"] == NONE else row["defence"]
        figures.setdefault(detector, {})[row["metric"].removeprefix("detection_")] = float(row["value"] or "nan")
    return figures


def _common(bench: Benchmark, victim: str, attack: str, defence: str, fakes: float) -> dict[str, Any]:
    split, recipe = bench.arena.split, bench.recipe
    named = {"victim": victim, "attack": attack, "defence": defence or NONE, "budget": fakes}
    named |= {"model": recipe.victims[victim].model if victim else "", "dataset_sha256": split.sha256[:HASH_DIGITS]}
    return common_columns(recipe.name, split, seen=split.test.seen, **named)


def effect_columns(metric: str, effect: Effect) -> dict[str, Any]:
    """Return the columns of an effect."""
    return {"metric": metric} | {key: getattr(effect, key) for key in ("value", "low", "high", "interval", "n")}


def benchmark_json(done: Done) -> dict[str, Any]:
    """Return a finished benchmark as plain values."""
    return {
        "recipe": done.bench.recipe.name,
        "dataset": done.bench.arena.split.dataset,
        "summary": attack_sentences(done),
        "attacked": [asdict(one) | {"p_holm": one.p_holm} for one in done.attacked],
        "defended": [asdict(one) | {"p_holm": one.p_holm} for one in done.defended],
        "detected": [asdict(one) for one in done.detected],
    }
