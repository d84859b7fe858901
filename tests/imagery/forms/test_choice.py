"""The form of a picture: what it covers, what it never says, and what it depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reverie.errors import DataError
from reverie.imagery.forms.choice import FAR, FormOptions, choose_form, standardised
from reverie.imagery.forms.fitness import NEUTRAL, SHOTS, slot_likelihoods
from reverie.imagery.forms.form_library import FormLibrary
from reverie.imagery.forms.patterns import distinct, form_pattern, written_patterns
from reverie.imagery.records import SLOTS, DepictedObject, Form, Intent, ObjectSet, Sense, SlotName

if TYPE_CHECKING:
    from reverie.imagery.language import LocalLanguageModel

INTENT = Intent(
    concept="calm", sense=Sense(id="calm.n.01", gloss="quiet and even state of mind", lemmas=("calm", "tender feeling"))
)
OBJECTS = ObjectSet(objects=(DepictedObject(phrase="lake"),))


@pytest.fixture(scope="module")
def library() -> FormLibrary:
    return FormLibrary(written_patterns())


def test_written_patterns_fill_every_slot_and_are_distinct() -> None:
    patterns = written_patterns()
    assert len(patterns) >= 60
    assert {slot for one in patterns for slot in one.slots} == set(SLOTS)
    assert len({one.id for one in patterns}) == len(patterns) == len(distinct(patterns))


def test_spellings_of_one_pattern_are_one() -> None:
    made = [form_pattern({"palette": text}, "test", "rules") for text in ("Muted Colors", "muted  colours", "muted greys")]
    assert [one.text for one in distinct(made)] == ["Muted Colors", "muted greys"]


@pytest.mark.parametrize("by", ["bm25", "random"])
def test_slots_are_covered_once(library: FormLibrary, by: str) -> None:
    for seed in range(20):
        form = choose_form(INTENT, OBJECTS, library, FormOptions(by=by), seed=seed)
        assert {"medium", "light", "palette"} <= {slot for one in form.patterns for slot in one.slots}
        assert len({one.id for one in form.patterns}) == len(form.patterns)
        assert form.retrieved_by == by


def test_the_form_never_names_what_is_meant(library: FormLibrary) -> None:
    seen = {
        one.text
        for seed in range(60)
        for one in choose_form(INTENT, OBJECTS, library, FormOptions(by="random"), seed=seed).patterns
    }
    assert not [text for text in seen if "calm" in text or "tender" in text]
    assert any("quiet" in text for text in seen) or len(seen) > 30


def test_a_seed_gives_a_form_and_other_seeds_others(library: FormLibrary) -> None:
    forms = [choose_form(INTENT, OBJECTS, library, seed=seed) for seed in range(8)]
    assert forms[3] == choose_form(INTENT, OBJECTS, FormLibrary(written_patterns()), seed=3)
    assert len({form.model_dump_json() for form in forms}) > 4
    cold = FormOptions(temperature=0.0)
    assert len({choose_form(INTENT, OBJECTS, library, cold, seed=seed).model_dump_json() for seed in range(4)}) == 1


def test_words_in_common_and_their_glosses_decide() -> None:
    slots: tuple[tuple[SlotName, str], ...] = (("medium", "slate relief"), ("medium", "quiet drawing"), ("medium", "glum etching"))
    patterns = [form_pattern({slot: text}, "test", "rules") for slot, text in slots]
    cold = FormOptions(temperature=0.0)

    def first(library: FormLibrary) -> str:
        return choose_form(INTENT, OBJECTS, library, cold).patterns[0].text

    assert first(FormLibrary(patterns)) == "quiet drawing"
    glosses = {"slate": "as even as a lake, a state of mind"}
    assert first(FormLibrary(patterns, lambda word: glosses.get(word, ""))) == "slate relief"


def test_repeating_costs() -> None:
    patterns = [form_pattern({"medium": "grey wash"}, "t", "rules"), form_pattern({"light": "grey wash of dusk"}, "t", "rules")]
    patterns += [form_pattern({"light": "bright noon"}, "t", "rules")]
    intent = INTENT.model_copy(update={"sense": Sense(id="x.n.01", gloss="grey wash of dusk")})

    def light(variety: float) -> str | None:
        return choose_form(intent, OBJECTS, FormLibrary(patterns), FormOptions(temperature=0.0, variety=variety)).slot("light")

    assert (light(0.0), light(10.0)) == ("grey wash of dusk", "bright noon")


def test_likelihood_is_with_the_concept_against_without(library: FormLibrary, tiny_language_model: LocalLanguageModel) -> None:
    found = library.with_slot("mood")[:3]
    values = slot_likelihoods(tiny_language_model, library, {"mood": found}, INTENT, OBJECTS)["mood"]
    said = [f" {library.patterns[at].slots['mood']}." for at in found]
    context = f"{SHOTS}Idea: calm, {INTENT.sense.gloss}. Shown: lake. Mood:"
    with_concept = [tiny_language_model.log_likelihoods([context], [text])[0] for text in said]
    without = [tiny_language_model.log_likelihoods([f"{NEUTRAL} Mood:"], [text])[0] for text in said]
    assert values == pytest.approx(np.subtract(with_concept, without), abs=1e-3)
    options = FormOptions(by="likelihood", slots=("mood",), candidates=3)
    assert choose_form(INTENT, OBJECTS, library, options, tiny_language_model).retrieved_by == "likelihood"
    with pytest.raises(ValueError, match="needs a language model"):
        choose_form(INTENT, OBJECTS, library, options)


def test_nothing_to_choose_from_is_one_sentence() -> None:
    with pytest.raises(DataError, match="no pattern of form"):
        choose_form(INTENT, OBJECTS, FormLibrary([]))


def test_standardised() -> None:
    values = standardised([1.0, 2.0, 6.0])
    assert (values.mean(), values.std()) == pytest.approx((0.0, 1.0))
    assert standardised([2.0, 2.0]).tolist() == [0.0, 0.0]
    assert standardised([0.0] * 20 + [1.0])[-1] == FAR
    assert Form(patterns=()).slot("light") is None
