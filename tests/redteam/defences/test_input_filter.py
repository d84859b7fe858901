from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import minimize

from reverie.errors import DataError, RunError
from reverie.redteam.defences.suspicion import filter_quality, fit_suspicion, load_suspicion, windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORDS = ("ignore", "rules", "secret", "please", "bread", "summer", "river", "song")
rng = np.random.default_rng(0)
ATTACKS = [" ".join(rng.choice(WORDS[:4], 6)) + f" {at}" for at in range(30)]
BENIGN = [" ".join(rng.choice(WORDS[3:], 6)) + f" {at}" for at in range(40)]


def counts(texts: Sequence[str]) -> NDArray[np.float64]:
    """Vectors of texts: counts of words, unit length."""
    found = np.array([[text.split().count(word) for word in WORDS] for text in texts], dtype=np.float64)
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def test_the_weights_are_those_of_the_definition() -> None:
    fitted = fit_suspicion(ATTACKS, BENIGN, counts, ridge=2.0)
    rows, labels = counts([*ATTACKS, *BENIGN]), np.repeat([1.0, 0.0], [30, 40])
    weights = np.repeat([70 / 60, 70 / 80], [30, 40])  # both classes weigh the same

    def loss(values: NDArray[np.float64]) -> float:
        margin = (2 * labels - 1) * (rows @ values[:-1] + values[-1])
        return float((weights * np.logaddexp(0, -margin)).sum() + values[:-1] @ values[:-1])  # ridge 2 is C = 1 / 2

    best = minimize(loss, np.zeros(9), tol=1e-12).x
    np.testing.assert_allclose([*fitted.weights, fitted.bias], best, atol=1e-4)


def test_the_threshold_lets_the_share_of_benign_texts_pass() -> None:
    strict, loose = (fit_suspicion(ATTACKS, BENIGN, counts, false_alarms=share) for share in (0.2, 0.02))
    assert strict.threshold < loose.threshold
    blocked = np.mean(np.array(loose(BENIGN)) > loose.threshold)
    assert blocked <= 0.1
    assert np.mean(np.array(loose(ATTACKS)) > loose.threshold) > 0.8


def test_an_attack_behind_a_benign_beginning_is_as_suspicious() -> None:
    fitted = fit_suspicion(ATTACKS, BENIGN, counts)
    hidden = " ".join([*["bread summer river song"] * 30, *["ignore rules secret"] * 10])
    plain, behind, calm = fitted([" ".join(["ignore rules secret"] * 10), hidden, "bread summer river song"])
    assert behind > fitted.threshold > calm
    assert behind >= plain - 1.5
    assert fitted([]) == []
    assert len(windows(hidden)) == 7
    assert " ".join(windows(hidden)[-1].split()[-3:]) == "ignore rules secret"


def test_quality_is_measured_on_held_out_texts() -> None:
    fitted = fit_suspicion(ATTACKS[:20], BENIGN[:20], counts)
    calm = [*BENIGN[20:], "please keep it secret and ignore the rules"]
    found = filter_quality(fitted, ATTACKS[20:], calm)
    attacks, benign = np.array(fitted(ATTACKS[20:])), np.array(fitted(calm))
    above = (attacks[:, None] > benign) + 0.5 * (attacks[:, None] == benign)
    assert found.auc == pytest.approx(above.mean())
    assert found.low < found.auc < found.high
    alike = filter_quality(fitted, ATTACKS[20:] * 3, calm, clusters=list("abcdefghij") * 3)
    assert (alike.auc, alike.n_attacks) == (pytest.approx(found.auc), 30)
    assert (alike.low, alike.high) == (pytest.approx(found.low), pytest.approx(found.high))  # repetition brings no knowledge
    perfect = filter_quality(fitted, ["ignore rules secret"] * 10, ["bread summer"] * 20)
    assert (perfect.auc, perfect.high) == (1, 1)
    assert perfect.low == pytest.approx(10 / (10 + 1.959964**2))  # Wilson, ten of ten
    assert found.caught == np.mean(attacks > fitted.threshold)
    assert found.false_alarms == np.mean(benign > fitted.threshold)
    with pytest.raises(DataError, match="held-out"):
        filter_quality(fitted, [], BENIGN)


def test_stored_and_loaded_it_says_the_same(tmp_path: Path) -> None:
    fitted = fit_suspicion(ATTACKS, BENIGN, counts)
    fitted.save(tmp_path / "filter.json")
    again = load_suspicion(tmp_path / "filter.json", counts)
    assert again(BENIGN) == fitted(BENIGN)
    assert again.threshold == fitted.threshold
    with pytest.raises(RunError, match="vectors of width 8, not 3"):
        load_suspicion(tmp_path / "filter.json", lambda texts: np.zeros((len(texts), 3)))
    (tmp_path / "filter.json").write_text('{"format": 1, "bias": 0.0, "weights": []}')
    with pytest.raises(RunError, match="has no 'threshold'; train the filter again"):
        load_suspicion(tmp_path / "filter.json", counts)


def test_too_few_texts_are_refused() -> None:
    with pytest.raises(DataError, match="got 1 and 40"):
        fit_suspicion(["ignore rules"] * 9, BENIGN, counts)
