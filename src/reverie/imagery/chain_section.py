"""Pictures of what a recommender imagines, as a section of the page of its run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reverie.documents import read_json
from reverie.errors import ReverieError
from reverie.files import json_digest
from reverie.imagery.imagined import LABEL, read_imagined
from reverie.imagery.page import Shown, Together, picture_figure
from reverie.report.page import Block, Example, Item, ItemList, Prose, Section

FOLDER, CHAIN = "imagined", "chain.json"
"""Folder of a run that holds one folder a person, and the file of facts in each."""
SIZE = 768
"""Pixels of a picture on the page."""
NOTE = f"What the recommender generated for a person, as a picture beside the nearest real items; {LABEL}."


def person_folder(run: Path, user: str) -> Path:
    """Return the folder of a person's picture in a run; ids that no file system would take are told apart by a hash."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", user).strip(".-")[:60]
    return run / FOLDER / (plain if plain == user else f"{plain}-{json_digest({'user': user})[:12]}")


def sections(run: Path) -> list[Section]:
    """Return a section with the pictures that ``reverie imagine --run`` painted in a run folder; none where there is no picture.

    Parameters
    ----------
    run : Path
        Run folder of ``reverie interpret``.

    Returns
    -------
    list of Section
        One or none.
    """
    folders = sorted(path.parent for path in (run / FOLDER).glob(f"*/{CHAIN}"))
    blocks = [block for folder in folders if (block := _person(folder)) is not None]
    return [Section("pictures", "What it imagines, as pictures", blocks, NOTE, "Pictures")] if blocks else []


def _person(folder: Path) -> Block | None:
    """Return a person's picture with what it is of; None where it was never finished or cannot be read."""
    try:
        facts, done = read_json(folder / CHAIN), read_imagined(folder)
        if done.picture is None:
            return None
        return Together((_told(facts), picture_figure(Shown(done, folder), SIZE)))
    except (ReverieError, KeyError, TypeError) as error:
        return Prose([f"{folder} cannot be read ({error}); give its 'reverie imagine' command again"])


def _told(facts: Mapping[str, Any]) -> Block:
    """Return the person, the oracle item, the items near it, and how faithful the picture's words are."""
    lists = [
        ItemList("nearest real items", [Item(title) for title in facts["nearest"]]),
        ItemList("the recommender would show", [Item(facts["top"])]),
    ]
    scores, called = facts["faithfulness"], facts["oracle"]
    said = (
        f"The oracle item is called '{called}'."
        if called
        else f"Of the catalogue, its words are nearest to '{facts['in_catalogue']}'."
    )
    if scores is not None:
        said += f" Its picture's words: {scores['own']:.3f} to the own oracle item, {scores['shuffled']:.3f} to those of others."
    return Example(f"User {facts['user']}", lists, note=said, history=facts["history"])
