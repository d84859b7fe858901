"""What a study of pictures needs done: stages made, prompts put together, pictures painted, concepts guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from reverie.imagery.judging.closed_lists import ClosedList, Distractors
from reverie.imagery.recognition.cells import Part
from reverie.imagery.recognition.made import Asked, Layers, Made
from reverie.imagery.recognition.settings import StageSettings
from reverie.imagery.roles import ImageJudge, Renderer, TextJudge


class Lab(Protocol):
    """Does the work of a study; all of it is a function of the facts that it names."""

    @property
    def dataset(self) -> str:
        """Name of the list of concepts."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 of the sorted concepts of the list."""
        ...

    def concepts(self, part: Part) -> tuple[str, ...]:
        """Return the concepts of a part."""
        ...

    def stages_facts(self, settings: StageSettings) -> Mapping[str, Any]:
        """Return everything that the stages depend on but concepts and seed."""
        ...

    def renderer_facts(self, name: str) -> Mapping[str, Any]:
        """Return everything that a renderer depends on but what it is given."""
        ...

    def judge_facts(self, name: str) -> Mapping[str, Any]:
        """Return everything that a judge depends on but what it is shown."""
        ...

    def lists_facts(self) -> Mapping[str, Any]:
        """Return everything that the closed lists depend on."""
        ...

    def make(self, concepts: Sequence[str], seed: int, settings: StageSettings, tell: Callable[[str], None]) -> list[Made]:
        """Return what the stages make of concepts; a concept without objects has an empty set."""
        ...

    def ask(self, condition: str, made: Made, other: Made, settings: StageSettings, seed: int) -> Asked:
        """Return what a condition asks for."""
        ...

    def again(self, layers: Layers, without: Sequence[str], settings: StageSettings, seed: int) -> Layers:
        """Return a concept's layers with other objects in the place of some, and with a form of the seed."""
        ...

    def mask(self, made: Made, text: str) -> tuple[str, int]:
        """Return a text without the words that say the concept, and how many there were."""
        ...

    def check(self, judge: str) -> dict[str, Any]:
        """Return how often a judge of texts gives a masked gloss to its own concept: the fields of `Checked` but time and place."""
        ...

    def background(self, n: int) -> list[Asked]:
        """Return so many scenes of things and forms at random, which belong to no concept."""
        ...

    def lists(self, concepts: Sequence[str], distractors: Distractors) -> list[ClosedList]:
        """Return what a judge chooses from, for each concept."""
        ...

    def open_renderer(self, name: str) -> Renderer:
        """Return a renderer; opened once."""
        ...

    def open_text_judge(self, name: str) -> TextJudge:
        """Return a judge of texts; opened once."""
        ...

    def open_image_judge(self, name: str) -> ImageJudge:
        """Return a judge of pictures; opened once."""
        ...
