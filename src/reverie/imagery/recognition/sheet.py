"""The sheet for people, made of the pictures of a study."""

from __future__ import annotations

from pathlib import Path

from reverie.imagery.recognition.cells import PicturesCell
from reverie.imagery.recognition.painting import read_pictures
from reverie.imagery.recognition.raters import Rated, write_sheet
from reverie.imagery.recognition.study import Done, ImageryStudy
from reverie.imagery.recognition.summary import Summary
from reverie.imagery.records import Credit
from reverie.seeds import numpy_generator

SEED = 0
"""Of the pictures, of the words that are offered, and of the order."""


def study_sheet(study: ImageryStudy, done: Done, summary: Summary) -> list[Path]:
    """Write the sheet of a study that asks for one, with the pictures of its first renderer, and return its files.

    The words offered for a concept are the same under all conditions, so that they tell nothing.
    """
    asked, renderer = study.recipe.sheet, next(iter(study.recipe.renderers), None)
    if asked is None or renderer is None:
        return []
    concepts = study.lab.concepts("test")[: asked.concepts]
    choices = {one.concept: _few(one.words, one.concept, asked.choices) for one in study.lab.lists(concepts, "random")}
    pictures: list[Rated] = []
    credits: dict[Credit, None] = {}
    for condition in asked.conditions:
        painted = done.get(PicturesCell("test", SEED, summary.settings, condition, renderer))
        if painted is None:
            continue
        folder = Path(getattr(painted, "folder", ""))
        found = read_pictures(folder)
        credits |= dict.fromkeys(found.credits)
        first = found.pictures[: len(concepts)]
        pictures += [Rated(one.concept, condition, (folder / one.png).read_bytes(), choices[one.concept]) for one in first]
    return write_sheet(study.folder, pictures, list(credits), SEED) if pictures else []


def _few(words: tuple[str, ...], concept: str, n: int) -> tuple[str, ...]:
    """Return the concept and some other words of its list, in alphabetical order."""
    others = [word for word in words if word != concept]
    rng = numpy_generator(SEED, "words of the sheet", concept)
    chosen = [others[at] for at in rng.permutation(len(others))[: n - 1]]
    return tuple(sorted([concept, *chosen]))
