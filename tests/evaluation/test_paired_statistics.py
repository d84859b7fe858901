from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reverie.errors import ConfigError, DataError
from reverie.evaluation import evaluate, holm, paired_test, paired_tests, pooled, smallest_detectable_difference
from reverie.evaluation.intervals import ClusterSums, cluster_bootstrap, cluster_sums, influence, resampled, standard_error
from reverie.evaluation.paired_queries import paired_values, sign_flip
from reverie.evaluation.values import Values, auc_pseudo_values
from reverie.seeds import numpy_generator

if TYPE_CHECKING:
    from reverie.data.split import Split

Make = Callable[[np.ndarray], object]


def one(values: np.ndarray, clusters: np.ndarray | None = None) -> Values:
    return Values(values, np.ones(len(values)), np.arange(len(values)) if clusters is None else clusters, len(values))


def test_rows_of_a_cluster_move_together() -> None:
    sums = cluster_sums([[one(np.array([1.0, 0.0, 1.0]), np.array([7, 7, 2]))]])
    assert sums.numerator[0, :, 0].tolist() == [1, 1]
    assert sums.denominator[0, :, 0].tolist() == [1, 2]
    assert sums.value[0] == pytest.approx(2 / 3)
    drawn = resampled(sums, 400, 0)
    assert set(np.round(drawn[:, 0, 0], 6)) == {0.5, round(2 / 3, 6), 1.0}


def test_bootstrap_draws_by_hand() -> None:
    values = np.arange(5.0)
    drawn = resampled(cluster_sums([[one(values)]]), 3, 9)
    picks = numpy_generator(9, "bootstrap", "clusters").integers(5, size=(3, 5), dtype=np.int32)
    np.testing.assert_allclose(drawn[:, 0, 0], values[picks].mean(axis=1))


def test_interval_covers_the_mean_95_times_of_100() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for repetition in range(300):
        effect = np.repeat(rng.normal(size=60), 3) + rng.normal(size=180) + 1
        low, high = cluster_bootstrap(cluster_sums([[one(effect, np.repeat(np.arange(60), 3))]]), 300, repetition)
        covered.append(low[0] <= 1 <= high[0])
    assert 0.90 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize(("users", "rows", "signal"), [(2, 4, 1.0), (6, 3, 3.0), (12, 4, 2.0), (40, 5, 9.0)])
def test_intervals_of_auc_stay_between_0_and_1(users: int, rows: int, signal: float) -> None:
    rng, cut = np.random.default_rng(users), 0
    for sign in (1, -1):
        group, positive = np.repeat(np.arange(users), rows), rng.random(users * rows) < 0.5
        positive[:2] = True, False
        made = [sign * signal * positive + rng.normal(size=users * rows) for _ in range(2)]
        one_side, other = (Values(auc_pseudo_values(group, positive, s), np.ones(users), np.arange(users), users) for s in made)
        low, high = cluster_bootstrap(cluster_sums([[one_side]]))
        assert 0 <= low[0] <= one_side.value <= high[0] <= 1
        cut += int(low[0] == 0) + int(high[0] == 1)
        apart = paired_values(one_side, other)
        assert apart.low is not None
        assert apart.high is not None
        assert -1 <= apart.low <= apart.high <= 1
    assert cut or users == 12


def test_one_cluster_has_no_interval() -> None:
    low, high = cluster_bootstrap(cluster_sums([[one(np.ones(3), np.zeros(3, dtype=np.int64))]]))
    assert np.isnan([low[0], high[0]]).all()


def test_pooling_seeds_adds_their_variance() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=500)
    same = cluster_sums([[one(base)]] * 3)
    apart = cluster_sums([[one(base + shift)] for shift in (-1, 0, 1)])
    width = [np.diff(cluster_bootstrap(sums)[:2], axis=0)[0, 0] for sums in (cluster_sums([[one(base)]]), same, apart)]
    assert width[0] == pytest.approx(width[1])
    assert width[2] > 4 * width[1]
    assert standard_error(*influence(apart))[0] == pytest.approx(np.sqrt(base.var(ddof=1) / 500 + 1 / 3))


def test_standard_error_of_a_ratio() -> None:
    rng = np.random.default_rng(0)
    bottom = rng.integers(1, 6, size=400).astype(float)
    sums = ClusterSums((bottom * rng.random(400))[None, :, None], bottom[None, :, None])
    assert standard_error(*influence(sums))[0] == pytest.approx(resampled(sums, 3000, 0).std(), rel=0.05)


