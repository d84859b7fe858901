"""A red team's study as one HTML file: heat maps, rounds, before and after, comparisons and examples."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.plain_yaml import read_yaml
from reverie.redteam.attempts import Attempt
from reverie.redteam.cells import NONE
from reverie.redteam.claims import claims_table
from reverie.redteam.rates import wilson_rate
from reverie.redteam.results import ALL
from reverie.redteam.summary import Summary
from reverie.redteam.tables import CAVEAT, attack_table, defence_table, sentences
from reverie.report import words
from reverie.report.page import Block, Example, Facts, Figure, HeatCell, HeatMap, Item, ItemList, Prose, Section, Tiles
from reverie.report.page import write_page as write_sections
from reverie.report.plots import inline_svg, look
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

LONGEST = 400
"""Characters shown of a prompt and of a response."""


def write_page(
    summary: Summary, path: Path, digests: Sequence[str], examples: Sequence[Attempt], command: str = "", title: str = ""
) -> Path:
    """Write the page.

    Parameters
    ----------
    summary : Summary
        The study.
    path : Path
        The file.
    digests : sequence of str
        Hash of the goals of each target.
    examples : sequence of Attempt
        Attempts that got through, to draw examples from.
    command : str
        How it was run.
    title : str
        The headline; what the recipe is for by default.

    Returns
    -------
    Path
        The file.
    """
    recipe = summary.recipe
    counts = [(len(recipe.targets), "target"), (recipe.calls, "call"), (recipe.seeds, "seed")]
    targets, calls, seeds = (f"{n} {word}{'s' * (n != 1)}" for n, word in counts)
    facts = (targets, f"{calls} per goal", seeds, "harmless goals only")
    headline, shown = title or recipe.description.rstrip(".") or recipe.name, sections(summary, digests, examples, command)
    opening = (Prose(sentences(summary), listed=True), Tiles(_tiles(summary)))
    return write_sections(path, headline, shown, kind="red team", name=recipe.name, facts=facts, opening=opening)


def sections(summary: Summary, digests: Sequence[str], examples: Sequence[Attempt], command: str) -> list[Section]:
    """Return a study as sections of a page."""
    prose = read_yaml(Path(str(resources.files("reverie.redteam") / "page.yaml")))
    recipe, claims = summary.recipe, claims_table(summary)
    values: dict[str, Any] = {"calls": recipe.calls, "seeds": recipe.seeds, "caveat": CAVEAT, "command": command}
    values |= {"goals": _goals(summary), "digest": ", ".join(one[:12] for one in dict.fromkeys(digests))}
    blocks: dict[str, Sequence[Block]] = {
        "success": [success_map(summary, target) for target in recipe.targets],
        "techniques": [attack_table(summary, target) for target in recipe.targets],
        "rounds": [figure for target in recipe.targets for figure in _rounds(summary, target)],
        "defences": [defence_table(summary, target) for target in recipe.targets] if recipe.defences else [],
        "claims": [claims] if claims.cells else [],
        "examples": draw_examples(examples),
    }
    shown = [
        Section(name, prose[name]["title"], found, prose[name]["note"].format(**values), prose[name]["short"])
        for name, found in blocks.items()
        if found
    ]
    facts = Facts([(name, said.format(**values)) for name, said in prose["reading"].items()])
    return [*shown, Section("reading", "How to read the numbers", [facts], short="Reading")]


def _goals(summary: Summary) -> str:
    """Say how many goals there were, of which kinds, and how many of them were held out."""
    found: dict[str, list[str]] = {}
    for target in summary.recipe.targets:
        goals = {one.goal: one for result in summary.attacked(target, ALL) for one in result.outcomes}
        held_out = sum(one.part == "held-out" for one in goals.values())
        kinds = ", ".join(sorted({one.kind for one in goals.values()}))
        said = f"{len(goals)} ({kinds}), {held_out} of them held out" if goals else "none tried yet"
        found.setdefault(said, []).append(target)
    return "; ".join(said if len(found) == 1 else f"{', '.join(names)}: {said}" for said, names in found.items())


def success_map(summary: Summary, target: str) -> HeatMap:
    """Return success by kind of goal and technique on a target as it is."""
    by = {name: summary.by_kind(target, name) for name in summary.recipe.techniques}
    kinds = list(dict.fromkeys(kind for found in by.values() for kind in found))
    rows = []
    for kind in kinds:
        cells = [None if kind not in found else _heat(summary, target, name, kind, *found[kind]) for name, found in by.items()]
        rows.append((kind, cells))
    return HeatMap(target, "goal", list(by), rows)


def _heat(summary: Summary, target: str, technique: str, kind: str, reached: int, tried: int) -> HeatCell:
    """Return a cell; another seed is no other goal, so the upper end is by goals, as in the table of techniques."""
    rate, outcomes = reached / tried, [one for found in summary.outcomes(target, technique).values() for one in found]
    goals = len({one.goal for one in outcomes if one.kind == kind and one.judged})
    note = f"{reached} of {tried}" if reached else f"0 of {tried}\nat most {words.percent(wilson_rate(0, goals).high)}"
    return HeatCell(
        words.percent(rate), note, f"{technique} on {target}: {reached} of {tried} goals of the kind {kind}", rate or -0.01
    )


def _tiles(summary: Summary) -> list[tuple[str, str]]:
    every = [one for target in summary.recipe.targets for d in summary.defences(target) for one in summary.attacked(target, ALL, d)]
    calls = sum(goal.calls for one in every for goal in one.outcomes)
    through = sum(one.got_through for one in every)
    writes = sum(one.writes for one in every)
    return [(f"{calls:,}", "calls of targets"), (f"{through:,}", "got through"), (f"{writes:,}", "texts written by attackers")]


def _rounds(summary: Summary, target: str) -> list[Figure]:
    """Draw success after each round of the defences that have several."""
    lines: dict[str, list[tuple[int, float, float, float]]] = {}
    for name, row in summary.recipe.defences_of(target).items():
        for part in (ALL, "held-out-goals", "held-out-techniques"):
            points = []
            for at in range(row.rounds + 1 if row.rounds > 1 else 0):
                effect = summary.effect(target, ALL, summary.recipe.label(name, at) if at else NONE, part=part)
                if effect is not None:
                    low, high = (effect.value if end is None else end for end in (effect.low, effect.high))
                    points.append((at, effect.value, low, high))
            if len(points) > 1:
                lines[f"{name}, {part.replace('-', ' ')}"] = points
    if not lines:
        return []
    return [Figure(target, "", _drawn(lines, target))]


def _drawn(lines: dict[str, list[tuple[int, float, float, float]]], target: str) -> Markup:
    def paint(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        for at, (name, points) in enumerate(lines.items()):
            looks = look(at)
            x, y, low, high = (list(column) for column in zip(*points, strict=True))
            axes.plot(x, y, color=looks.code, marker=looks.marker, label=name)
            axes.fill_between(x, low, high, color=looks.code, alpha=0.12, linewidth=0)
        axes.set(xlabel="round", ylabel="share of goals reached", ylim=(-0.02, 1.02))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=8)

    ends = "; ".join(f"{name} from {points[0][1]:.2f} to {points[-1][1]:.2f}" for name, points in lines.items())
    return inline_svg(paint, f"rounds-{target}", f"Share of goals reached on {target} by round: {ends}", width=560)


def draw_examples(attempts: Sequence[Attempt], seed: int = 0) -> list[Example]:
    """Return one attempt of each technique that got through, drawn by the seed."""
    by: dict[str, list[Attempt]] = {}
    for one in attempts:
        if one.finding.success:
            by.setdefault(one.tried.technique, []).append(one)
    found = []
    for technique, mine in by.items():
        one = mine[int(numpy_generator(seed, "examples of attacks", technique).integers(len(mine)))]
        turns = [Item(_cut(turn.text), turn.role) for turn in one.tried.turns]
        answer = [Item(_cut(one.response.text), ", ".join(one.finding.notes), "aim")]
        lists = [ItemList("asked", turns), ItemList("answered", answer, hit=True)]
        note = f"{one.tried.goal.kind}, call {one.call + 1}" + (f"; {one.tried.explanation}" if one.tried.explanation else "")
        found.append(Example(technique, lists, _cut(note)))
    return found


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} …"
