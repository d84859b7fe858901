from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score, roc_auc_score

from reverie.errors import ConfigError
from reverie.evaluation.list_metrics import coverage, gini, self_information
from reverie.evaluation.metrics import RANK_METRICS, Metric, Ranks, parse
from reverie.evaluation.values import auc_pseudo_values, grouped_auc


def ranks_of(rows: list[tuple[list[int], list[int]]]) -> Ranks:
    """Ranks of (scores, positions of targets) by definition."""
    found = [(q, sum(o > s[t] for o in s), sum(o == s[t] for o in s) - 1) for q, (s, ts) in enumerate(rows) for t in ts]
    return Ranks(*(np.array(column, dtype=np.int64) for column in zip(*found, strict=True)))


def one_order(name: str, order: tuple[int, ...], targets: set[int], k: int) -> float:
    at = [p for p, item in enumerate(order, start=1) if item in targets and p <= k]
    ideal = sum(1 / np.log2(p + 1) for p in range(1, min(len(targets), k) + 1))
    return {
        "recall": len(at) / len(targets),
        "hit": float(bool(at)),
        "ndcg": sum(1 / np.log2(p + 1) for p in at) / ideal,
        "mrr": 1 / at[0] if at else 0.0,
        "map": sum((i + 1) / p for i, p in enumerate(at)) / min(len(targets), k),
        "precision": len(at) / k,
        "f1": 2 * (len(at) / k) * (len(at) / len(targets)) / (len(at) / k + len(at) / len(targets)) if at else 0.0,
    }[name]


@st.composite
def question(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    scores = draw(st.lists(st.integers(0, 2), min_size=1, max_size=6))
    targets = draw(st.sets(st.integers(0, len(scores) - 1), min_size=1))
    return scores, sorted(targets)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(question(), min_size=1, max_size=3), k=st.integers(1, 8))
def test_every_metric_is_the_mean_over_all_orders_of_ties(rows: list[tuple[list[int], list[int]]], k: int) -> None:
    ranks = ranks_of(rows)
    for name, function in RANK_METRICS.items():
        expected = []
        for scores, targets in rows:
            orders = [
                o
                for o in itertools.permutations(range(len(scores)))
                if all(scores[a] >= scores[b] for a, b in itertools.pairwise(o))
            ]
            expected.append(np.mean([one_order(name, order, set(targets), k) for order in orders]))
        np.testing.assert_allclose(function(ranks, k), expected, atol=1e-12, err_msg=name)


def test_against_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    tied, relevant = rng.integers(0, 5, size=(20, 15)), rng.random((20, 15)) < 0.3
    relevant[:, 0] |= ~relevant.any(axis=1)
    rows = [(s.tolist(), np.flatnonzero(r).tolist()) for s, r in zip(tied, relevant, strict=True)]
    expected = [ndcg_score(r[None].astype(int), s[None], k=5) for s, r in zip(tied, relevant, strict=True)]
    np.testing.assert_allclose(RANK_METRICS["ndcg"](ranks_of(rows), 5), expected)
    distinct = rng.permuted(np.tile(np.arange(15), (20, 1)), axis=1)
    rows = [(s.tolist(), np.flatnonzero(r).tolist()) for s, r in zip(distinct, relevant, strict=True)]
    assert RANK_METRICS["map"](ranks_of(rows), 15).mean() == pytest.approx(
        label_ranking_average_precision_score(relevant, distinct)
    )


def test_auc_by_group_and_spread_over_clusters() -> None:
    rng = np.random.default_rng(0)
    groups, scores, positive = rng.integers(6, size=200), rng.integers(0, 9, size=200).astype(float), rng.random(200) < 0.4
    positive[groups == 2] = True
    found = grouped_auc(groups, positive, scores)
    assert np.isnan(found[2])
    for g in (0, 1, 3, 4, 5):
        assert found[g] == pytest.approx(roc_auc_score(positive[groups == g], scores[groups == g]))
    values = auc_pseudo_values(groups, positive, scores)
    assert values.mean() == pytest.approx(roc_auc_score(positive, scores))
    assert values.std() > 0
    assert len(auc_pseudo_values(groups, np.ones(200, dtype=bool), scores)) == 0


def test_auc_standard_error_agrees_with_repeated_sampling() -> None:
    rng = np.random.default_rng(0)
    estimates, errors = [], []
    for _ in range(300):
        cluster = np.repeat(np.arange(40), 4)
        positive = rng.random(160) < 0.5
        scores = rng.normal(size=160) + positive + rng.normal(size=40)[cluster]
        values = auc_pseudo_values(cluster, positive, scores)
        estimates.append(values.mean())
        errors.append(values.std(ddof=1) / np.sqrt(40))
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.12)


def test_lists() -> None:
    items = np.array([1, 1, 2, 1])
    assert coverage(items, 4) == 0.5
    pairs = np.abs(np.subtract.outer([3, 1, 0, 0], [3, 1, 0, 0])).sum()
    assert gini(items, 4) == pytest.approx(pairs / (2 * 4 * 4))
    assert gini(np.arange(1, 5), 4) == 0
    np.testing.assert_allclose(self_information(np.array([0, 1, 4]), 8), [3, 3, 1])


def test_names() -> None:
    assert parse("ndcg@10") == Metric("ndcg", 10)
    assert str(parse("uauc")) == "uauc"
    with pytest.raises(ConfigError, match=r"unknown metric 'ndgc@10' \(did you mean 'ndcg@10'\?\)"):
        parse("ndgc@10")
    for wrong in ("ndcg", "ndcg@0", "ndcg@x", "auc@10"):
        with pytest.raises(ConfigError, match="cut-off"):
            parse(wrong)


def test_first_of_several_tied_targets_by_hand() -> None:
    """Two targets among four equal candidates: the first stands at 1, 2, 3 with probability 3/6, 2/6, 1/6."""
    ranks = ranks_of([([0, 0, 0, 0], [1, 2])])
    assert RANK_METRICS["hit"](ranks, 2)[0] == pytest.approx(5 / 6)
    assert RANK_METRICS["mrr"](ranks, 4)[0] == pytest.approx(3 / 6 + 2 / 6 / 2 + 1 / 6 / 3)
