from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score, roc_auc_score

from reverie.errors import ConfigError
from reverie.robustness.detection import detection_metrics, draw_labels

if TYPE_CHECKING:
    from numpy.typing import NDArray


def _auc(ranked: NDArray[np.bool_]) -> float:
    below = [(~ranked[k + 1 :]).sum() for k in np.flatnonzero(ranked)]
    return float(np.sum(below) / (ranked.sum() * (~ranked).sum()))


def _ap(ranked: NDArray[np.bool_]) -> float:
    return float((np.cumsum(ranked) / np.arange(1, len(ranked) + 1))[ranked].mean())


def _random(seed: int, n: int = 200) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    fake = rng.random(n) < 0.2
    return rng.normal(size=n) + fake, fake


@pytest.mark.parametrize("seed", range(5))
def test_figures_are_those_of_scikit_learn(seed: int) -> None:
    suspicion, fake = _random(seed)
    found = detection_metrics(suspicion, fake, assumed=0.1)
    assert found.auc == pytest.approx(roc_auc_score(fake, suspicion), abs=1e-12)
    assert found.average_precision == pytest.approx(average_precision_score(fake, suspicion), abs=1e-12)
    for cut, n in ((found.true_share, int(fake.sum())), (found.assumed_share, 20)):
        flagged = np.zeros(len(fake), dtype=bool)
        flagged[np.argsort(-suspicion)[:n]] = True
        assert cut.flagged == n
        assert cut.precision == pytest.approx(precision_score(fake, flagged), abs=1e-12)
        assert cut.recall == pytest.approx(recall_score(fake, flagged), abs=1e-12)
        assert cut.f1 == pytest.approx(f1_score(fake, flagged), abs=1e-12)
        assert cut.genuine_lost == pytest.approx((flagged & ~fake).sum(), abs=1e-9)
        assert cut.genuine_lost_share == pytest.approx(flagged[~fake].mean(), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=2, max_size=5))
@settings(max_examples=20, deadline=None)
def test_ties_count_as_the_mean_over_their_orders(users: list[tuple[int, bool]]) -> None:
    suspicion, fake = np.array([float(s) for s, _ in users]), np.array([f for _, f in users])
    found = detection_metrics(suspicion, fake, assumed=0.4)
    if not fake.any() or fake.all():
        assert np.isnan(found.auc)
        return
    orders = [np.array(order) for order in permutations(range(len(users))) if (np.diff(suspicion[list(order)]) <= 0).all()]
    assert found.auc == pytest.approx(np.mean([_auc(fake[o]) for o in orders]), abs=1e-9)
    assert found.average_precision == pytest.approx(np.mean([_ap(fake[o]) for o in orders]), abs=1e-9)
    hits = np.mean([fake[o][: found.assumed_share.flagged].sum() for o in orders])
    assert found.assumed_share.flagged - found.assumed_share.genuine_lost == pytest.approx(hits, abs=1e-9)


def test_a_constant_is_chance() -> None:
    fake = np.arange(50) < 5
    found = detection_metrics(np.zeros(50), fake, assumed=0.2)
    assert found.auc == 0.5
    assert found.true_share.precision == pytest.approx(0.1)
    assert found.assumed_share.genuine_lost == pytest.approx(9)
    rng = np.random.default_rng(0)
    drawn = [_ap(rng.permutation(fake)) for _ in range(2000)]
    assert found.average_precision == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / np.sqrt(len(drawn)))


def test_users_with_a_given_label_are_not_measured() -> None:
    suspicion, fake = _random(1)
    measured = np.arange(len(fake)) >= 50
    assert detection_metrics(suspicion, fake, measured=measured) == detection_metrics(suspicion[50:], fake[50:])


def test_without_fakes_nothing_can_be_found_and_all_flagged_are_lost() -> None:
    found = detection_metrics(np.arange(20.0), np.zeros(20, dtype=bool), assumed=0.1).values()
    assert np.isnan([found[name] for name in ("auc", "ap", "precision", "recall", "f1", "recall@assumed", "f1@assumed")]).all()
    assert (found["precision@assumed"], found["genuine_lost@assumed"], found["genuine_lost"]) == (0, 2, 0)
    assert detection_metrics(np.zeros(0), np.zeros(0, dtype=bool)).users == 0


def test_labels_are_drawn_from_both_kinds_and_never_all() -> None:
    fake = np.arange(100) < 10
    given_labels = draw_labels(fake, 0.2, 3)
    assert given_labels.dtype == np.int8
    assert ((given_labels == 1).sum(), (given_labels == 0).sum()) == (2, 18)
    assert fake[given_labels == 1].all()
    assert not fake[given_labels == 0].any()
    np.testing.assert_array_equal(given_labels, draw_labels(fake, 0.2, 3))
    assert (given_labels != draw_labels(fake, 0.2, 4)).any()
    assert (draw_labels(fake, 0.001, 0) == 1).sum() == 1
    assert (draw_labels(fake, 0.999, 0) == 1).sum() == 9
    assert (draw_labels(np.arange(5) < 1, 0.5, 0) == 1).sum() == 0


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, float("nan")])
def test_a_share_is_between_0_and_1(share: float) -> None:
    with pytest.raises(ConfigError, match="between 0 and 1"):
        draw_labels(np.ones(3, dtype=bool), share, 0)
    with pytest.raises(ConfigError, match="between 0 and 1"):
        detection_metrics(np.zeros(3), np.ones(3, dtype=bool), assumed=share)


def test_suspicion_must_be_finite() -> None:
    with pytest.raises(ValueError, match="finite"):
        detection_metrics(np.array([0.0, np.nan]), np.array([True, False]))
