"""A rewriting is taken only where every object survives it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest

from reverie.imagery.records import DepictedObject, ObjectSet, Prompt
from reverie.imagery.rewriting import WARMTH, first_sentence, lost_objects, rewrite_prompt

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reverie.imagery.language import LocalLanguageModel

OBJECTS = ObjectSet(objects=tuple(DepictedObject(phrase=phrase) for phrase in ("open cage", "dove")))
PROMPT = Prompt(text="a woodcut of an open cage with a dove", negative="text")


class Writer:
    """A language model that writes given lines, one a temperature."""

    name = "writer"

    def __init__(self, *lines: str) -> None:
        self.lines, self.temperatures = list(lines), list[float]()

    def log_likelihoods(self, contexts: Sequence[str], continuations: Sequence[str]) -> NDArray[np.float64]:
        raise AssertionError

    def complete(self, prompts: Sequence[str], n_tokens: int, seed: int, temperature: float = 0.0) -> list[str]:
        assert PROMPT.text in prompts[0]
        self.temperatures.append(temperature)
        return [self.lines[len(self.temperatures) - 1]]


def test_the_first_rewriting_that_loses_nothing_is_taken() -> None:
    writer = Writer(" A dove flies away.", " Doves leave an OPEN cage, in woodcut. More.", " never read")
    found = rewrite_prompt(PROMPT, OBJECTS, writer, seed=1)
    assert found == PROMPT.model_copy(update={"text": "Doves leave an OPEN cage, in woodcut.", "rewritten_by": "writer"})
    assert writer.temperatures == list(WARMTH[:2])


def test_the_template_stands_where_every_rewriting_loses_something() -> None:
    found = rewrite_prompt(PROMPT, OBJECTS, Writer(" Nothing of it.", " A dove and a cage.", " cut off before its end"), seed=1)
    assert (found.text, found.rewritten_by, found.lost) == (PROMPT.text, None, ("open cage",))


def test_a_random_model_loses_objects(tiny_language_model: LocalLanguageModel) -> None:
    found = rewrite_prompt(PROMPT, OBJECTS, tiny_language_model, seed=1)
    assert found.text == PROMPT.text
    assert set(found.lost) <= {"open cage", "dove"}
    assert found.lost


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" One scene of two. Three", "One scene of two."),
        ("no end of it", ""),
        ("", ""),
        ("Line one of it!\nmore.", "Line one of it."),
    ],
)
def test_first_sentence(text: str, expected: str) -> None:
    assert first_sentence(text) == expected


def test_lost_objects_reads_over_numbers() -> None:
    assert lost_objects("Two open cages; some doves", OBJECTS) == ()
    assert lost_objects("an open door and a dovecote", OBJECTS) == ("open cage", "dove")
