"""The benchmark in sentences and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.evaluation.effects import SIGNIFICANT
from reverie.report.table import Column, Table
from reverie.report.words import number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.robustness.summary import CellEffects, Done


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
    if price is not None and price.useful["ndcg@10"].value - price.change["ndcg@10"].value > 0:
        share = price.change["ndcg@10"].value / (price.useful["ndcg@10"].value - price.change["ndcg@10"].value)
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
        rows = [[name, *(f"{by[name, attack].mean('auc'):.3f}" for attack in attacks)] for name in detectors]
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