def test_p_values_are_uniform_under_the_null() -> None:
    rng = np.random.default_rng(0)
    p = np.concatenate([sign_flip(rng.normal(size=(30, 1)), 200, repetition) for repetition in range(400)])
    shares = np.histogram(p, bins=4, range=(0, 1))[0] / 400
    assert np.abs(shares - 0.25).max() < 0.07
    assert (p <= 0.05).mean() < 0.08


def test_p_value_of_few_clusters_is_exact() -> None:
    """All of 2^4 sign patterns of equal differences: two are as extreme."""
    p = sign_flip(np.ones((4, 1)), 20_000, 0)
    assert p[0] == pytest.approx(2 / 16, abs=0.01)
    assert sign_flip(np.zeros((4, 2)), 50, 0).tolist() == [1, 1]


def test_holm_by_hand() -> None:
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1]


def test_a_better_model_is_found_and_its_equal_is_not(split: Split, table: np.ndarray, make: Make) -> None:
    better = table.copy()
    better[split.test.users, split.test.targets - 1] += 4
    a, b = evaluate(make(better), split.test), evaluate(make(table), split.test)
    found = paired_test(a, b).row(0, named=True)
    assert found["difference"] == pytest.approx(a.value("recall@10") - b.value("recall@10"))
    assert found["low"] > 0
    assert found["p"] < 0.01
    assert found["test"] == "sign_flip(10000)"
    same = paired_test(a, a).row(0, named=True)
    assert (same["difference"], same["low"], same["high"], same["p"], same["detectable"]) == (0, 0, 0, 1, 0)
    seeds = paired_test([a, a], [b, b], ["recall@10"]).row(0, named=True)
    assert seeds["test"] == "bootstrap(1000)"
    assert 0 < seeds["p"] < 2 / 1001  # no draw lies on the other side, so the normal law says how far beyond it is
    assert seeds["detectable"] == pytest.approx(found["detectable"])


def test_many_comparisons_are_corrected(split: Split, table: np.ndarray, make: Make) -> None:
    better = table.copy()
    better[split.test.users, split.test.targets - 1] += 4
    a, b = evaluate(make(better), split.test), evaluate(make(table), split.test)
    table_of_tests = paired_tests(b, {"better": a, "same": b}, ["recall@10", "ndcg@10"])
    assert table_of_tests["method"].to_list() == ["better", "better", "same", "same"]
    np.testing.assert_allclose(table_of_tests["p_holm"], holm(table_of_tests["p"].to_numpy()))


def test_detectable_difference(split: Split, table: np.ndarray, make: Make) -> None:
    a, b = evaluate(make(table), split.test), evaluate(make(table[::-1].copy()), split.test)
    single, paired = smallest_detectable_difference(a, "recall@10"), smallest_detectable_difference(a, "recall@10", b)
    values = np.clip((10 - a.ranks["greater"].to_numpy()) / (a.ranks["equal"].to_numpy() + 1), 0, 1)
    assert single == pytest.approx(2.801585 * values.std(ddof=1) / np.sqrt(len(values)), rel=1e-5)
    assert paired == pytest.approx(paired_test(a, b).row(0, named=True)["detectable"])


def test_only_answers_to_the_same_questions_are_compared(split: Split, table: np.ndarray, make: Make) -> None:
    a = evaluate(make(table), split.test)
    others = [evaluate(make(table), split.valid), evaluate(make(table), split.test, seen="remove")]
    labelled = replace(split.test, labels=np.ones(len(split.test), dtype=np.float32))
    for other in (*others, evaluate(make(table), labelled)):
        with pytest.raises(DataError, match="cannot be paired"):
            paired_test(a, other)
    with pytest.raises(DataError, match="cannot be paired"):
        pooled([a, others[0]])
    with pytest.raises(ConfigError, match="cannot be paired"):
        paired_test(a, a, ["coverage@10"])
    with pytest.raises(ConfigError, match="at least one"):
        paired_tests(a, {})


def test_pooled_names_its_interval(split: Split, table: np.ndarray, make: Make) -> None:
    a, b = evaluate(make(table), split.test), evaluate(make(table[::-1].copy()), split.test)
    row = pooled([a, b], ["recall@10", "coverage@10"]).rows(named=True)
    assert row[0]["interval"] == "seeds_x_clusters(2,1000)"
    assert row[0]["value"] == pytest.approx((a.value("recall@10") + b.value("recall@10")) / 2)
    assert (row[1]["interval"], row[1]["low"]) == ("none", None)
