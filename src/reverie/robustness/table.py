"""The benchmark as tables on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reverie.evaluation.effects import SIGNIFICANT
from reverie.robustness.words import attack_sentences, fakes_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from reverie.robustness.summary import CellEffects, Done


def print_benchmark(done: Done, console: Console) -> None:
    """Print effects of attacks, detection and defences."""
    from rich.table import Table

    recipe, split = done.bench.recipe, done.bench.arena.split
    console.print(
        f"[bold]{recipe.name}[/] · {split.dataset} · {split.protocol} · goal {recipe.goal.kind} · {recipe.seeds} seeds",
        highlight=False,
    )
    for fakes in dict.fromkeys(one.fakes for one in done.attacked if one.fakes):
        _cells(done, [one for one in done.attacked if one.fakes == fakes], "attack", fakes_word(fakes), console)
    for fakes in dict.fromkeys(one.fakes for one in done.defended):
        title = "defences on clean data" if not fakes else f"defences, {fakes_word(fakes)}"
        _cells(done, [one for one in done.defended if one.fakes == fakes], "defence", title, console)
    detectors = dict.fromkeys(one.detector for one in done.detected if one.detector)
    for fakes in dict.fromkeys(one.fakes for one in done.detected) if detectors else ():
        table = Table("detector", title=f"AUC of detection, {fakes_word(fakes)}", title_justify="left", box=None, pad_edge=False)
        found = [one for one in done.detected if one.fakes == fakes]
        attacks = list(dict.fromkeys(one.attack for one in found))
        for attack in attacks:
            table.add_column(attack, justify="right")
        for detector in detectors:
            by = {one.attack: one for one in found if one.detector == detector}
            table.add_row(detector, *[f"{by[attack].mean('auc'):.3f}" for attack in attacks])
        console.print(table)
    for sentence in attack_sentences(done):
        console.print(sentence, markup=False)


def _cells(done: Done, effects: Sequence[CellEffects], key: str, title: str, console: Console) -> None:
    from rich.table import Table

    victims = list(dict.fromkeys(one.victim for one in effects))
    targeted = any(one.lift for one in effects)
    what = "targets' HR@10, in percent (lift over the null attack); NDCG@10 change" if targeted else "change of NDCG@10"
    table = Table(key, title=f"{title}: {what}", title_justify="left", box=None, pad_edge=False)
    for victim in victims:
        table.add_column(victim, justify="right")
    rows = dict.fromkeys((one.attack, one.defence) for one in effects)
    for attack, defence in rows:
        by = {one.victim: one for one in effects if (one.attack, one.defence) == (attack, defence)}
        name = attack if key == "attack" else (defence if attack == "null" else f"{defence} · {attack}")
        table.add_row(name, *[_cell(by.get(victim)) for victim in victims])
    console.print(table)
    if key == "attack" and targeted:
        console.print(
            f"* lift shown at p < {SIGNIFICANT} (normal test) after Holm over all cells without a defence", highlight=False
        )


def _cell(one: CellEffects | None) -> str:
    if one is None:
        return ""
    change = f"{one.change['ndcg@10'].value:+.4f}"
    if not one.lift:
        return change
    star = "*" if one.shown else " "
    return f"{100 * one.after['hr@10'].value:.2f} ({100 * one.lift['hr@10'].value:+.2f}){star} {change}"
