"""What windows say together, against loops."""

import numpy as np
import pytest

from reverie.imagery.judging.pooling import Best, Named

RNG = np.random.default_rng(0)
WINDOWS = RNG.normal(size=(3, 5, 4)).astype(np.float32)
WORDS = RNG.normal(size=(6, 4)).astype(np.float32)
NAMES = RNG.normal(size=(7, 4)).astype(np.float32)
AVERAGE = RNG.normal(size=4).astype(np.float32)


@pytest.mark.parametrize("most", [1, 2, 5, 9, None])
def test_best_is_the_mean_over_each_words_best_windows(most: int | None) -> None:
    found = Best(most, AVERAGE)(WINDOWS, WORDS)
    for p, picture in enumerate(WINDOWS):
        for k, word in enumerate(WORDS):
            products = sorted((float(np.dot(v.astype(float) - AVERAGE, word.astype(float))) for v in picture), reverse=True)
            best = products[:most]
            assert found[p, k] == pytest.approx(sum(best) / len(best), rel=1e-12)


def test_named_averages_the_likeliest_names() -> None:
    pooling = Named(NAMES, 3.0, 2)
    shares, found = pooling.shares(WINDOWS), pooling(WINDOWS, WORDS)
    for p, picture in enumerate(WINDOWS):
        rows = []
        for v in picture:
            powers = [np.exp(3.0 * float(np.dot(v.astype(float), name.astype(float)))) for name in NAMES]
            rows.append([power / sum(powers) for power in powers])
        own = [sum(column) / len(column) for column in zip(*rows, strict=True)]
        assert shares[p] == pytest.approx(own, rel=1e-10)
        first, second = sorted(range(7), key=lambda n: -own[n])[:2]
        mixed = own[first] * NAMES[first].astype(float) + own[second] * NAMES[second].astype(float)
        mixed /= np.sqrt((mixed**2).sum())
        assert found[p] == pytest.approx([float(np.dot(mixed, word.astype(float))) for word in WORDS], rel=1e-9)


def test_a_window_that_shows_a_thing_is_enough() -> None:
    blank, thing = np.zeros(4), 5 * np.eye(4)[2]
    windows = np.stack([[blank, blank, blank, thing]])
    assert Named(np.eye(4), 10.0, 1)(windows, np.eye(4)).argmax() == 2
    assert Best(1)(windows, np.eye(4))[0].tolist() == [0, 0, 5, 0]
