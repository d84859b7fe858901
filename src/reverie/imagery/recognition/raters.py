"""A blind sheet for people: one HTML file, pictures in random order, no condition named; answers come back as JSON files.

Raters are never simulated. Every picture is first guessed among words that are the same under all conditions of a concept; only
when all are guessed are the words told, and each picture is rated from 1 to 5.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path

from reverie.documents import read_as, regular
from reverie.errors import DataError
from reverie.files import json_digest, write_json, write_text
from reverie.imagery.records import Credit
from reverie.options import Options
from reverie.seeds import numpy_generator

SHEET, KEY, ANSWERS = "raters.html", "raters-key.json", "answers"
"""What lies in a study's folder: the sheet, which picture is which, and the folder that answers are put into."""


@dataclass(frozen=True)
class Rated:
    """A picture for the sheet.

    Parameters
    ----------
    concept, condition : str
        What it was made for, and how.
    png : bytes
        The picture.
    choices : tuple of str
        Words that a rater chooses from, the concept among them.
    """

    concept: str
    condition: str
    png: bytes
    choices: tuple[str, ...]


class KeyItem(Options):
    """Which picture an item of the sheet is."""

    concept: str
    """What it was made for."""
    condition: str
    """How."""
    choices: tuple[str, ...]
    """Words that were offered."""


class SheetKey(Options):
    """What the sheet does not tell."""

    sheet: str
    """Digits that answers name."""
    items: dict[str, KeyItem]
    """By what the sheet calls them."""


class Answers(Options):
    """The answers of one person."""

    sheet: str
    """Digits of the sheet."""
    rater: str
    """Any name."""
    guesses: dict[str, str]
    """The word that each picture was taken for; empty for none of them."""
    ratings: dict[str, int]
    """From 1 (not at all) to 5 (very well)."""


def write_sheet(folder: Path, pictures: Sequence[Rated], credits: Sequence[Credit], seed: int) -> list[Path]:
    """Write the sheet and its key; a folder for the answers is made beside them.

    Parameters
    ----------
    folder : Path
        Of the study.
    pictures : sequence of Rated
        In any order.
    credits : sequence of Credit
        Whose work is in them.
    seed : int
        Of the order.

    Returns
    -------
    list of Path
        Sheet and key.
    """
    rng = numpy_generator(seed, "order of the sheet")
    order = [pictures[at] for at in rng.permutation(len(pictures))]
    names = [json_digest({"seed": seed, "concept": one.concept, "condition": one.condition})[:10] for one in order]
    named = dict(zip(names, order, strict=True))
    facts = {name: [one.concept, one.condition, *one.choices, sha256(one.png).hexdigest()] for name, one in named.items()}
    sheet = json_digest(facts)[:12]
    items = [
        {"id": name, "word": one.concept, "choices": list(one.choices), "picture": f"data:image/png;base64,{_base64(one.png)}"}
        for name, one in named.items()
    ]
    second = [names[at] for at in rng.permutation(len(names))]
    shown = {"sheet": sheet, "items": items, "second": second, "credit": credit_line(credits)}
    template = (resources.files("reverie.imagery.recognition") / SHEET).read_text(encoding="utf-8")
    write_text(folder / SHEET, template.replace("__SHEET__", json.dumps(shown).replace("</", "<\\/")))
    key = {name: KeyItem(concept=one.concept, condition=one.condition, choices=one.choices) for name, one in named.items()}
    write_json(folder / KEY, SheetKey(sheet=sheet, items=key).model_dump(mode="json"))
    (folder / ANSWERS).mkdir(exist_ok=True)
    return [folder / SHEET, folder / KEY]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def credit_line(credits: Sequence[Credit]) -> str:
    """Return whose work is in pictures, in one line; what a credit says in brackets is left out, and the same comes once."""
    said = {f"{one.what.partition(' (')[0]} by {one.author}, {one.licence}{f', {one.url}' if one.url else ''}" for one in credits}
    return "; ".join(sorted(said))


def read_answers(folder: Path) -> list[Answers]:
    """Return the answers in a study's folder, one of each person; without a sheet, or without answers, none.

    Raises
    ------
    DataError
        If a file is no answers, is of another sheet, or names what the sheet has not; or if two files name the same person.
    """
    if not (folder / KEY).exists() or not (folder / ANSWERS).is_dir():
        return []
    key = read_as(SheetKey, folder / KEY, f"run the study again, which writes {SHEET} and its key anew")
    found: dict[str, tuple[Path, Answers]] = {}
    for path in sorted((folder / ANSWERS).glob("*.json")):
        one = read_as(Answers, regular(path), "take the file that the sheet saved, or move it away")
        _check(path, one, key.sheet, key.items)
        if one.rater in found:
            raise DataError(
                f"{path} and {found[one.rater][0]} both name the rater '{one.rater}'; keep one of them, or change a name"
            )
        found[one.rater] = (path, one)
    return [one for _, one in found.values()]


def read_key(folder: Path) -> Mapping[str, KeyItem]:
    """Return which picture each item of the sheet is."""
    return read_as(SheetKey, folder / KEY, f"run the study again, which writes {SHEET} and its key anew").items


def _check(path: Path, answers: Answers, sheet: str, items: Mapping[str, KeyItem]) -> None:
    if answers.sheet != sheet:
        raise DataError(f"{path} answers the sheet {answers.sheet}, and the one here is {sheet}; move it away")
    for name, word in answers.guesses.items():
        if name not in items or (word and word not in items[name].choices):
            raise DataError(f"{path} guesses '{word}' for the picture {name}, which the sheet does not offer; move the file away")
    for name, rating in answers.ratings.items():
        if name not in items or not 1 <= rating <= 5:
            raise DataError(f"{path} rates the picture {name} with {rating}, which the sheet does not offer; move the file away")
