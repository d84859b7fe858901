"""Forms out of prompts that people wrote: what is left out, which slot, by rules and by a language model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "lexicon"))

from typing import TYPE_CHECKING

from tiny_lexicon import write_table

from reverie.errors import ConfigError, DataError
from reverie.imagery.forms.collections import load_patterns
from reverie.imagery.forms.extraction import ExtractionOptions, extract
from reverie.imagery.forms.phrases import PhraseFilter, phrases_of, read_prompts, slot_words
from reverie.imagery.forms.reading import LABELS, read_slots
from reverie.imagery.forms.rules import slot_of
from reverie.imagery.lexicon import Lexicon
from reverie.imagery.records import SLOTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reverie.imagery.language import LocalLanguageModel

PROMPTS = [
    "a dove in a cage, pencil drawing, free light, golden tones, masterpiece",
    "Free brushstrokes; golden TONES; portrait by pablo picasso",
    "paris light, a mosaic, 8k, light by monet, free view from above",
]


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Lexicon:
    return Lexicon(write_table(tmp_path_factory.mktemp("lexicon") / "table.sqlite"))


class Reader:
    """A language model that expects the label whose word stands in the phrase."""

    name = "reader"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def log_likelihoods(self, contexts: Sequence[str], continuations: Sequence[str]) -> NDArray[np.float64]:
        phrases = [context.rpartition("\n")[2].rstrip(":") for context in contexts]
        self.asked += phrases
        return np.array([5.0 * (end.strip() in phrase) - len(end) for phrase, end in zip(phrases, continuations, strict=True)])

    def complete(self, prompts: Sequence[str], n_tokens: int, seed: int, temperature: float = 0.0) -> list[str]:
        raise AssertionError


def test_things_names_and_praise_are_left_out(lexicon: Lexicon) -> None:
    passes = PhraseFilter(lexicon).passes
    kept = ["mosaic", "free light", "golden tones", "view from above", "impressionism"]
    assert [phrase for phrase in kept if not passes(phrase)] == []
    long = "one of the two light and free views of a light"
    for phrase in (
        "dove drawing",
        "caged light",
        "paris light",
        "rutkowski light",
        "masterpiece",
        "light by monet",
        "8k light",
        "",
        long,
    ):
        assert not passes(phrase), phrase
    assert not PhraseFilter(lexicon, frozenset({"free"})).passes("free light")
    assert not PhraseFilter(lexicon, frozenset({"golden tones"})).passes("free golden tones")


def test_the_word_at_the_end_tells_the_slot() -> None:
    expected = {
        "soft morning light": "light", "pencil drawing": "medium", "muted colours": "palette", "view from above": "viewpoint",
        "central composition": "composition", "thick brushstrokes": "texture", "eerie atmosphere": "mood", "cubism": "movement",
        "light in the forest": None, "colour scheme": "palette", "abc": None, "": None,
    }  # fmt: skip
    assert {phrase: slot_of(phrase) for phrase in expected} == expected
    words = slot_words()
    heads = [word for slot in SLOTS for word in words[slot]]
    assert len(heads) == len(set(heads)), [word for word in heads if heads.count(word) > 1]


def test_a_prompt_becomes_one_pattern_of_several_slots(lexicon: Lexicon) -> None:
    patterns = extract(PROMPTS, "test", ExtractionOptions(), PhraseFilter(lexicon))
    first, second, third = (dict(one.slots) for one in patterns)
    assert first == {"medium": "pencil drawing", "light": "free light", "palette": "golden tones"}
    assert second == {"texture": "free brushstrokes", "palette": "golden tones"}
    assert third == {"medium": "a mosaic", "viewpoint": "free view from above"}
    said = " ".join(one.text for one in patterns)
    assert not [word for word in ("dove", "masterpiece", "picasso", "monet", "paris", "8k") if word in said]
    assert {(one.source, one.extracted_by) for one in patterns} == {("test", "rules")}


def test_a_language_model_reads_what_rules_do_not_know(lexicon: Lexicon) -> None:
    reader = Reader()
    phrases = ["free mood", "free freedom", "free light"]
    slots, margins = read_slots(reader, phrases)
    assert (slots[0], slots[2]) == ("mood", "light")
    assert margins[[0, 2]] == pytest.approx([5.0, 5.0])
    assert margins[1] == pytest.approx(0.0)
    found = extract([*phrases, "a dove"], "test", ExtractionOptions(method="llm", margin=2.0), PhraseFilter(lexicon), reader)
    assert {one.text: (dict(one.slots), one.extracted_by) for one in found} == {
        "free mood": ({"mood": "free mood"}, "llm"), "free light": ({"light": "free light"}, "llm"),
    }  # fmt: skip
    assert "a dove" not in reader.asked
    few = extract(phrases, "test", ExtractionOptions(method="llm", sample=1), PhraseFilter(lexicon), reader)
    assert len(few) <= 1
    with pytest.raises(ValueError, match="needs a language model"):
        extract(phrases, "test", ExtractionOptions(method="llm"), PhraseFilter(lexicon))


def test_slots_are_read_against_phrases_that_say_nothing(tiny_language_model: LocalLanguageModel) -> None:
    slots, margins = read_slots(tiny_language_model, ["soft", "hard edges"])
    assert set(slots) <= set(LABELS)
    assert (margins >= 0).all()
    assert read_slots(tiny_language_model, ["soft", "hard edges"])[0] == slots


def test_a_file_of_prompts(tmp_path: Path, lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "prompts.txt"
    path.write_text("\n".join(PROMPTS) + "\n\n")
    patterns = load_patterns(str(path), lexicon)
    assert patterns
    assert {one.source for one in patterns} == {"prompts.txt"}
    assert load_patterns(str(path), lexicon) == patterns
    assert len(list((tmp_path / "cache" / "imagery").glob("forms-rules-*.json"))) == 1
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xff")
    with pytest.raises(ConfigError, match=r"prompts.txt is not text .*one prompt a line"):
        load_patterns(str(path), lexicon)
    path.write_bytes(b"text\x00\x01")
    with pytest.raises(ConfigError, match="is not text"):
        read_prompts(path)
    path.write_text("\n \n")
    with pytest.raises(ConfigError, match="holds no prompt"):
        read_prompts(path)
    path.write_text("a dove, a cage")
    with pytest.raises(DataError, match="holds no phrase that speaks of form"):
        load_patterns(str(path), lexicon)
    with pytest.raises(DataError, match=r"there is no file ruls \(did you mean 'rules'\?\)"):
        load_patterns("ruls", lexicon)
    with pytest.raises(DataError, match="is a folder"):
        load_patterns(str(tmp_path), lexicon)


def test_the_collection_that_is_not_fetched_is_one_sentence(
    tmp_path: Path, lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path))
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    with pytest.raises(DataError, match="not fetched yet, and offline"):
        load_patterns("rules", lexicon)


def test_prompts_fall_into_phrases() -> None:
    assert phrases_of("A dove,  Soft LIGHT; tones|view.\n") == ["a dove", "soft light", "tones", "view"]
