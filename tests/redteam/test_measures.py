"""Measures against naive float64 references: Wilson, Rogan-Gladen with its coverage, bootstrap over goals, self-BLEU, coverage."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product

import numpy as np
import pytest

from reverie.redteam.attempts import Attempt, Finding, Response, Try
from reverie.redteam.detectors.accuracy import Accuracy
from reverie.redteam.diversity import self_bleu
from reverie.redteam.goal_sets import chat_goals
from reverie.redteam.measures import (
    archive_coverage,
    by_goal,
    call_yield,
    difference_over_goals,
    mean_over_goals,
    rates_by,
    success_rate,
)
from reverie.redteam.messages import Message
from reverie.redteam.rates import corrected_rate, wilson_rate
from reverie.seeds import numpy_generator

GOALS = chat_goals(6)


def attempts(*outcomes: str, technique: str = "sap") -> list[Attempt]:
    """One text for each goal: + got through, - withstood, x failed."""
    made = []
    for goal, marks in zip(GOALS, outcomes, strict=False):
        for call, mark in enumerate(marks):
            response = Response("…", failure="timeout" if mark == "x" else "")
            tried = Try(goal, (Message("user", "hello"),), technique)
            made.append(Attempt(f"{goal.id}/{call}", tried, response, Finding(mark == "+", float(mark == "+")), call))
    return made


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 40), (7, 20), (20, 20), (999, 1000)])
def test_wilson_is_the_formula(k: int, n: int) -> None:
    z, p = 1.959963984540054, k / n
    centre, reach = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    rate = wilson_rate(k, n)
    assert (rate.value, rate.low, rate.high) == pytest.approx((p, centre - reach, centre + reach), abs=1e-9)


def test_a_rate_is_never_said_without_its_bound() -> None:
    assert str(wilson_rate(0, 20, 3)) == "0 %, at most 16.1% (0 of 20; 3 failed)"
    assert str(wilson_rate(20, 20)).startswith("100 %, at least 83.9%")
    assert "[" in str(wilson_rate(3, 20))
    assert str(wilson_rate(0, 0, 2)) == "no attempt could be judged (0 of 0; 2 failed)"
    with pytest.raises(ValueError, match="outside"):
        wilson_rate(3, 2)


def test_failures_are_counted_apart() -> None:
    rate = success_rate(attempts("+-x", "xx-"))
    assert (rate.successes, rate.n, rate.failures) == (1, 3, 3)
    assert call_yield(attempts("+-x", "xx-")).value == pytest.approx(1 / 6)


def test_a_perfect_detector_corrects_nothing_and_a_poor_one_as_the_formula_says() -> None:
    rate = wilson_rate(30, 100)
    sure = corrected_rate(rate, Accuracy(10**6, 10**6, 10**6, 10**6))
    assert (sure.value, sure.low, sure.high) == pytest.approx((rate.value, rate.low, rate.high), abs=2e-3)
    poor = corrected_rate(rate, Accuracy(80, 100, 90, 100))
    assert poor.value == pytest.approx((0.3 + 0.9 - 1) / (0.8 + 0.9 - 1))
    assert poor.high - poor.low > rate.high - rate.low
    assert corrected_rate(wilson_rate(1, 100), Accuracy(80, 100, 90, 100)).value == 0.0
    with pytest.raises(ValueError, match="chance"):
        corrected_rate(rate, Accuracy(1, 10, 1, 10))


@pytest.mark.parametrize(("truth", "sensitivity", "specificity"), list(product((0.05, 0.4), (0.8,), (0.95,))))
def test_corrected_intervals_hold_the_truth(truth: float, sensitivity: float, specificity: float) -> None:
    generator = numpy_generator(0, "coverage of corrected rates", str(truth))
    held = 0
    for _ in range(400):
        found, passed = generator.binomial(40, sensitivity), generator.binomial(80, specificity)
        seen = generator.binomial(200, truth * sensitivity + (1 - truth) * (1 - specificity))
        rate = corrected_rate(_plain(seen, 200), Accuracy(found, 40, passed, 80))
        held += rate.low <= truth <= rate.high
    assert held / 400 >= 0.92


def _plain(k: int, n: int):  # noqa: ANN202
    from reverie.redteam.rates import Rate

    return Rate(k / n, 0.0, 1.0, int(k), n)


def test_goals_weigh_the_same_and_are_what_is_drawn() -> None:
    found = attempts("+---", "++", "-", "x")
    assert list(by_goal(found).values()) == [0.25, 1.0, 0.0]
    assert list(by_goal(found, "any").values()) == [1.0, 1.0, 0.0]
    effect = mean_over_goals([found])
    assert effect.value == pytest.approx(1.25 / 3)
    assert effect.n == 3
    assert effect.low is not None
    assert effect.high is not None
    draws = np.array([0.25, 1.0, 0.0])[np.random.default_rng(0).integers(0, 3, (20_000, 3))].mean(axis=1)
    assert (effect.low, effect.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.08)


def test_nothing_got_through_has_an_upper_bound() -> None:
    effect = mean_over_goals([attempts("--", "--", "--"), attempts("-", "-", "-")])
    assert (effect.value, effect.low, effect.interval) == (0.0, 0.0, "wilson")
    assert effect.high == pytest.approx(wilson_rate(0, 3).high)
    with pytest.raises(ValueError, match="judged"):
        mean_over_goals([attempts("x")])


def test_differences_are_paired_by_goal() -> None:
    first, other = attempts("++--", "+-", "--", "+"), attempts("+---", "--", "--", "-")
    effect = difference_over_goals([first, first], [other, other])
    assert effect.value == pytest.approx((0.25 + 0.5 + 0.0 + 1.0) / 4)
    assert effect.seeds == 2
    assert effect.low is not None
    assert effect.low > 0 or effect.value > effect.low
    same = difference_over_goals([first], [first])
    assert (same.value, same.low, same.high) == (0.0, None, None)


def test_groups_and_cells() -> None:
    both = [*attempts("+-", "--"), *attempts("--", "x", technique="pair")]
    rates = rates_by(both, lambda one: one.tried.technique)
    assert (rates["sap"].successes, rates["sap"].n, rates["pair"].failures) == (1, 4, 1)
    names = [goal.id for goal in GOALS[:2]]
    assert archive_coverage(both, names, ["sap", "pair"]) == 0.25
    with pytest.raises(ValueError, match="no cell"):
        archive_coverage(both, [], ["sap"])


TEXTS = ["please tell me the word .", "please tell me the word now !", "what is it", "the the the the the cat", "cat", ""]


def naive_self_bleu(texts: list[str]) -> float:
    total = 0.0
    for at, text in enumerate(texts):
        words, others = text.split(), [one.split() for number, one in enumerate(texts) if number != at]
        if not words:
            continue
        precision = 1.0
        sizes = [size for size in (1, 2, 3, 4) if len(words) >= size]
        for size in sizes:
            mine = Counter(zip(*(words[i:] for i in range(size)), strict=False))
            refs = [Counter(zip(*(one[i:] for i in range(size)), strict=False)) for one in others]
            matched = sum(min(count, max(ref[gram] for ref in refs)) for gram, count in mine.items())
            precision *= (max(matched, 0.1) / sum(mine.values())) ** (1 / len(sizes))
        nearest = min((abs(len(one) - len(words)), len(one)) for one in others)[1]
        total += precision * (1.0 if len(words) > nearest else math.exp(1 - nearest / len(words)))
    return total / len(texts)


def test_self_bleu_is_that_of_a_naive_count() -> None:
    assert self_bleu(TEXTS) == pytest.approx(naive_self_bleu(TEXTS))
    assert self_bleu(["one and the same text", "One and the same text"]) == pytest.approx(1.0)
    assert self_bleu(["a b c d e", "f g h i j"]) < 0.05
    assert math.isnan(self_bleu(["alone"]))
    assert self_bleu(TEXTS * 50, most=20, seed=1) == self_bleu(TEXTS * 50, most=20, seed=1)
