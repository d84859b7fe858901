"""WordNet's files, the table made of them, and what the lexicon answers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tiny_lexicon import write_table, write_wordnet

from reverie.errors import ConfigError, DataError
from reverie.imagery.lexicon import Lexicon, load_lexicon
from reverie.imagery.wordnet.files import wordnet_folder
from reverie.imagery.wordnet.forms import inflected
from reverie.imagery.wordnet.table import wordnet_table
from reverie.imagery.wordnet.terms import singular, term_rows, words_of


def test_the_table_made_by_nltk_is_the_one_written_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nltk")
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    made = wordnet_table(write_wordnet(tmp_path / "wordnet"))
    by_hand = write_table(tmp_path / "table.sqlite")
    for name in ("senses", "links", "words", "irregular", "attested", "terms", "glosses"):
        found = []
        for path in (made, by_hand):
            with closing(sqlite3.connect(path)) as table:
                found.append(sorted(table.execute(f"SELECT * FROM {name}").fetchall()))  # noqa: S608
        assert found[0] == found[1], name
    before = made.stat().st_mtime_ns
    monkeypatch.setenv("REVERIE_WORDNET", str(tmp_path / "wordnet"))
    assert wordnet_table() == made
    assert made.stat().st_mtime_ns == before


def test_a_folder_must_hold_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match=r"has no data\.noun"):
        wordnet_folder(tmp_path)
    monkeypatch.setenv("REVERIE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REVERIE_OFFLINE", "1")
    monkeypatch.delenv("REVERIE_WORDNET", raising=False)
    monkeypatch.setattr("reverie.imagery.wordnet.files.DEBIAN", tmp_path)
    with pytest.raises(DataError, match="not fetched yet, and offline"):
        load_lexicon.__wrapped__()


def test_senses_come_in_order_and_by_inflected_forms(lexicon: Lexicon) -> None:
    assert [one.id for one in lexicon.senses("Freedom")] == ["freedom.n.01", "exemption.n.01"]
    assert lexicon.senses("freedoms")[0].examples == ("freedom of the press",)
    assert lexicon.lookup("mice") == lexicon.lookup("mouse") == ["mouse.n.01"]
    assert lexicon.sense("freedom.n.01").gloss == "the condition of being free, as a bird out of its cage"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("paris", "only a name"),
        ("freedum", r"did you mean 'freedom'"),
        ("free", "the noun may be 'freedom'"),
        ("qqqqqq", "give another word"),
        ("12", "no English word"),
        ("", "no English word"),
        ("[x", "no noun"),
    ],
)
def test_words_without_a_sense_are_sentences(lexicon: Lexicon, word: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        lexicon.senses(word)


def test_where_senses_lie(lexicon: Lexicon) -> None:
    assert lexicon.is_physical("dove.n.01")
    assert not lexicon.is_physical("freedom.n.01")
    assert lexicon.is_abstract("freedom.n.01")
    assert lexicon.path("dove.n.01") == ("entity", "physical entity", "animal", "bird", "dove")
    assert lexicon.ancestors("dove.n.01") == {"dove.n.01", "bird.n.01", "animal.n.01", "physical_entity.n.01", "entity.n.01"}
    assert lexicon.depth("dove.n.01") == 4
    assert ("independence.n.01", "-kind", "has the kind") in lexicon.related("freedom.n.01")
    assert [one.sense for one in lexicon.related("freedom.n.01", ("kind",))] == ["state.n.01"]
    assert lexicon.neighbours("freedom.n.01") == ["exemption.n.01", "state.n.01"]
    assert lexicon.part_of_lexicon("cage.n.01") == "noun.artifact"
    with pytest.raises(ConfigError, match="has no sense 'dove'"):
        lexicon.sense("dove")


def test_a_family_of_words(lexicon: Lexicon) -> None:
    assert {"freedom", "freedoms", "free", "freer"} <= lexicon.derived_forms("freedom")
    assert "cage" not in lexicon.derived_forms("freedom")
    assert inflected("stop", "v") == {"stop", "stops", "stoped", "stopped", "stoping", "stopping"}
    assert inflected("pity", "nv") == {"pity", "pities", "pitied", "pitying"}
    assert inflected("hope", "v") == {"hope", "hopes", "hoped", "hoping"}


def test_concepts_and_things_are_told_apart(lexicon: Lexicon) -> None:
    assert [row[0] for row in lexicon.nouns(abstract=True)] == ["freedom", "justice", "tax"]
    assert lexicon.is_physical("cage.n.01")
    assert not lexicon.is_physical("freedom.n.01")


def test_words_of_glosses_are_counted(lexicon: Lexicon) -> None:
    assert lexicon.glosses_with("freedom") == [("cage.n.01", 1, 8), ("chain.n.01", 1, 6)]
    assert lexicon.glosses[0] == 9
    assert [singular(word) for word in ("birds", "boxes", "cities", "glass", "bus", "owner's")] == [
        "bird", "box", "city", "glass", "bus", "owner",
    ]  # fmt: skip
    assert words_of("The birds that were kept in a CAGE") == ["bird", "kept", "cage"]
    assert list(term_rows([("cage.n.01", "birds in a cage, a bird", [], ["cage"])])) == [("bird", "cage.n.01", 2, 2)]


def test_a_damaged_table_is_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "table.sqlite"
    broken.write_bytes(b"no table" * 200)
    with pytest.raises(DataError, match="is damaged"):
        Lexicon(broken).lookup("freedom")
