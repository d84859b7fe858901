"""The reverse guess, against orders that are counted one by one."""

from collections.abc import Sequence
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from reverie.errors import RunError
from reverie.imagery.judging.closed_lists import ClosedList
from reverie.imagery.judging.guesses import guess, over_literal


class Table:
    """A judge whose scores are given by word."""

    name = "table"

    def __init__(self, **scores: float) -> None:
        self.known = scores

    def scores(self, shown: Sequence[Any], words: Sequence[str]) -> NDArray[np.float64]:
        return np.array([[self.known[word] for word in words] for _ in shown], dtype=np.float64).reshape(len(shown), len(words))


def counted(scores: dict[str, float], truth: str) -> dict[str, float]:
    """Metrics as means over all orders that the scores allow."""
    allowed = [order for order in permutations(scores) if all(scores[a] >= scores[b] for a, b in pairwise(order))]
    ranks = np.array([order.index(truth) + 1 for order in allowed])
    return {"top1": (ranks == 1).mean(), "top5": (ranks <= 5).mean(), "mrr": (1 / ranks).mean(), "chance": 1 / len(scores)}


@pytest.mark.parametrize("truth", list("abcdefg"))
def test_ties_count_their_expected_value(truth: str) -> None:
    scores = dict(zip("abcdefg", [3.0, 2.0, 2.0, 2.0, 1.0, 1.0, 0.0], strict=True))
    values = guess(Table(**scores), ["x"], [ClosedList(truth, tuple("abcdefg"))]).values()
    assert {name: value[0] for name, value in values.items()} == pytest.approx(counted(scores, truth))


def test_a_judge_that_scores_all_alike_is_at_chance() -> None:
    lists = [ClosedList("a", tuple("abcdefgh")), ClosedList("b", tuple("abcd"))]
    values = guess(Table(**dict.fromkeys("abcdefgh", 0.5)), ["", ""], lists).values()
    assert values["top1"] == pytest.approx([1 / 8, 1 / 4])
    assert values["top1"] == pytest.approx(values["chance"])
    assert values["top5"] == pytest.approx([5 / 8, 1.0])


def test_each_list_is_ranked_by_its_own_words() -> None:
    found = guess(Table(a=1.0, b=9.0, c=2.0), ["x", "y"], [ClosedList("a", ("a", "b")), ClosedList("c", ("a", "c"))])
    assert found.greater.tolist() == [1, 0]
    assert found.first == ("b", "c")


def test_over_literal_is_the_chance_that_an_object_stands_first() -> None:
    judge, lists = Table(a=1.0, b=2.0, dove=2.0, chain=0.0), [ClosedList("a", ("a", "b"))] * 4
    rate = over_literal(judge, ["x"] * 4, lists, [["dove", "chain"], ["chain"], [], ["a"]])
    assert rate[:2].tolist() == [0.5, 0.0]
    assert np.isnan(rate[2:]).all()  # nothing drawn; and a drawn thing that is a word of the list


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_cannot_be_ranked_are_refused(value: float) -> None:
    with pytest.raises(RunError, match="table gave scores that are not finite"):
        guess(Table(a=value, b=0.0), ["x"], [ClosedList("a", ("a", "b"))])
