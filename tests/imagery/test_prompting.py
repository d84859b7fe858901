"""Prompts of every condition hold their layers and no other, and masked prompts none of the concept's words."""

from __future__ import annotations

import pytest

from reverie.imagery.prompting import CONDITIONS, MASK, PARTS, Condition, assemble_prompt, listed, mask, with_article
from reverie.imagery.records import DepictedObject, Form, FormPattern, Intent, ObjectSet, Sense

INTENT = Intent(concept="freedom", sense=Sense(id="freedom.n.01", gloss="the condition of being free"))
OBJECTS = ObjectSet(objects=tuple(DepictedObject(phrase=phrase) for phrase in ("open cage", "bird", "broken chain")))
SLOTS = {"medium": "woodcut", "light": "low morning light", "palette": "muted blues"}
FORM = Form(patterns=(FormPattern(id="0" * 12, text="woodcut, low morning light, muted blues", slots=SLOTS, source="test"),))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_holds_its_layers_and_no_other(condition: Condition) -> None:
    text = assemble_prompt(INTENT, OBJECTS, FORM, condition).text
    said = {"word": ("freedom",), "gloss": (INTENT.sense.gloss,), "objects": ("open cage", "bird", "broken chain")}
    said["form"] = tuple(SLOTS.values())
    for layer, phrases in said.items():
        assert all((phrase in text) == (layer in PARTS[condition]) for phrase in phrases), layer


def test_the_whole_prompt_reads_well() -> None:
    shown = "a woodcut of an open cage with a bird and a broken chain"
    expected = f"{shown}, meaning the condition of being free, low morning light, muted blues"
    assert assemble_prompt(INTENT, OBJECTS, FORM, "D").text == expected
    nothing, formless = ObjectSet(objects=()), Form(patterns=())
    assert assemble_prompt(INTENT, nothing, formless, "OF").text == ""
    assert assemble_prompt(INTENT, OBJECTS, FORM, "E-form").text == "a woodcut, low morning light, muted blues"


def test_articles() -> None:
    taking_an = ["an hourglass", "an apple", "an umbrella", "an eye", "an honour"]
    taking_a = ["a unicorn", "a bus", "a uniform", "a house", "a glass bead"]
    for phrase in [*taking_an, *taking_a]:
        assert with_article(phrase.partition(" ")[2]) == phrase
    for phrase in ("scissors", "water", "stained glass", "the sea", "two doves", "rain", "oil"):
        assert with_article(phrase) == phrase
    assert listed(["kite"]) == "a kite"
    assert listed(["kite", "oak"]) == "a kite with an oak"


def test_masking_finds_derived_and_inflected_forms() -> None:
    forms = ["freedom", "free", "free will", "liberty"]
    text, n_masked = mask("Freedom: the free-wheeling, Freed liberties of free  will; a freezer, carefree, unfreedom", forms)
    assert text == f"{MASK}: the {MASK}-wheeling, {MASK} {MASK} of {MASK}; a freezer, carefree, unfreedom"
    assert n_masked == 5
    assert mask("time's up, timing and timed; a+b?", ["time", "a+b"]) == (f"{MASK} up, {MASK} and {MASK}; {MASK}?", 4)
    assert mask("nothing", []) == ("nothing", 0)
    assert mask("nothing", [" "]) == ("nothing", 0)
