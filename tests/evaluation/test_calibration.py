"""Probabilities of the next item against sums written out, and what calibration and temperature must do on made-up worlds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from reverie.evaluation import beyond_accuracy
from reverie.evaluation.beyond_accuracy import (
    Predicted,
    expected_calibration_error,
    fit_temperature,
    mean_estimate,
    predicted,
)


def world(draws: int = 1, rows: int = 7) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(draws)
    vectors = torch.randn(rows, draws, 4, dtype=torch.float64, generator=generator)
    table = torch.randn(9, 4, dtype=torch.float64, generator=generator)
    return vectors, table, torch.randint(1, 10, (rows,), generator=generator)


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize("room", [4 * 9 * 6, 1 << 20])
def test_probabilities_are_the_mean_softmax_of_the_draws(draws: int, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beyond_accuracy, "LARGEST", room)
    vectors, table, targets = world(draws)
    found = predicted(vectors if draws > 1 else vectors[:, 0], table, targets, temperature=0.7)
    for row in range(len(vectors)):
        mixture = [0.0] * 9
        for draw in vectors[row].tolist():
            weights = [math.exp(sum(a * b for a, b in zip(draw, item, strict=True)) / 0.7) for item in table.tolist()]
            mixture = [p + w / sum(weights) / draws for p, w in zip(mixture, weights, strict=True)]
        assert found.log_likelihood[row] == pytest.approx(math.log(mixture[int(targets[row]) - 1]))
        assert found.confidence[row] == pytest.approx(max(mixture))
        assert found.correct[row] == (mixture.index(max(mixture)) == int(targets[row]) - 1)


def test_the_fitted_temperature_finds_the_one_that_made_the_targets() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors, table = torch.randn(4000, 5, generator=generator), torch.randn(12, 5, generator=generator)
    targets = torch.multinomial((vectors @ table.T / 2.5).softmax(1), 1, generator=generator)[:, 0] + 1
    fitted = fit_temperature(vectors, table, targets)
    assert fitted == pytest.approx(2.5, rel=0.1)
    likelihood = {t: predicted(vectors, table, targets, t).log_likelihood.mean() for t in (fitted, 0.9 * fitted, 1.1 * fitted)}
    assert max(likelihood, key=lambda t: likelihood[t]) == fitted
    honest = expected_calibration_error(predicted(vectors, table, targets, fitted), np.arange(4000), resamples=50)
    boastful = expected_calibration_error(predicted(vectors, table, targets, 0.5), np.arange(4000), resamples=50)
    assert honest.value < 0.04 < 0.2 < boastful.value
    assert boastful.low < boastful.value < boastful.high


def test_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    rng = np.random.default_rng(0)
    confidence = np.repeat([0.1, 0.4, 0.9], [10, 20, 10])
    answers = Predicted(np.zeros(40), confidence, rng.random(40) < 0.5)
    expected = 0.0
    for level in (0.1, 0.4, 0.9):
        inside = [bool(c) for c, p in zip(answers.correct, confidence, strict=True) if p == level]
        expected += len(inside) / 40 * abs(sum(inside) / len(inside) - level)
    found = expected_calibration_error(answers, np.arange(40) // 2, bins=4)
    assert found.value == pytest.approx(expected)
    assert (found.n, found.low <= found.high) == (40, True)
    assert math.isnan(expected_calibration_error(answers, np.zeros(40, dtype=np.int64)).low)


def test_mean_estimate_leaves_out_what_is_undefined() -> None:
    values = np.array([1.0, 2.0, np.nan, 3.0])
    found = mean_estimate(values, np.array([5, 5, 6, 7]), resamples=200)
    assert (found.value, found.n) == (2.0, 3)
    assert found.low <= 2.0 <= found.high
    assert found.low >= 1.5
    assert found.high <= 3.0


def test_what_does_not_fit_is_refused() -> None:
    vectors, table, targets = world()
    with pytest.raises(ValueError, match="do not fit"):
        predicted(vectors, table[:, :2], targets)
    with pytest.raises(ValueError, match="temperature must be positive"):
        predicted(vectors, table, targets, 0.0)
