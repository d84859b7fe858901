"""A content study as one HTML file: new items, the table, which part carries which item, neighbours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reverie.content.blind import blind_sentences
from reverie.content.neighbour_blocks import neighbour_blocks
from reverie.content.recipe import ContentClaim
from reverie.content.summary import Summary
from reverie.content.tables import carried_of, carrying_table, claims_table, score_table
from reverie.plain_yaml import read_yaml
from reverie.report.page import Block, Example, Facts, Item, ItemList, Prose, Section, write_page

if TYPE_CHECKING:
    from reverie.content.study import ContentStudy

COLD = ("all", "target:warm", "target:cold", "target:unseen")
PARTS = ("all", "target:cold", "target:unseen", "target:popular", "target:rare")
EXAMPLES = 5


def write_study_page(study: ContentStudy, summary: Summary, command: str) -> Path:
    """Write the page of a study into its folder."""
    recipe = summary.recipe
    counts = {"recommender": len(recipe.recommenders), "encoder": len(recipe.encoders), "training": len(summary.found)}
    facts = [*recipe.data, *(f"{n} {word}{'s' * (n != 1)}" for word, n in counts.items())]
    title = recipe.description.rstrip(".") or recipe.name
    opening = (Prose(sentences(summary), listed=True),)
    path = study.folder / "report.html"
    return write_page(path, title, sections(summary, command), kind="content", name=recipe.name, facts=facts, opening=opening)


def sections(summary: Summary, command: str) -> list[Section]:
    """Return a study as sections of a page."""
    prose, recipe = read_yaml(Path(str(resources.files("reverie.content") / "page.yaml"))), summary.recipe
    measured = [data for data in recipe.data if any(True for _ in summary.rows(data))]
    blocks: dict[str, Sequence[Block]] = {
        "cold": [score_table(summary, data, "recall@10", COLD, bars=True) for data in measured],
        "table": [score_table(summary, data, "ndcg@10", PARTS) for data in measured],
        "claims": [claims_table(summary)] if recipe.claims else [],
        "carrying": [block for data in measured for block in _carrying(summary, data)],
        "neighbours": [block for data in measured for block in neighbour_blocks(summary, data)],
    }
    shown = [
        Section(name, prose[name]["title"], found, prose[name]["note"], prose[name]["short"])
        for name, found in blocks.items()
        if found
    ]
    facts = Facts([(name, said.format(command=command)) for name, said in prose["reading"].items()])
    credits = Prose([credit(summary, data) for data in measured], listed=True)
    return [*shown, Section("reading", "How to read the numbers", [facts, credits], short="Reading")]


def credit(summary: Summary, data: str) -> str:
    """Return whose data these are, and under which terms."""
    dataset = summary.opened[data].dataset
    said = f" ({dataset.citation})" if dataset.citation else ""
    return f"{data}: {dataset.name}{said}; licence: {dataset.licence}"


def sentences(summary: Summary) -> list[str]:
    """Return what was found, in sentences: one for each comparison, by its first metric."""
    found = []
    if summary.recipe.name.endswith("-smoke"):
        found.append("This is a smoke run: it shows that the study runs, and its numbers say nothing.")
    compared: dict[tuple[ContentClaim, str], list[Mapping[str, Any]]] = {}
    for claim, row in summary.judged:
        if row["metric"].rpartition("/")[2] == claim.metrics[0]:
            compared.setdefault((claim, row["dataset"]), []).append(row)
    for (claim, _), rows in compared.items():
        if claim.margin is not None:
            found += [level_sentence(row, claim.margin) for row in rows if row["low"] is not None]
        elif any(row["p_holm"] is not None for row in rows):
            found.append(difference_sentence(rows))
    found += [said for data in summary.recipe.data for said in blind_sentences(summary, data)]
    return found or [f"{len(summary.found)} trainings; the recipe compares nothing."]


def difference_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return how the first of a comparison stands to the second, slice by slice; rows of one metric that have a p-value count."""
    verdicts: dict[str, list[str]] = {}
    for row in rows:
        if row["p_holm"] is None:
            continue
        differs = row["p_holm"] < 0.05
        verdict = ("better" if row["difference"] > 0 else "worse") if differs else "not shown to differ"
        least = "" if differs or row["detectable"] is None else f"; {row['detectable']:.4f} could have been found"
        part = row["metric"].rpartition("/")[0] or "all"
        verdicts.setdefault(verdict, []).append(f"{part} ({row['first_value']:.4f} and {row['other_value']:.4f}{least})")
    said = "; ".join(f"{verdict} on {', '.join(parts)}" for verdict, parts in verdicts.items())
    one = rows[0]
    return f"On {one['dataset']}, {one['first']} beside {one['other']} in {one['metric'].rpartition('/')[2]}: {said}."


def level_sentence(row: Mapping[str, Any], margin: float) -> str:
    """Return whether the first of a comparison is at least level: the lower end of the interval is above what may be lost."""
    allowed = -margin * row["other_value"]
    verdict = "is at least level with" if row["low"] >= allowed else "is not shown to be level with"
    return (
        f"On {row['dataset']}, {row['first']} {verdict} {row['other']} ({row['metric']} {row['first_value']:.4f} and "
        f"{row['other_value']:.4f}; the interval of the difference begins at {row['low']:+.4f}, and {allowed:+.4f}, {margin:.0%} "
        "of the second, was allowed)."
    )


def _carrying(summary: Summary, data: str) -> Iterator[Block]:
    """Yield the share of items that each part carries, and items that it carries most."""
    for row in summary.rows(data):
        found = None if row.drop or not row.encoder else carried_of(summary, row)
        if found is None:
            continue
        yield carrying_table(summary, row, found)
        vocabulary = summary.opened[data].split.vocabulary
        lists = []
        for at, part in enumerate(found.parts):
            places = found.examples(at, EXAMPLES)
            items = [Item(vocabulary.title(int(found.items[one])), f"{found.losses[one, at]:+.2f}") for one in places]
            lists.append(ItemList(part, items, "" if items else "none"))
        yield Example(f"Carried most · {row.said}", lists, note="gain lost without the part")
