"""Effects of attacks and defences over seeds and users, ready for tables and pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from reverie.evaluation.effects import SIGNIFICANT, holm_corrected
from reverie.evaluation.intervals import difference_over_seeds, mean_over_seeds
from reverie.evaluation.metrics import parse
from reverie.evaluation.result import measure
from reverie.robustness.benchmark import NONE, NULL, Cell
from reverie.robustness.exposure import exposure_by_user
from reverie.robustness.view import popularity_groups

if TYPE_CHECKING:
    from reverie.evaluation import Effect, Evaluation
    from reverie.robustness.benchmark import Benchmark
    from reverie.robustness.fits import Measured

SHOWN = ("hr@10", "hr@20", "hr@50", "ndcg@10", "share@10", "rank")
"""Figures of targets."""
USEFUL = ("ndcg@10", "recall@10")
"""Figures of recommendation as such."""
MAIN = "hr@10"


@dataclass(frozen=True)
class EffectCell:
    """One attack on one victim with one defence at one budget, over all seeds."""

    victim: str
    attack: str
    defence: str
    fakes: float


@dataclass(frozen=True)
class CellEffects:
    """One attack on one victim with one defence at one budget, over all seeds."""

    victim: str
    attack: str
    defence: str
    fakes: float
    after: dict[str, Effect]
    before: dict[str, Effect]
    lift: dict[str, Effect]
    useful: dict[str, Effect]
    change: dict[str, Effect]
    strata: dict[str, Effect] = field(default_factory=dict)
    seconds: float = 0.0
    crafting: float = 0.0

    @property
    def shown(self) -> bool:
        """Whether the lift of the targets' HR@10 is shown after correction for all cells of its kind."""
        return self.p_holm < SIGNIFICANT

    @property
    def p_holm(self) -> float:
        """The corrected p-value of that lift; 1 where it is not tested."""
        corrected = self.lift[MAIN].p_holm if self.lift else None
        return 1.0 if corrected is None else corrected


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


@dataclass(frozen=True)
class Done:
    """A finished benchmark."""

    bench: Benchmark
    attacked: list[CellEffects]
    defended: list[CellEffects] = field(default_factory=list)
    detected: list[Detected] = field(default_factory=list)


def per_user(evaluation: Evaluation, metric: str) -> pl.DataFrame:
    """Return a metric of the test for each user."""
    found = measure(evaluation, parse(metric))
    frame = pl.DataFrame({"user": found.clusters, "value": found.numerator / np.maximum(found.denominator, 1e-12)})
    return frame.group_by("user").agg(pl.col("value").mean()).sort("user")


def with_corrected_p(effects: Sequence[CellEffects]) -> list[CellEffects]:
    """Return effects with p-values corrected (Holm 1979) over all that have a target, the null attack left out."""
    corrected = list(effects)
    places = [i for i, one in enumerate(corrected) if one.attack != NULL and one.lift]
    for place, lift in holm_corrected({i: corrected[i].lift[MAIN] for i in places}).items():
        corrected[place] = replace(corrected[place], lift=corrected[place].lift | {MAIN: lift})
    return corrected


def strongest(effects: Sequence[CellEffects], n: int, victims: Sequence[str]) -> dict[float, list[str]]:
    """Return the attacks that lift their targets most, by budget."""
    scores: dict[float, dict[str, list[float]]] = {}
    for one in effects:
        if one.attack != NULL and one.defence == NONE and one.victim in victims:
            value = abs(one.lift[MAIN].value) if one.lift else -one.change["ndcg@10"].value
            scores.setdefault(one.fakes, {}).setdefault(one.attack, []).append(value)
    return {fakes: sorted(by, key=lambda name: -float(np.mean(by[name])))[:n] for fakes, by in scores.items()}


def cell_effects(bench: Benchmark, cell: EffectCell) -> CellEffects:
    """Pool the fits of one attack, defence and budget over seeds, and subtract the null attack."""
    victim, attack, defence, fakes = cell.victim, cell.attack, cell.defence, cell.fakes
    seeds = range(bench.recipe.seeds)
    after = [bench.measured(Cell(victim, attack, defence, fakes, seed)) for seed in seeds]
    null = [bench.measured(Cell(victim, NULL, NONE, 0, seed)) for seed in seeds]
    targeted = all(one.shown is not None for one in (*after, *null))
    shown = {name: (_shown(after, name), _shown(null, name)) for name in SHOWN} if targeted else {}
    useful = {name: ([per_user(m.useful, name) for m in after], [per_user(m.useful, name) for m in null]) for name in USEFUL}
    crafted = 0.0
    if attack != NULL:
        crafted = float(np.mean([bench.profiles(attack, victim, fakes, seed)[1] for seed in seeds]))
    return CellEffects(
        victim=victim,
        attack=attack,
        defence=defence,
        fakes=fakes,
        after={name: mean_over_seeds(pair[0]) for name, pair in shown.items()},
        before={name: mean_over_seeds(pair[1]) for name, pair in shown.items()},
        lift={name: difference_over_seeds(*pair) for name, pair in shown.items()},
        useful={name: mean_over_seeds(pair[0]) for name, pair in useful.items()},
        change={name: difference_over_seeds(*pair) for name, pair in useful.items()},
        strata=_by_stratum(bench, after, null) if targeted else {},
        seconds=float(np.mean([one.facts["seconds"] for one in after])),
        crafting=crafted,
    )


def _shown(measured: Sequence[Measured], name: str) -> list[pl.DataFrame]:
    return [exposure_by_user(one.shown.ranks, name) for one in measured if one.shown is not None]


def _by_stratum(bench: Benchmark, after: Sequence[Measured], null: Sequence[Measured]) -> dict[str, Effect]:
    found = {}
    for group, members in popularity_groups(bench.arena).items():
        sides = [_shown([replace(one, shown=_about(one.shown, members.tolist())) for one in side], MAIN) for side in (after, null)]
        if all(frame.height for side in sides for frame in side):
            found[group] = difference_over_seeds(sides[0], sides[1])
    return found


def _about(shown: Evaluation | None, targets: list[int]) -> Evaluation | None:
    return None if shown is None else replace(shown, ranks=shown.ranks.filter(pl.col("target").is_in(targets)))
