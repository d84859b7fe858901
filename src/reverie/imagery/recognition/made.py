"""What the stages before a picture made of one concept, and what a condition takes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reverie.documents import read_as
from reverie.files import write_json
from reverie.imagery.records import Form, Intent, ObjectSet, Prompt
from reverie.options import Options

MADE = "stages.json"
"""File of the records of many concepts."""
NOTHING, FORMLESS = ObjectSet(objects=()), Form(patterns=())


class Layers(Options):
    """Intent, objects and form of one sense."""

    intent: Intent
    """What is meant."""
    objects: ObjectSet
    """What is shown; none where no physical object was found."""
    form: Form
    """How it is shown."""


class Made(Options):
    """What was made of one concept."""

    concept: str
    """The word."""
    chosen: Layers
    """Of the sense that was chosen."""
    random: Layers
    """Of a sense drawn among the others; the same as `chosen` where there is no other."""


class _File(Options):
    made: tuple[Made, ...]


@dataclass(frozen=True)
class Asked:
    """What a renderer and a judge of texts are given under a condition.

    Parameters
    ----------
    concept : str
        What is meant; a renderer is not told.
    prompt : Prompt
        In words.
    objects, form : ObjectSet, Form
        The same for renderers that compose; empty where the condition leaves the layer out.
    """

    concept: str
    prompt: Prompt
    objects: ObjectSet
    form: Form


def write_made(folder: Path, made: Sequence[Made]) -> None:
    """Write the records of many concepts into a folder."""
    write_json(folder / MADE, {"made": [one.model_dump(mode="json") for one in made]})


def read_made(folder: Path) -> tuple[Made, ...]:
    """Return the records in a folder."""
    return read_as(_File, folder / MADE, "delete its folder, and the same command makes it again").made


def layers_of(condition: str, made: Made, other: Made) -> tuple[Intent, ObjectSet, Form]:
    """Return what a condition shows of a concept; `other` is the concept whose objects stand in under ``E-shuffled``."""
    own = made.random if condition == "E-sense" else made.chosen
    objects = other.chosen.objects.model_copy(update={"ranked_by": "shuffled"}) if condition == "E-shuffled" else own.objects
    shown = objects if condition in ("C", "D", "O", "OF", "E-shuffled", "E-sense") else NOTHING
    return own.intent, shown, own.form if condition in ("D", "OF", "E-form", "E-sense") else FORMLESS
