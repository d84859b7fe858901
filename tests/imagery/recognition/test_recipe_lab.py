"""The lab of a recipe on a tiny WordNet: what is made of a concept, what conditions take of it, and what is refused at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "lexicon"))

from tiny_lexicon import write_icons, write_norms, write_table

from reverie.errors import ConfigError, RunError
from reverie.imagery.concepts import Concept, ConceptList
from reverie.imagery.icon_links import link_icons
from reverie.imagery.icons import read_icons
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.norms import Norms
from reverie.imagery.recognition.recipe import IMAGERY
from reverie.imagery.recognition.recipe_lab import RecipeLab
from reverie.imagery.recognition.settings import StageSettings
from reverie.imagery.records import Credit
from reverie.imagery.workshop import Workshop

SETTINGS = StageSettings(objects=2, drawable_only=False)
VALUES: dict[str, Any] = {
    "name": "tiny",
    "concepts": {"dev": 1, "test": 2},
    "judges": {"minilm": {"mode": "text", "kind": "minilm"}},
    "k": 2,
}


class TinyWorkshop(Workshop):
    """A workshop whose tools are tiny."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.lexicon = Lexicon(write_table(folder / "table.sqlite"))
        written = write_icons(folder)
        credit = Credit(what="tiny icons", author="the tests", licence="CC0")
        self.icons = link_icons(read_icons("tiny", written, written / "tags.json", credit), self.lexicon)
        self.norms = Norms(write_norms(folder))


def lab_of(folder: Path, **changed: Any) -> RecipeLab:
    folder.mkdir(exist_ok=True)
    lab = RecipeLab(IMAGERY.parse(VALUES | changed, "here"), shop=TinyWorkshop(folder))
    senses = (("justice", 2, "test"), ("freedom", 3, "test"), ("independence", 4, "dev"))
    listed = tuple(Concept(word, f"{word}.n.01", depth, 1, part) for word, depth, part in senses)  # type: ignore[arg-type]
    lab._list = ConceptList("tiny", listed)
    return lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> RecipeLab:
    return lab_of(tmp_path_factory.mktemp("lab"))


def test_conditions_take_their_layers_and_nothing_else(lab: RecipeLab) -> None:
    justice, freedom = lab.make(lab.concepts("test"), 0, SETTINGS, lambda _: None)
    assert (justice.concept, freedom.concept) == ("justice", "freedom")
    assert freedom.chosen.objects.objects
    assert freedom.random.intent.sense.id != freedom.chosen.intent.sense.id
    assert justice.random == justice.chosen  # a word of one sense
    asked = {one: lab.ask(one, freedom, justice, SETTINGS, 0) for one in ("A", "B", "C", "D", "O", "OF", "E-shuffled", "E-form")}
    assert asked["A"].prompt.text == "freedom"
    shown = {name: [thing.phrase for thing in one.objects.objects] for name, one in asked.items()}
    assert shown["A"] == shown["B"] == shown["E-form"] == []
    assert shown["C"] == shown["D"] == shown["O"] == shown["OF"] != shown["E-shuffled"]
    assert [bool(asked[name].form.patterns) for name in ("C", "D", "O", "OF", "E-form")] == [False, True, False, True, True]
    gloss = freedom.chosen.intent.sense.gloss
    assert [gloss in asked[name].prompt.text for name in ("B", "C", "D", "O", "OF")] == [True, True, True, False, False]
    masked, n = lab.mask(freedom, f"free birds, {gloss}")
    assert n == 2  # free comes of it
    assert "free" not in masked


def test_what_is_sent_back_does_not_come_again(lab: RecipeLab) -> None:
    freedom = lab.make(["freedom"], 0, SETTINGS, lambda _: None)[0]
    first = freedom.chosen.objects.objects[0].phrase
    again = lab.again(freedom.chosen, [first], SETTINGS, 3)
    assert first not in [one.phrase for one in again.objects.objects]
    assert again.intent == freedom.chosen.intent
    everything = ["bird", "dove", "cage", "chain", "broken chain", "scale", "balance scale", "mouse", "animal", "artifact"]
    assert lab.again(freedom.chosen, everything, SETTINGS, 3).objects.objects == ()


def test_the_same_seed_makes_the_same_and_lists_do_not_depend_on_it(lab: RecipeLab, tmp_path: Path) -> None:
    other = lab_of(tmp_path)
    words = lab.concepts("test")
    assert lab.make(words, 1, SETTINGS, lambda _: None) == other.make(words, 1, SETTINGS, lambda _: None)
    assert lab.stages_facts(SETTINGS) == other.stages_facts(SETTINGS)
    assert lab.stages_facts(SETTINGS) != lab.stages_facts(StageSettings())
    for one in lab.lists(words, "near"):
        assert one.concept in one.words
        assert len(one.words) == 2
    assert lab.lists_facts()["pool"] == lab.digest


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"renderers": {"nobody": {"kind": "none"}}}, "'nobody' paints nothing"),
        ({"renderers": {"c": {"kind": "collage", "icon": "x"}}}, "did you mean 'icons'"),
        ({"renderers": {"c": {"kind": "colage"}}}, "did you mean 'collage'"),
        ({"judges": {"j": {"mode": "text", "kind": "minilm", "set": {"weight": "x"}}}}, "did you mean 'weights'"),
        ({"judges": {"j": {"mode": "text", "kind": "matcher"}}}, "judge of texts 'matcher'"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_opened(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RecipeLab(IMAGERY.parse(VALUES | changed, "here"))
    assert said in str(caught.value)


def test_what_is_not_there_is_one_sentence_with_what_to_do(tmp_path: Path) -> None:
    asks = lab_of(tmp_path / "a", concepts={"dev": 1, "test": 9})
    with pytest.raises(ConfigError, match="has 2 test concepts, and the recipe asks for 9"):
        asks.concepts("test")
    judges = {"judge": {"mode": "image", "kind": "matcher", "set": {"folder": str(tmp_path)}}}
    untrained = lab_of(tmp_path / "b", judges=judges, renderers={"collage": {"kind": "collage"}})
    with pytest.raises(RunError, match="run 'reverie imagery imagery-matchers"):
        untrained.judge_facts("judge")
