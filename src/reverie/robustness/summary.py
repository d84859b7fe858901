"""Effects of attacks and defences over seeds and users, in sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace

import numpy as np
import polars as pl

from reverie.evaluation import Effect, Evaluation
from reverie.evaluation.effects import SIGNIFICANT, holm_corrected
from reverie.evaluation.intervals import difference_over_seeds, mean_over_seeds
from reverie.evaluation.metrics import parse
from reverie.evaluation.result import measure
from reverie.report.table import Column, Table
from reverie.report.words import number, percent
from reverie.robustness.attacks.attack import popularity_groups
from reverie.robustness.benchmark import NONE, NULL, Benchmark, Cell
from reverie.robustness.fits import Measured, exposure_by_user

SHOWN = ("hr@10", "hr@20", "hr@50", "ndcg@10", "share@10", "rank")
"""Figures of targets."""
USEFUL = ("ndcg@10", "recall@10")
"""Figures of recommendation as such."""
MAIN = "hr@10"


@dataclass(frozen=True)
class CellOverSeeds:
    """One attack on one victim with one defence at one budget, over all seeds."""

    victim: str
    attack: str
    defence: str
    fakes: float


@dataclass(frozen=True)
class CellEffects(CellOverSeeds):
    """What came of one attack on one victim with one defence at one budget, over all seeds."""

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


def cell_effects(bench: Benchmark, cell: CellOverSeeds) -> CellEffects:
    """Pool the fits of one attack, defence and budget over seeds, and subtract the null attack."""
    victim, attack, defence, fakes = astuple(cell)
    seeds = range(bench.recipe.seeds)
    after = [bench.measured(Cell(victim, attack, defence, fakes, seed)) for seed in seeds]
    null = [bench.measured(Cell(victim, NULL, NONE, 0, seed)) for seed in seeds]
    targeted = all(one.shown is not None for one in (*after, *null))
    shown = {name: (shown_by_target(after, name), shown_by_target(null, name)) for name in SHOWN} if targeted else {}
    useful = {name: ([per_user(m.useful, name) for m in after], [per_user(m.useful, name) for m in null]) for name in USEFUL}
    crafted = [bench.profiles(attack, victim, fakes, seed)[1] for seed in seeds if attack != NULL]
    return CellEffects(
        *(victim, attack, defence, fakes),
        after={name: mean_over_seeds(pair[0], unit=_unit(name)) for name, pair in shown.items()},
        before={name: mean_over_seeds(pair[1], unit=_unit(name)) for name, pair in shown.items()},
        lift={name: difference_over_seeds(*pair, unit=_unit(name)) for name, pair in shown.items()},
        useful={name: mean_over_seeds(pair[0]) for name, pair in useful.items()},
        change={name: difference_over_seeds(*pair) for name, pair in useful.items()},
        strata=_by_stratum(bench, after, null) if targeted else {},
        seconds=float(np.mean([one.facts["seconds"] for one in after])),
        crafting=float(np.mean(crafted or [0.0])),
    )


def shown_by_target(measured: Sequence[Measured], name: str, among: Sequence[int] | None = None) -> list[pl.DataFrame]:
    """Return one frame per seed and target, so that intervals cover the choice of targets; per seed where targets share a list."""
    ranks = [one.shown.ranks for one in measured if one.shown is not None]
    if among is not None:
        ranks = [frame.filter(pl.col("target").is_in(among)) for frame in ranks]
    if _unit(name) == "targets":
        ranks = [frame for whole in ranks for frame in whole.sort("target").partition_by("target", maintain_order=True)]
    return [exposure_by_user(frame, name) for frame in ranks]


def _unit(name: str) -> str:
    """Return what is resampled beside users: the share of a list belongs to all targets of a seed together."""
    return "seeds" if name.startswith("share") else "targets"


def _by_stratum(bench: Benchmark, after: Sequence[Measured], null: Sequence[Measured]) -> dict[str, Effect]:
    found = {}
    for group, members in popularity_groups(bench.arena).items():
        sides = [shown_by_target(side, MAIN, members.tolist()) for side in (after, null)]
        if all(sides):
            found[group] = difference_over_seeds(sides[0], sides[1], unit="targets")
    return found


def fakes_word(fakes: float) -> str:
    """Return a budget in words."""
    return f"{100 * fakes:g} % fake users" if fakes < 1 else f"{fakes:g} fake users"


def attack_sentences(done: Done) -> list[str]:
    """Return one sentence per budget on the attack that moves the targets most, and what stops it."""
    said = []
    for fakes in done.bench.recipe.budgets:
        tried = [one for one in done.attacked if one.fakes == fakes and one.lift]
        if not tried:
            said += _damage(done, fakes)
            continue
        worst = max(tried, key=lambda one: abs(one.lift["hr@10"].value))
        lift, before, after = (side["hr@10"] for side in (worst.lift, worst.before, worst.after))
        sure = "" if worst.shown else "; after correction for all cells this is not shown to differ from fitting again"
        said.append(
            f"With {fakes_word(fakes)}, {worst.attack} brings a target into {percent(after.value)} of {worst.victim}'s top-10 "
            f"lists ({percent(before.value)} before; {_signed(lift.value)} points, "
            f"{' to '.join(map(_signed, lift.ends))}){sure}."
        )
        said += _stopped(worst, done.defended)
    return said


def _stopped(worst: CellEffects, defended: Sequence[CellEffects]) -> list[str]:
    tried = [d for d in defended if (d.victim, d.attack, d.fakes) == (worst.victim, worst.attack, worst.fakes)]
    prices = {d.defence: d for d in defended if d.victim == worst.victim and d.fakes == 0}
    real = [d for d in tried if d.defence not in ("oracle", "random-removal")]
    if not real:
        return []
    best = min(real, key=lambda one: abs(one.lift["hr@10"].value))
    left = best.lift["hr@10"].value / worst.lift["hr@10"].value if worst.lift["hr@10"].value else 1.0
    price = prices.get(best.defence)
    cost = ""
    if price is not None and (before := price.useful["ndcg@10"].value - price.change["ndcg@10"].value) > 0:
        share = price.change["ndcg@10"].value / before
        cost = f", and changes NDCG@10 on clean data by {100 * share:+.1f} %"
    return [f"{best.defence} leaves {percent(max(left, 0.0))} of that lift{cost}."]


def _damage(done: Done, fakes: float) -> list[str]:
    tried = [one for one in done.attacked if one.fakes == fakes and one.change]
    if not tried:
        return []
    worst = min(tried, key=lambda one: one.change["ndcg@10"].value)
    change = worst.change["ndcg@10"]
    return [
        f"With {fakes_word(fakes)}, {worst.attack} changes {worst.victim}'s NDCG@10 by {number(change.value)} "
        f"({number(change.low)} to {number(change.high)})."
    ]


def _signed(value: float) -> str:
    return f"{100 * value:+.2f}"


def benchmark_tables(done: Done) -> list[Table]:
    """Return effects of attacks and defences, and AUC of detection, by budget."""
    found = [
        _effects([one for one in done.attacked if one.fakes == fakes], "attack", fakes_word(fakes))
        for fakes in dict.fromkeys(one.fakes for one in done.attacked if one.fakes)
    ]
    for fakes in dict.fromkeys(one.fakes for one in done.defended):
        title = "defences on clean data" if not fakes else f"defences, {fakes_word(fakes)}"
        found.append(_effects([one for one in done.defended if one.fakes == fakes], "defence", title))
    detectors = list(dict.fromkeys(one.detector for one in done.detected if one.detector))
    for fakes in dict.fromkeys(one.fakes for one in done.detected) if detectors else ():
        by = {(one.detector, one.attack): one for one in done.detected if one.fakes == fakes}
        attacks = list(dict.fromkeys(attack for _, attack in by))
        rows = [[name, *(number(by[name, attack].mean("auc"), 3) for attack in attacks)] for name in detectors]
        columns = [Column("detector"), *(Column(attack, "right") for attack in attacks)]
        found.append(Table(f"AUC of detection, {fakes_word(fakes)}", columns, rows))
    return found


def _effects(effects: Sequence[CellEffects], key: str, title: str) -> Table:
    victims = list(dict.fromkeys(one.victim for one in effects))
    targeted = any(one.lift for one in effects)
    what = "targets' HR@10, in percent (lift over the null attack); NDCG@10 change" if targeted else "change of NDCG@10"
    by = {(one.attack, one.defence, one.victim): one for one in effects}
    rows = []
    for attack, defence in dict.fromkeys((one.attack, one.defence) for one in effects):
        name = attack if key == "attack" else (defence if attack == "null" else f"{defence} · {attack}")
        rows.append([name, *(_cell(by.get((attack, defence, victim))) for victim in victims)])
    starred = f"* lift shown at p < {SIGNIFICANT} (normal test) after Holm over all cells without a defence"
    columns = [Column(key), *(Column(victim, "right") for victim in victims)]
    return Table(f"{title}: {what}", columns, rows, [starred] if key == "attack" and targeted else [])


def _cell(one: CellEffects | None) -> str:
    if one is None:
        return ""
    change = f"{one.change['ndcg@10'].value:+.4f}"
    if not one.lift:
        return change
    star = "*" if one.shown else " "
    return f"{100 * one.after['hr@10'].value:.2f} ({100 * one.lift['hr@10'].value:+.2f}){star} {change}"
