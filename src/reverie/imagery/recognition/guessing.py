"""What a judge makes of all prompts, or of all pictures, of one condition."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reverie.imagery.judging.closed_lists import DISTRACTORS
from reverie.imagery.judging.guesses import guess, over_literal
from reverie.imagery.recognition.cells import Places
from reverie.imagery.recognition.lab import Lab
from reverie.imagery.recognition.made import Asked, Made
from reverie.imagery.recognition.painting import read_pictures
from reverie.imagery.roles import ImageJudge


def guess_texts(lab: Lab, judge: str, made: Sequence[Made], asked: Sequence[Asked]) -> dict[str, Any]:
    """Let a judge of texts guess from prompts without the words that say the concept.

    Returns
    -------
    dict
        The fields of `Judged` but time and place.
    """
    texts, masked = zip(*(lab.mask(one, want.prompt.text) for one, want in zip(made, asked, strict=True)), strict=True)
    objects = [tuple(thing.phrase for thing in want.objects.objects) for want in asked]
    return _guessed(lab, lab.open_text_judge(judge), asked, texts, objects) | {"masked": masked}


def guess_pictures(lab: Lab, judge: ImageJudge, asked: Sequence[Asked], folder: Path) -> dict[str, Any]:
    """Let a judge of pictures guess; nothing is masked."""
    pictures = read_pictures(folder).pictures
    objects = [one.shown or one.objects for one in pictures]
    files = [folder / one.png for one in pictures]
    return _guessed(lab, judge, asked, files, objects) | {"masked": (0,) * len(asked)}


def _guessed(
    lab: Lab, judge: Any, asked: Sequence[Asked], shown: Sequence[Any], objects: Sequence[Sequence[str]]
) -> dict[str, Any]:
    concepts = tuple(one.concept for one in asked)
    places, literal = {}, {}
    for distractors in DISTRACTORS:
        lists = lab.lists(concepts, distractors)
        places[distractors] = Places.of(guess(judge, shown, lists))
        values = over_literal(judge, shown, lists, objects).tolist()
        literal[distractors] = tuple(None if math.isnan(one) else one for one in values)
    return {"concepts": concepts, "places": places, "literal": literal, "lost": tuple(bool(one.prompt.lost) for one in asked)}
