"""The benchmark as one HTML file: heat maps, budget curves, detection, example fake profiles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.evaluation.effects import SIGNIFICANT
from reverie.files import write_text
from reverie.report import words
from reverie.report.palette import look
from reverie.report.rendering import rendered
from reverie.report.svg import inline_svg
from reverie.robustness.benchmark import NONE
from reverie.robustness.transfer import surrogate_of
from reverie.robustness.words import attack_sentences, fakes_word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup
    from matplotlib.axes import Axes

    from reverie.robustness.summary import CellEffects, Done

EXAMPLES, EVENTS = 3, 12
"""Fake profiles shown of each attack, and events shown of each."""


@dataclass(frozen=True)
class Heat:
    """One cell of a heat map."""

    value: str
    note: str
    strength: float
    words: str
    shown: bool = True


@dataclass(frozen=True)
class HeatMap:
    """A table of coloured cells."""

    title: str
    corner: str
    columns: list[str]
    rows: list[tuple[str, list[Heat | None]]]


def write_page(done: Done, path: str | Path, command: str = "") -> Path:
    """Write the page."""
    style = (resources.files("reverie.robustness") / "page.css").read_text(encoding="utf-8")
    recipe, split = done.bench.recipe, done.bench.arena.split
    text = rendered(
        "reverie.robustness",
        "page.html",
        style,
        recipe=recipe,
        split=split,
        dataset=done.bench.dataset,
        sentences=attack_sentences(done),
        tiles=_tiles(done),
        attacks=_attack_maps(done),
        transfer=_transfer_map(done),
        defences=_defence_maps(done),
        detection=_detection_maps(done),
        curves=_curves(done),
        stealth=_stealth(done),
        costs=_costs(done),
        examples=_examples(done),
        command=command,
        shown_below=SIGNIFICANT,
    )
    write_text(path, text)
    return Path(path)


def _tiles(done: Done) -> list[tuple[str, str]]:
    bench = done.bench
    ratings, budgets = bench.arena.ratings, bench.recipe.budgets
    fakes = ", ".join(str(bench.budget(one, 0).users) for one in budgets)
    return [
        (f"{int((ratings.lengths > 0).sum()):,}", "real users"),
        (f"{ratings.n_items:,}", "items"),
        (fakes, f"fake users of {bench.budget(budgets[0], 0).size} ratings each"),
        (str(len(done.attacked) + len(done.defended)), f"cells, {bench.recipe.seeds} seeds each"),
    ]


def _named(one: CellEffects) -> str:
    return f"{one.attack} on {one.victim}" + ("" if one.defence == NONE else f" with {one.defence}")


def _heat(one: CellEffects, most: float, targeted: bool) -> Heat:
    change = one.change["ndcg@10"]
    if not targeted:
        text = f"{_named(one)}: NDCG@10 changes by {change.value:+.4f}"
        return Heat(f"{change.value:+.4f}", f"{change.ends[0]:+.4f} to {change.ends[1]:+.4f}", -change.value / most, text)
    lift, after, before = one.lift["hr@10"], one.after["hr@10"], one.before["hr@10"]
    text = (
        f"{_named(one)}: targets are in {words.percent(after.value)} of top-10 lists, {words.percent(before.value)} before; "
        f"{'shown' if one.shown else 'not shown'}; NDCG@10 changes by {change.value:+.4f}"
    )
    low, high = lift.ends
    note = f"{100 * low:+.2f} to {100 * high:+.2f}\nNDCG {change.value:+.4f}"
    return Heat(f"{100 * lift.value:+.2f}", note, lift.value / most, text, one.shown)


def _map(effects: Sequence[CellEffects], title: str, corner: str) -> HeatMap:
    victims = list(dict.fromkeys(one.victim for one in effects))
    targeted = all(one.lift for one in effects)
    sizes = [abs(one.lift["hr@10"].value if targeted else one.change["ndcg@10"].value) for one in effects]
    most = max([*sizes, 1e-9])
    rows: dict[str, dict[str, Heat]] = {}
    for one in effects:
        name = one.attack if one.defence == NONE else one.defence
        rows.setdefault(name, {})[one.victim] = _heat(one, most, targeted)
    return HeatMap(title, corner, victims, [(name, [by.get(v) for v in victims]) for name, by in rows.items()])


def _attack_maps(done: Done) -> list[HeatMap]:
    budgets = dict.fromkeys(one.fakes for one in done.attacked)
    return [
        _map([one for one in done.attacked if one.fakes == fakes], fakes_word(fakes) if fakes else "null attack", "attack")
        for fakes in sorted(budgets)
    ]


def _transfer_map(done: Done) -> HeatMap | None:
    """Attacks that were made on a model, at the largest budget, by that model."""
    recipe = done.bench.recipe
    most = max(recipe.budgets, key=lambda fakes: done.bench.budget(fakes, 0).users)
    found = [(surrogate_of(recipe, one.attack), one) for one in done.attacked if one.fakes == most]
    made = sorted(((name, one) for name, one in found if name is not None), key=lambda pair: pair[0])
    if len({one.victim for _, one in made}) < 2:
        return None
    by = {one.attack: name for name, one in made}
    shown = _map([one for _, one in made], fakes_word(most), "made on · attack")
    rows: list[tuple[str, list[Heat | None]]] = []
    for name, cells in shown.rows:
        own = [victim == by[name] for victim in shown.columns]
        marked = [replace(c, value=f"{c.value} ◂") if c and is_own else c for c, is_own in zip(cells, own, strict=True)]
        rows.append((f"{by[name]} · {name}", marked))
    return HeatMap(shown.title, shown.corner, shown.columns, rows)


def _defence_maps(done: Done) -> list[HeatMap]:
    found = []
    for attack, fakes in dict.fromkeys((one.attack, one.fakes) for one in done.defended):
        chosen = [one for one in done.defended if (one.attack, one.fakes) == (attack, fakes)]
        bare = [one for one in done.attacked if (one.attack, one.fakes) == (attack, fakes)]
        victims = {one.victim for one in chosen}
        title = "no attack: the price of a defence" if not fakes else f"{attack}, {fakes_word(fakes)}"
        none = HeatMap("", "", [], [])
        if fakes:
            none = _map([one for one in bare if one.victim in victims], "", "")
        made = _map([*[one for one in bare if one.victim in victims and fakes], *chosen], title, "defence")
        rows = [("none" if none.rows and name == attack else name, cells) for name, cells in made.rows]
        found.append(HeatMap(title, "defence", made.columns, rows))
    return found


def _detection_maps(done: Done) -> list[HeatMap]:
    maps = []
    for fakes in dict.fromkeys(one.fakes for one in done.detected if one.detector):
        found = [one for one in done.detected if one.fakes == fakes and one.detector]
        attacks = list(dict.fromkeys(one.attack for one in found))
        rows = []
        for detector in dict.fromkeys(one.detector for one in found):
            by = {one.attack: one for one in found if one.detector == detector}
            cells: list[Heat | None] = []
            for attack in attacks:
                auc, ap, kept = (by[attack].mean(name) for name in ("auc", "ap", "recall"))
                text = f"{detector} on {attack}: AUC {auc:.3f}, average precision {ap:.3f}, recall at the true share {kept:.3f}"
                cells.append(Heat(f"{auc:.3f}", f"AP {ap:.2f}\nrecall {kept:.2f}", -(2 * auc - 1) if auc == auc else 0.0, text))
            rows.append((detector, cells))
        maps.append(HeatMap(fakes_word(fakes), "detector", attacks, rows))
    return maps


def _curves(done: Done) -> list[tuple[str, Markup]]:
    budgets = [one for one in done.bench.recipe.budgets]
    found: list[tuple[str, Markup]] = []
    if len(budgets) < 2 or not all(one.lift for one in done.attacked):
        return found
    shares = [done.bench.budget(fakes, 0).users for fakes in budgets]
    for victim in done.bench.recipe.victims:
        attacks = list(dict.fromkeys(one.attack for one in done.attacked if one.fakes and one.victim == victim))
        by = {(one.attack, one.fakes): one for one in done.attacked if one.victim == victim}
        ranked = sorted(attacks, key=lambda name: -by[name, budgets[-1]].lift["hr@10"].value)[:6]

        def paint(axes: Axes, by: dict[Any, CellEffects] = by, ranked: list[str] = ranked) -> None:
            for place, name in enumerate(ranked):
                drawn = look(place)
                lifts = [by[name, fakes].lift["hr@10"] for fakes in budgets]
                axes.plot(
                    [0, *shares], [0.0, *[100 * one.value for one in lifts]], color=drawn.code, marker=drawn.marker, label=name
                )
                for x, one in zip(shares, lifts, strict=True):
                    axes.plot([x, x], [100 * end for end in one.ends], color=drawn.code, linewidth=1.2, alpha=0.5)
            axes.set(xlabel="fake users", ylabel="lift of HR@10, points")
            axes.legend(fontsize=8)

        found.append((victim, inline_svg(paint, f"budget-{victim}", f"Lift of the targets' HR@10 on {victim} by number of fakes")))
    return found


def _stealth(done: Done) -> list[tuple[str, str, list[float]]]:
    names = ("stealth_auc", "stealth_length", "stealth_popularity", "stealth_ratings")
    return [(one.attack, fakes_word(one.fakes), [one.mean(name) for name in names]) for one in done.detected if not one.detector]


def _costs(done: Done) -> list[tuple[str, str, float, float]]:
    return [
        (_named(one), fakes_word(one.fakes), one.crafting, one.seconds) for one in (*done.attacked, *done.defended) if one.fakes
    ]


def _examples(done: Done) -> list[tuple[str, list[list[tuple[str, str]]], int]]:
    bench, vocabulary = done.bench, done.bench.arena.split.vocabulary
    victim = next(iter(bench.recipe.victims))
    found = []
    for attack in dict.fromkeys(one.attack for one in done.attacked if one.fakes):
        profiles, _ = bench.profiles(attack, victim, bench.recipe.budgets[0], 0)
        if not len(profiles):
            continue
        targets = set(bench.goal(0).targets.tolist())
        shown = []
        for p in range(min(EXAMPLES, len(profiles))):
            part = slice(profiles.offsets[p], profiles.offsets[p + 1])
            events = sorted(
                zip(profiles.items[part].tolist(), profiles.ratings[part].tolist(), strict=True), key=lambda e: e[0] not in targets
            )
            shown.append(
                [(("→ " if item in targets else "") + vocabulary.title(item), f"{rating:g}") for item, rating in events[:EVENTS]]
            )
        found.append((attack, shown, int(profiles.lengths.max(initial=0))))
    return found
