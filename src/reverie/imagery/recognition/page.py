"""A study of pictures as one HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from reverie.imagery.recognition.cells import PicturesCell
from reverie.imagery.recognition.claims import claims_table
from reverie.imagery.recognition.painting import Pictures, read_pictures
from reverie.imagery.recognition.people import people_table
from reverie.imagery.recognition.raters import ANSWERS, KEY, SHEET, credit_line, read_answers, read_key
from reverie.imagery.recognition.rounds import rounds_figure, rounds_table
from reverie.imagery.recognition.study import Done, ImageryStudy
from reverie.imagery.recognition.summary import Summary, View
from reverie.imagery.recognition.tables import LABEL, check_sentences, findings, recognition_table, settings_table, view_name
from reverie.imagery.recognition.varied import variety_table
from reverie.imagery.recognition.worst import PictureGrid, Shown, failures
from reverie.plain_yaml import read_yaml
from reverie.report.page import Block, Facts, Folded, Prose, Section, Tiles, write_page

FEW = 12
"""Pictures that are shown of a renderer."""


def write_study_page(study: ImageryStudy, done: Done, summary: Summary, command: str) -> Path:
    """Write the page into the study's folder, and return the file."""
    recipe, concepts = study.recipe, len(study.lab.concepts("test"))
    people = "human ratings apart" if read_answers(study.folder) else "no human ratings"
    facts = (f"{concepts} test concepts", f"{recipe.seeds} seed{'s' * (recipe.seeds != 1)}", people)
    pictures = concepts * len(recipe.conditions) * len(recipe.renderers) * recipe.seeds
    counts = [(str(concepts), "test concepts"), (f"{pictures:,}", "pictures"), (str(len(recipe.judges)), "judges")]
    opening: list[Block] = [Prose([LABEL]), Prose(findings(summary), listed=True), Tiles(counts)]
    title, found = recipe.description.rstrip(".") or recipe.name, sections(study, done, summary, command)
    path = study.folder / "report.html"
    return write_page(path, title, found, kind="imagery", name=recipe.name, facts=facts, opening=opening)


def sections(study: ImageryStudy, done: Done, summary: Summary, command: str) -> list[Section]:
    """Return a study as sections of a page."""
    prose = read_yaml(Path(str(resources.files("reverie.imagery.recognition") / "page.yaml")))
    values = _values(study, summary, command)
    found = [_section(prose, name, blocks, values) for name, blocks in _figures(study, done, summary) if blocks]
    for cell, folder in _painted(study, done, summary):
        pictures, (view, worst) = read_pictures(folder), _worst(summary, cell, folder)
        own = values | {"condition": cell.condition, "credit": credit_line(pictures.credits), "view": view}
        found.append(_section(prose, "pictures", [_first(folder, pictures)], own, cell.renderer))
        found += [_section(prose, "worst", [worst], own, cell.renderer)] if worst is not None else []
    if study.recipe.sheet is not None:
        table = people_table(read_answers(study.folder), read_key(study.folder) if (study.folder / KEY).exists() else {})
        found.append(_section(prose, "people", [Prose([table]) if isinstance(table, str) else table], values))
    facts = Facts([(name, said.format(**values)) for name, said in prose["reading"].items()])
    return [*found, Section("reading", "How to read the numbers", [facts], short="Reading")]


def _values(study: ImageryStudy, summary: Summary, command: str) -> dict[str, Any]:
    """Return what is filled into the prose."""
    recipe, loop = study.recipe, study.recipe.loop
    chosen = {"metric": recipe.choose.metric, "judge": recipe.chooser, "condition": recipe.choose.condition}
    rounds = {} if loop is None else {"guide": loop.guide, "outside": loop.judge, "best_of": loop.best_of}
    data = {"n": len(study.lab.concepts("test")), "dataset": study.lab.dataset, "digest": study.lab.digest}
    people = {"sheet": study.folder / SHEET, "answers": f"{study.folder / ANSWERS}/"}
    checks = " ".join(check_sentences(summary)) or "No judge of texts."
    said = {"k": recipe.k, "dev": recipe.concepts.dev, "label": LABEL, "command": command, "checks": checks}
    return said | chosen | rounds | data | people


def _figures(study: ImageryStudy, done: Done, summary: Summary) -> Iterator[tuple[str, Sequence[Block]]]:
    """Yield the sections without pictures, by name."""
    recipe = study.recipe
    views = [*summary.views("image"), *summary.views("text")]
    yield "recognition", [block for view in views for block in _tables(summary, view)]
    yield "claims", [claims_table(summary, study.lab.dataset)] if recipe.claims else []
    trials = study.trials(done)
    yield "settings", [settings_table(trials, summary)] if trials else []
    turned = summary.rounds(True, "random", "top1")
    yield "loop", [rounds_figure(summary), rounds_table(summary)] if turned else []
    several = [study.made("test", seed, summary.settings) for seed in range(recipe.seeds)] if recipe.seeds > 1 else []
    yield "variety", [variety_table(several)] if several else []


def _section(prose: Any, name: str, blocks: Sequence[Block], values: dict[str, Any], of: str = "") -> Section:
    said = prose[name]
    title = f"{said['title']}, {of}" if of else said["title"]
    return Section(f"{name}-{of}" if of else name, title, blocks, said["note"].format(**values), said["short"])


def _tables(summary: Summary, view: View) -> list[Block]:
    table = recognition_table(summary, view)
    return [table] if view.distractors == "random" else [Folded(view_name(view), replace(table, title=""))]


def _painted(study: ImageryStudy, done: Done, summary: Summary) -> list[tuple[PicturesCell, Path]]:
    """Return the folders of the fullest condition at seed 0, one of each renderer."""
    best = next((one for one in ("D", "OF", "O", *study.recipe.conditions) if one in study.recipe.conditions), "")
    cells = [PicturesCell("test", 0, summary.settings, best, name) for name in study.recipe.renderers]
    return [(cell, Path(getattr(done[cell], "folder", ""))) for cell in cells if done.get(cell) is not None]


def _first(folder: Path, pictures: Pictures) -> PictureGrid:
    some = [Shown(folder / one.png, one.concept, ", ".join(one.shown or one.objects)) for one in pictures.pictures[:FEW]]
    return PictureGrid(some)


def _worst(summary: Summary, cell: PicturesCell, folder: Path) -> tuple[str, PictureGrid | None]:
    """Return who judged, and the pictures that were recognised least."""
    there = [one for one in summary.views("image") if one.renderer == cell.renderer and one.distractors == "random"]
    for view in there[:1]:
        judged, pictures = summary.judged(view, cell.condition).get(0), read_pictures(folder)
        failed = [] if judged is None else failures(judged, pictures, view.distractors)
        shown = [Shown(folder / pictures.pictures[one.at].png, one.concept, one.reason) for one in failed]
        return view_name(view), PictureGrid(shown) if shown else None
    return "", None
