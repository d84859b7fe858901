"""A lab of eight concepts: its pictures are PNG files that carry what they show, and its judges know what stands for what."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin

from reverie.imagery.judging.closed_lists import ClosedList, Distractors, closed_lists
from reverie.imagery.recognition.made import Asked, Layers, Made, layers_of
from reverie.imagery.records import Credit, DepictedObject, Form, FormPattern, Intent, ObjectSet, Prompt, Sense
from reverie.imagery.roles import Rendered, Scene
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.imagery.recognition.cells import Part
    from reverie.imagery.recognition.settings import StageSettings

STANDS_FOR = {
    "freedom": ("bird", "broken chain", "stick", "stone"),
    "justice": ("scales", "gavel", "stick", "stone"),
    "time": ("hourglass", "clock", "stick", "stone"),
    "peace": ("dove", "olive branch", "stick", "stone"),
    "wisdom": ("owl", "book", "stick", "stone"),
    "speed": ("rocket", "hare", "stick", "stone"),
    "love": ("heart", "rose", "stick", "stone"),
    "luck": ("clover", "horseshoe", "stick", "stone"),
}
"""Things of each concept; two that say it, and two that say nothing."""
CONCEPTS = tuple(STANDS_FOR)


class ToyPainter:
    """Paints one colour, and writes what it was asked for into the file."""

    name = "toy"

    def render(self, scenes: Sequence[Scene]) -> list[Rendered]:
        return [self._one(scene) for scene in scenes]

    def _one(self, scene: Scene) -> Rendered:
        shown = tuple(one.phrase for one in scene.objects.objects)
        note, out = PngImagePlugin.PngInfo(), io.BytesIO()
        note.add_text("shown", "|".join(shown or (scene.prompt.text,)))
        colour = tuple(int(x) for x in numpy_generator(scene.seed, "colour").integers(256, size=3))
        Image.new("RGB", (scene.size, scene.size), colour).save(out, "PNG", pnginfo=note)
        return Rendered(out.getvalue(), credits=(Credit(what="toy icons", author="nobody", licence="CC0-1.0"),), shown=shown)


class ToyJudge:
    """Knows which words stand for a concept; the two useless things speak a little for the word `luck`."""

    def __init__(self, name: str, sees: float = 1.0) -> None:
        self.name, self.sees = name, sees

    def scores(self, shown: Sequence[Any], words: Sequence[str]) -> NDArray[np.float64]:
        texts = [one if isinstance(one, str) else self.read(one) for one in shown]
        return np.array([[self._score(text, word) for word in words] for text in texts]).reshape(len(texts), len(words))

    def read(self, picture: bytes | Path) -> str:
        data = picture if isinstance(picture, bytes) else picture.read_bytes()
        with Image.open(io.BytesIO(data)) as opened:
            return str(opened.info["shown"])

    def _score(self, text: str, word: str) -> float:
        if word not in STANDS_FOR:
            return 0.9 * self.sees * (word in text) * (word in ("stick", "stone"))
        hits = sum(thing in text for thing in STANDS_FOR[word][:2])
        return hits + 0.4 * (word in text.split())


class ToyLab:
    """Objects are drawn among the four of a concept; forms among two."""

    dataset, digest = "toy-concepts", "0" * 64

    def __init__(self, version: int = 1) -> None:
        self.version, self.painted, self.stagings = version, 0, 0

    def concepts(self, part: Part) -> tuple[str, ...]:
        return CONCEPTS[:6] if part == "test" else CONCEPTS[6:]

    def stages_facts(self, settings: StageSettings) -> Mapping[str, Any]:
        return {"settings": settings.model_dump(mode="json"), "version": self.version}

    def renderer_facts(self, name: str) -> Mapping[str, Any]:
        return {"renderer": name}

    def judge_facts(self, name: str) -> Mapping[str, Any]:
        return {"judge": name}

    def lists_facts(self) -> Mapping[str, Any]:
        return {"k": 4}

    def make(self, concepts: Sequence[str], seed: int, settings: StageSettings, tell: Callable[[str], None]) -> list[Made]:
        self.stagings += 1
        found = []
        for one in concepts:
            layers = self._layers(one, settings, seed, ())
            other = layers.model_copy(update={"intent": layers.intent.model_copy(update={"by": "random"})})
            found.append(Made(concept=one, chosen=layers, random=other))
        return found

    def ask(self, condition: str, made: Made, other: Made, settings: StageSettings, seed: int) -> Asked:
        intent, objects, form = layers_of(condition, made, other)
        words = {"A": made.concept, "B": intent.sense.gloss, "C": intent.sense.gloss, "D": intent.sense.gloss, "E-sense": "other"}
        parts = [words.get(condition, ""), *(thing.phrase for thing in objects.objects), *(one.text for one in form.patterns)]
        return Asked(made.concept, Prompt(text=", ".join(part for part in parts if part) or "."), objects, form)

    def again(self, layers: Layers, without: Sequence[str], settings: StageSettings, seed: int) -> Layers:
        return self._layers(layers.intent.concept, settings, seed, without)

    def mask(self, made: Made, text: str) -> tuple[str, int]:
        words = text.split(" ")
        return " ".join(word for word in words if word != made.concept), words.count(made.concept)

    def check(self, judge: str) -> dict[str, Any]:
        return {"shares": {"near": [1.0, None, None, 0.25], "random": [1.0, None, None, 0.25]}, "n": 6}

    def background(self, n: int) -> list[Asked]:
        things = [thing for of in STANDS_FOR.values() for thing in of]
        sets = [ObjectSet(objects=(DepictedObject(phrase=things[at % len(things)]),)) for at in range(n)]
        return [Asked("", Prompt(text=one.objects[0].phrase), one, Form(patterns=())) for one in sets]

    def lists(self, concepts: Sequence[str], distractors: Distractors) -> list[ClosedList]:
        paths = {one: ("abstraction", "ab"[at % 2], one) for at, one in enumerate(CONCEPTS)}
        found = closed_lists(concepts, paths, 4, distractors, 0)
        return [found[one] for one in concepts]

    def open_renderer(self, name: str) -> ToyPainter:
        self.painted += 1
        return ToyPainter()

    def open_text_judge(self, name: str) -> ToyJudge:
        return ToyJudge(name)

    def open_image_judge(self, name: str) -> ToyJudge:
        return ToyJudge(name)

    def _layers(self, concept: str, settings: StageSettings, seed: int, without: Sequence[str]) -> Layers:
        draw = numpy_generator(seed, "toy objects", concept)
        things = [one for one in draw.permutation(STANDS_FOR[concept]).tolist() if one not in without][: settings.objects]
        sense = Sense(id=f"{concept}.n.01", gloss=f"what {concept} is", lemmas=(concept,))
        pattern = FormPattern(
            id=f"{seed % 2:012d}", text=("oil", "ink")[seed % 2], slots={"medium": ("oil", "ink")[seed % 2]}, source="toy"
        )
        objects = tuple(DepictedObject(phrase=one, source="relation") for one in things)
        return Layers(
            intent=Intent(concept=concept, sense=sense), objects=ObjectSet(objects=objects), form=Form(patterns=(pattern,))
        )
