"""The benchmark as one HTML file: heat maps, budget curves, detection, example fake profiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.evaluation.effects import SIGNIFICANT
from reverie.plain_yaml import read_yaml
from reverie.report import words
from reverie.report.page import Block, Example, Facts, Figure, HeatCell, HeatMap, Item, ItemList, Prose, Section, Tiles
from reverie.report.page import write_page as write_sections
from reverie.report.plots import inline_svg, look
from reverie.report.table import Column, Table
from reverie.robustness.benchmark import NONE
from reverie.robustness.recipe import surrogate_of
from reverie.robustness.summary import CellEffects, Done, attack_sentences, fakes_word

if TYPE_CHECKING:
    from matplotlib.axes import Axes


EXAMPLES, EVENTS = 3, 12
"""Fake profiles shown of each attack, and events shown of each."""


def write_page(done: Done, path: str | Path, command: str = "") -> Path:
    """Write the page."""
    recipe, split = done.bench.recipe, done.bench.arena.split
    return write_sections(
        path, f"How {split.dataset} can be attacked, and what helps", sections(done, command), kind="robustness", name=recipe.name,
        facts=(split.dataset, split.protocol, f"goal: {recipe.goal.kind}"),
        opening=(Prose(attack_sentences(done), listed=True), Tiles(_tiles(done))),
    )  # fmt: skip


def sections(done: Done, command: str = "") -> list[Section]:
    """Return the benchmark as sections of a page."""
    prose = read_yaml(Path(str(resources.files("reverie.robustness") / "page.yaml")))
    values = _values(done, command)
    budgets = sorted({one.fakes for one in done.attacked if one.fakes})
    blocks: dict[str, Sequence[Block]] = {
        "attacks": [_map([one for one in done.attacked if one.fakes == fakes], fakes_word(fakes), "attack") for fakes in budgets],
        "transfer": _transfer_maps(done),
        "budgets": _curves(done),
        "detection": _detection(done),
        "defences": _defence_maps(done),
        "profiles": _examples(done),
    }
    shown = [
        Section(name, prose[name]["title"], found, prose[name]["note"].format(**values), prose[name]["short"])
        for name, found in blocks.items()
        if found or name in ("attacks", "profiles")
    ]
    facts = Facts([(name, said.format(**values)) for name, said in prose["reading"].items()])
    heads = ("cell", "budget", Column("making the profiles", "right"), Column("fit", "right"))
    costs = [
        (_named(one), fakes_word(one.fakes), words.duration(one.crafting), words.duration(one.seconds))
        for one in (*done.attacked, *done.defended)
        if one.fakes
    ]
    return [*shown, Section("reading", "How to read the numbers", [facts, Table("Time", heads, costs)], short="Reading")]


def _values(done: Done, command: str) -> dict[str, Any]:
    """Return what is filled into the prose."""
    recipe, split = done.bench.recipe, done.bench.arena.split
    draw, knowledge = recipe.goal.draw, recipe.knowledge
    untitled = " These data have no titles, so items are named by their ids." if split.vocabulary.titles is None else ""
    share = f": the ratings of {words.percent(knowledge.share)} of the users" if knowledge.kind == "grey" else ""
    return {
        "significant": SIGNIFICANT, "labelled": words.percent(recipe.labelled), "untitled": untitled, "command": command,
        "groups": ", ".join(draw.groups), "each": draw.each, "knowledge": knowledge.kind, "share": share,
        "least": f"{recipe.threshold:g}" if recipe.threshold else "three quarters of the scale",
        "dataset": split.dataset, "licence": done.bench.dataset.licence, "sha256": split.sha256,
    }  # fmt: skip


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


def _heat(one: CellEffects, most: float, targeted: bool) -> HeatCell:
    change = one.change["ndcg@10"]
    if not targeted:
        text = f"{_named(one)}: NDCG@10 changes by {change.value:+.4f}"
        return HeatCell(f"{change.value:+.4f}", f"{change.ends[0]:+.4f} to {change.ends[1]:+.4f}", text, -change.value / most)
    lift, after, before = one.lift["hr@10"], one.after["hr@10"], one.before["hr@10"]
    text = (
        f"{_named(one)}: targets are in {words.percent(after.value)} of top-10 lists, {words.percent(before.value)} before; "
        f"{'shown' if one.shown else 'not shown'}; NDCG@10 changes by {change.value:+.4f}"
    )
    low, high = lift.ends
    note = f"{100 * low:+.2f} to {100 * high:+.2f}\nNDCG {change.value:+.4f}"
    return HeatCell(f"{100 * lift.value:+.2f}", note, text, lift.value / most, one.shown)


def _map(effects: Sequence[CellEffects], title: str, corner: str) -> HeatMap:
    victims = list(dict.fromkeys(one.victim for one in effects))
    targeted = all(one.lift for one in effects)
    sizes = [abs(one.lift["hr@10"].value if targeted else one.change["ndcg@10"].value) for one in effects]
    most = max([*sizes, 1e-9])
    rows: dict[str, dict[str, HeatCell]] = {}
    for one in effects:
        name = one.attack if one.defence == NONE else one.defence
        rows.setdefault(name, {})[one.victim] = _heat(one, most, targeted)
    return HeatMap(title, corner, victims, [(name, [by.get(v) for v in victims]) for name, by in rows.items()])


def _transfer_maps(done: Done) -> list[HeatMap]:
    """Attacks that were made on a model, at the largest budget, by that model."""
    recipe = done.bench.recipe
    most = max(recipe.budgets, key=lambda fakes: done.bench.budget(fakes, 0).users)
    found = [(surrogate_of(recipe, one.attack), one) for one in done.attacked if one.fakes == most]
    made = sorted(((name, one) for name, one in found if name is not None), key=lambda pair: pair[0])
    if len({one.victim for _, one in made}) < 2:
        return []
    by = {one.attack: name for name, one in made}
    shown = _map([one for _, one in made], fakes_word(most), "made on · attack")
    rows: list[tuple[str, list[HeatCell | None]]] = []
    for name, cells in shown.rows:
        own = [victim == by[name] for victim in shown.columns]
        marked = [replace(c, text=f"{c.text} ◂") if c and is_own else c for c, is_own in zip(cells, own, strict=True)]
        rows.append((f"{by[name]} · {name}", marked))
    return [replace(shown, rows=rows)]


def _defence_maps(done: Done) -> list[HeatMap]:
    found = []
    for attack, fakes in dict.fromkeys((one.attack, one.fakes) for one in done.defended):
        chosen = [one for one in done.defended if (one.attack, one.fakes) == (attack, fakes)]
        bare = [one for one in done.attacked if (one.attack, one.fakes) == (attack, fakes)]
        victims = {one.victim for one in chosen}
        title = "no attack: the price of a defence" if not fakes else f"{attack}, {fakes_word(fakes)}"
        made = _map([*[one for one in bare if one.victim in victims and fakes], *chosen], title, "defence")
        found.append(replace(made, rows=[("none" if fakes and name == attack else name, cells) for name, cells in made.rows]))
    return found


def _detection(done: Done) -> list[Block]:
    maps: list[Block] = []
    for fakes in dict.fromkeys(one.fakes for one in done.detected if one.detector):
        found = [one for one in done.detected if one.fakes == fakes and one.detector]
        attacks = list(dict.fromkeys(one.attack for one in found))
        rows = []
        for detector in dict.fromkeys(one.detector for one in found):
            by = {one.attack: one for one in found if one.detector == detector}
            cells: list[HeatCell | None] = []
            for attack in attacks:
                auc, ap, kept = (by[attack].mean(name) for name in ("auc", "ap", "recall"))
                shown = [words.number(one, 3) for one in (auc, ap, kept)]
                text = "{} on {}: AUC {}, average precision {}, recall at the true share {}".format(detector, attack, *shown)
                below = f"AP {words.number(ap, 2)}\nrecall {words.number(kept, 2)}"
                cells.append(HeatCell(shown[0], below, text, -(2 * auc - 1) if auc == auc else 0.0))
            rows.append((detector, cells))
        maps.append(HeatMap(fakes_word(fakes), "detector", attacks, rows))
    return [*maps, *_stealth(done)] if maps else []


def _curves(done: Done) -> list[Figure]:
    budgets = list(done.bench.recipe.budgets)
    if len(budgets) < 2 or not all(one.lift for one in done.attacked):
        return []
    found = []
    shares = [done.bench.budget(fakes, 0).users for fakes in budgets]
    for victim in done.bench.recipe.victims:
        attacks = list(dict.fromkeys(one.attack for one in done.attacked if one.fakes and one.victim == victim))
        by = {(one.attack, one.fakes): one for one in done.attacked if one.victim == victim}
        ranked = sorted(attacks, key=lambda name: -by[name, budgets[-1]].lift["hr@10"].value)[:6]

        def paint(axes: Axes, by: dict[Any, CellEffects] = by, ranked: list[str] = ranked) -> None:
            for place, name in enumerate(ranked):
                drawn = look(place)
                lifts = [by[name, fakes].lift["hr@10"] for fakes in budgets]
                heights = [0.0, *[100 * one.value for one in lifts]]
                axes.plot([0, *shares], heights, color=drawn.code, marker=drawn.marker, label=name)
                for x, one in zip(shares, lifts, strict=True):
                    axes.plot([x, x], [100 * end for end in one.ends], color=drawn.code, linewidth=1.2, alpha=0.5)
            axes.set(xlabel="fake users", ylabel="lift of HR@10, points")
            axes.legend(fontsize=8)

        alt = f"Lift of the targets' HR@10 on {victim} by number of fakes"
        found.append(Figure(victim, "", inline_svg(paint, f"budget-{victim}", alt)))
    return found


def _stealth(done: Done) -> list[Table]:
    names = {
        "stealth_auc": "told apart by a linear classifier, AUC",
        "stealth_length": "length, in deviations",
        "stealth_popularity": "popularity of items, in deviations",
        "stealth_ratings": "distance of ratings",
    }
    rows = [
        (one.attack, fakes_word(one.fakes), *(words.number(one.mean(name), 2) for name in names))
        for one in done.detected
        if not one.detector
    ]
    columns = (Column("attack"), Column("budget"), *(Column(said, "right") for said in names.values()))
    return [Table("How far fake profiles are from real ones", columns, rows)] if rows else []


def _examples(done: Done) -> list[Example]:
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
            rated = zip(profiles.items[part].tolist(), profiles.ratings[part].tolist(), strict=True)
            events = sorted(rated, key=lambda event: event[0] not in targets)
            items = [
                Item(("→ " if aimed else "") + vocabulary.title(item), f"{rating:g}", "aim" if aimed else "")
                for item, rating in events[:EVENTS]
                for aimed in (item in targets,)
            ]
            shown.append(ItemList("", items))
        found.append(Example(attack, shown, f"{int(profiles.lengths.max(initial=0))} ratings"))
    return found
