"""Titles, their keys, the prefix tree and the matcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from reverie.data.vocabulary import Vocabulary
from reverie.errors import DataError
from reverie.llm.generate import TitleTree, greedy_decode
from reverie.llm.interpreter.measure import Matcher, original_count
from reverie.llm.titles import TitleOptions, Titles, catalogue_titles, tidy, title_key

if TYPE_CHECKING:
    from reverie.llm.backbone import Backbone

TITLES = Titles(("Heat", "Heat Wave", "Big", "The Usual Suspects", "I, Robot", "What? (Quoi?)", "Big"))


def _vocabulary(titles: list[str | None] | None) -> Vocabulary:
    items = pl.Series("item", [10, 20, 30])
    return Vocabulary(items, pl.Series("user", [1]), None if titles is None else pl.Series("title", titles, dtype=pl.String))


def test_titles_as_people_write_them() -> None:
    assert tidy("Usual Suspects, The (1995)") == "The Usual Suspects"
    assert tidy("Usual Suspects, The (1995)", "keep") == "The Usual Suspects (1995)"
    assert tidy("Avventura, L' (1960)") == "L'Avventura"
    assert tidy("2001: A Space  Odyssey (1968)") == "2001: A Space Odyssey"
    assert title_key('"the usual suspects (1995)".') == title_key("Usual Suspects, The")
    assert (title_key(" !!! "), title_key("?"), title_key("  ")) == ("!!!", "?", "")


def test_missing_and_doubled_titles_are_one_sentence() -> None:
    with pytest.raises(DataError, match="have no titles"):
        catalogue_titles(_vocabulary(None), TitleOptions())
    with pytest.raises(DataError, match=r"item '20' has no title \(1 items"):
        catalogue_titles(_vocabulary(["a", None, "c"]), TitleOptions())
    doubled = _vocabulary(["Sabrina (1954)", "Sabrina (1995)", "Heat"])
    with pytest.raises(DataError, match=r"items '10' and '20' have the same title 'Sabrina'.*duplicates: share"):
        catalogue_titles(doubled, TitleOptions())
    assert catalogue_titles(doubled, TitleOptions(year="keep")).texts[0] == "Sabrina (1954)"
    assert catalogue_titles(doubled, TitleOptions(duplicates="share")).canonical.tolist() == [0, 1, 1, 3]


def test_long_titles_end_with_a_word_that_fits() -> None:
    long = _vocabulary(["OPI Nail Lacquer, Simmer and Shimmer", "Unbreakable-thing", "Heat Wave!"])
    cut = catalogue_titles(long, TitleOptions(longest=17)).texts
    assert cut == ("OPI Nail Lacquer", "Unbreakable-thing", "Heat Wave!")
    assert catalogue_titles(long, TitleOptions(longest=10)).texts == ("OPI Nail", "Unbreakabl", "Heat Wave!")


def test_the_tree_allows_titles_only(tiny: Backbone) -> None:
    tree = TitleTree(tiny, TITLES, max_titles=2)
    firsts = {tiny.tokens(text)[0] for text in TITLES.texts}
    assert set(tree.allowed(0, [])) == firsts
    line = [*tiny.tokens("Heat"), *tiny.tokens("\n")]
    assert set(tree.allowed(0, tiny.tokens("Heat"))) == {tiny.tokens(" ")[0], *tiny.tokens("\n")}
    assert set(tree.allowed(0, line)) == firsts | {tiny.end}
    assert set(tree.allowed(0, [*line, *tiny.tokens("Heat")])) == set(tiny.tokens(" "))  # said once, only 'Heat Wave' is left
    assert tree.allowed(0, [*line, *tiny.tokens("Big"), *tiny.tokens("\n")]) == [tiny.end]


@pytest.mark.parametrize("seed", range(3))
def test_constrained_answers_exist_and_differ(tiny: Backbone, seed: int) -> None:
    tree = TitleTree(tiny, TITLES, max_titles=3)
    vectors = torch.randn(4, 32, generator=torch.Generator().manual_seed(seed))
    answers = greedy_decode(tiny, [[-1]] * 4, vectors, tree.longest, tree.allowed)
    for answer in answers:
        lines = tiny.text(answer).splitlines()
        assert 1 <= len(lines) <= 3
        assert len(set(lines)) == len(lines)
        assert set(lines) <= set(TITLES.texts)


def test_mentions() -> None:
    lines = [
        '1. "heat (1995)"',
        "- Big",
        "Big",
        "I, Robot",
        "Heat, Big Trouble, Usual Suspects, The",
        "No Such Film",
        "",
        "no such film",
    ]
    said = Matcher(TITLES).mentions("\n".join(lines))
    assert [(m.text, m.code) for m in said] == [
        ('"heat (1995)"', 1),
        ("Big", 3),
        ("I, Robot", 5),
        ("Big Trouble", 0),
        ("Usual Suspects", 0),
        ("The", 0),
        ("No Such Film", 0),
    ]
    assert [m.code for m in Matcher(TITLES).mentions("Big Trouble in Little China")] == [0]
    assert [m.code for m in Matcher(TITLES).mentions("film Heat Wave")] == [2]
    assert Matcher(TITLES).mentions(" \n .\n!!!\n") == []
    assert [m.code for m in Matcher(Titles(("Air", "!!!"))).mentions("!!!\n...\nAir!")] == [2, 1]


@given(st.lists(st.sampled_from(range(1, 7)), unique=True, max_size=6))
@settings(max_examples=30)
def test_what_is_written_plainly_is_found(codes: list[int]) -> None:
    assert [m.code for m in Matcher(TITLES).mentions("\n".join(TITLES.text(code) for code in codes))] == codes


def test_the_released_measure_with_escaped_titles() -> None:
    assert original_count("What? (Quoi?)\nHeat Wave", ["What? (Quoi?)", "Heat", "Heat", "Big"]) == 2
