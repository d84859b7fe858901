"""The benchmark as tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.evaluation.effects import SIGNIFICANT
from reverie.report.table import Column, Table
from reverie.robustness.words import fakes_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reverie.robustness.summary import CellEffects, Done


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
