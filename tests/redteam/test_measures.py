"""Measures against naive float64 references: Wilson, Rogan-Gladen with its coverage, bootstrap over goals, self-BLEU, coverage."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product

import pytest

from reverie.redteam.attempts import Attempt, Finding, Response, Try
from reverie.redteam.detectors.accuracy import Accuracy
from reverie.redteam.diversity import filled_cells, self_bleu
from reverie.redteam.goal_sets import chat_goals
from reverie.redteam.measures import rates_by, success_rate
from reverie.redteam.messages import Message
from reverie.redteam.rates import clustered_rate, corrected_rate, wilson_rate
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


def wilson_of(p: float, n: float) -> tuple[float, float]:
    z = 1.959963984540054
    centre, reach = (p + z * z / (2 * n)) / (1 + z * z / n), z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return centre - reach, centre + reach


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 40), (7, 20), (20, 20), (999, 1000)])
def test_wilson_is_the_formula(k: int, n: int) -> None:
    rate = wilson_rate(k, n)
    assert (rate.value, rate.low, rate.high) == pytest.approx((k / n, *wilson_of(k / n, n)), abs=1e-9)


def test_a_rate_is_never_said_without_its_bound() -> None:
    assert str(wilson_rate(0, 20, 3)) == "0 %, at most 16.1% (0 of 20; 3 failed)"
    assert str(wilson_rate(20, 20)).startswith("100 %, at least 83.9%")
    assert "[" in str(wilson_rate(3, 20))
    assert str(wilson_rate(0, 0, 2)) == "no attempt could be judged (0 of 0; 2 failed)"
    with pytest.raises(ValueError, match="outside"):
        wilson_rate(3, 2)


def test_calls_of_a_goal_that_are_alike_say_little_more_than_one() -> None:
    alike, mixed = clustered_rate([(20, 20), (0, 20)] * 5), clustered_rate([(10, 20)] * 10)
    assert alike.value == mixed.value == 0.5
    assert alike.effective == pytest.approx(9)  # ten goals, one degree of freedom less
    assert (alike.low, alike.high) == pytest.approx(wilson_of(0.5, 9), abs=1e-9)
    assert (mixed.low, mixed.high) == (wilson_rate(100, 200).low, wilson_rate(100, 200).high)
    nothing = clustered_rate([(0, 20)] * 10)
    assert (nothing.high, nothing.n) == (wilson_rate(0, 10).high, 200)
    assert clustered_rate([(3, 4), (0, 0)], 4).effective == 1
    assert clustered_rate([(0, 0)], 2).n == 0
    one, other = (corrected_rate(rate, Accuracy(80, 100, 90, 100)) for rate in (alike, mixed))
    assert one.value == other.value
    assert one.high - one.low > 2 * (other.high - other.low)


def test_an_interval_by_clusters_holds_the_true_share() -> None:
    stream, held, trials = numpy_generator(0, "clusters"), 0, 300
    for _ in range(trials):
        shares = stream.beta(0.5, 1.5, 30)  # goals differ much; the mean is a quarter
        rate = clustered_rate([(int(stream.binomial(20, share)), 20) for share in shares])
        held += rate.low <= 0.25 <= rate.high
    assert held / trials > 0.91


def test_failures_are_counted_apart() -> None:
    rate = success_rate(attempts("+-x", "xx-"))
    assert (rate.successes, rate.n, rate.failures) == (1, 3, 3)


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


def test_groups_have_rates_of_their_own() -> None:
    both = [*attempts("+-", "--"), *attempts("--", "x", technique="pair")]
    rates = rates_by(both, lambda one: one.tried.technique)
    assert (rates["sap"].successes, rates["sap"].n, rates["pair"].failures) == (1, 4, 1)


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


def test_cells_are_filled_by_what_got_through() -> None:
    made = attempts("+-+", "---", "-+x", technique="map-elites.order") + attempts("+--", "--+", technique="map-elites.frame")
    assert filled_cells(made, columns=8) == 4  # goal 0 in both styles, goal 1 in one, goal 2 in the other
    assert filled_cells(made) == 3  # one column: a cell is a goal
    assert filled_cells(attempts("---", "xx-")) == 0


def test_self_bleu_is_that_of_a_naive_count() -> None:
    assert self_bleu(TEXTS) == pytest.approx(naive_self_bleu(TEXTS))
    assert self_bleu(["one and the same text", "One and the same text"]) == pytest.approx(1.0)
    assert self_bleu(["a b c d e", "f g h i j"]) < 0.05
    assert math.isnan(self_bleu(["alone"]))
    assert self_bleu(TEXTS * 50, most=20, seed=1) == self_bleu(TEXTS * 50, most=20, seed=1)
