"""Closed lists of near and random distractors."""

import pytest

from reverie.errors import ConfigError
from reverie.imagery.judging.closed_lists import closed_lists

PATHS = {
    "freedom": ("entity", "state", "freedom.1"),
    "liberty": ("entity", "state", "freedom.1"),
    "independence": ("entity", "state", "freedom.1", "independence.1"),
    "peace": ("entity", "state", "peace.1"),
    "war": ("entity", "state", "war.1"),
    "speed": ("entity", "measure", "rate", "speed.1"),
    "pace": ("entity", "measure", "rate", "pace.1"),
    "joy": ("entity", "feeling", "joy.1"),
}


def nearness(one: str, other: str) -> float:
    """Wu and Palmer's, counted step by step."""
    shared = 0
    for a, b in zip(PATHS[one], PATHS[other], strict=False):
        if a != b:
            break
        shared += 1
    return 2 * shared / (len(PATHS[one]) + len(PATHS[other]))


@pytest.mark.parametrize("word", sorted(PATHS))
def test_near_distractors_are_the_nearest_but_for_words_of_the_same_sense(word: str) -> None:
    near = closed_lists([word], PATHS, 4, "near", seed=0)[word]
    assert near.concept == word
    assert len(set(near.words)) == 4
    assert list(near.words) == sorted(near.words)
    assert near.chance == 1 / 4
    chosen = set(near.words) - {word}
    others = [other for other in PATHS if other != word and PATHS[other] != PATHS[word]]
    best = sorted((nearness(word, other) for other in others), reverse=True)[:3]
    assert sorted((nearness(word, other) for other in chosen), reverse=True) == best


def test_synonyms_are_no_distractors_and_draws_are_functions_of_seed_and_concept() -> None:
    lists = [closed_lists(["freedom"], PATHS, 5, "random", seed)["freedom"].words for seed in range(40)]
    assert all("liberty" not in words for words in lists)
    assert {word for words in lists for word in words} == set(PATHS) - {"liberty"}
    together = closed_lists(["war", "freedom"], dict(reversed(PATHS.items())), 5, "random", 3)
    assert together["freedom"].words == lists[3]


def test_bad_lists_are_refused() -> None:
    with pytest.raises(ConfigError, match="'hope' is not in the pool"):
        closed_lists(["hope"], PATHS, 3, "near", 0)
    with pytest.raises(ConfigError, match="needs 7 other concepts, and 'freedom' has 6; take a smaller k"):
        closed_lists(["freedom"], PATHS, 8, "random", 0)
    with pytest.raises(ConfigError, match="unknown kind of distractors 'nears'"):
        closed_lists(["war"], PATHS, 3, "nears", 0)  # type: ignore[arg-type]
