from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import reverie
from reverie.evaluation.effects import (
    CLAIM_COLUMNS,
    Effect,
    holm,
    holm_by_metric,
    holm_corrected,
    read_claims,
    to_claim_row,
    update_claims,
    write_claims,
)
from reverie.evaluation.intervals import BLOCK, RESAMPLES, difference_over_seeds, mean_over_seeds, paired_by_seed, t_interval
from reverie.evaluation.metrics import Ranks, expected_hit, expected_ndcg, ndcg, recall
from reverie.evaluation.paired_queries import paired_by_query, paired_test, paired_values
from reverie.evaluation.result import Evaluation
from reverie.evaluation.values import Values
from reverie.seeds import numpy_generator

SOURCE = Path(reverie.__file__).parent
TESTS = re.compile(r"erfc|scipy\.stats|scipy import .*\bstats\b|\bttest|\bsf\(|\.ppf\(|\.cdf\(|statsmodels|sign_flip\(")


def effect(p: float | None) -> Effect:
    return Effect(0.1, 0.0, 0.2, p, 50, 3, "seeds_x_clusters(3,1000)", "bootstrap(1000)", 0.05)


def evaluation(greater: np.ndarray) -> Evaluation:
    n = len(greater)
    ranks = {"query": np.arange(n), "cluster": np.arange(n), "target": np.ones(n, dtype=np.int32), "greater": greater}
    frame = pl.DataFrame(ranks | {"equal": np.zeros(n, dtype=np.int32), "n_candidates": np.full(n, 99)})
    return Evaluation(frame, pl.DataFrame(), None, "keep", "", "", 0, 99)


def test_p_values_arise_in_evaluation_only() -> None:
    elsewhere = [path for path in SOURCE.rglob("*.py") if path.parent != SOURCE / "evaluation"]
    assert len(elsewhere) > 200
    assert [str(path) for path in elsewhere if TESTS.search(path.read_text(encoding="utf-8"))] == []


def test_there_is_one_effect() -> None:
    found = [path.name for path in SOURCE.rglob("*.py") if re.search(r"^class \w*Effect\b", path.read_text(encoding="utf-8"), re.M)]
    assert found == ["effects.py"]


def test_holm_leaves_out_what_was_not_tested() -> None:
    corrected = holm(np.array([0.01, np.nan, 0.03]))
    np.testing.assert_allclose(corrected, [0.02, np.nan, 0.03])
    found = holm_corrected({"a": effect(0.01), "b": effect(None), "c": effect(0.03)})
    assert [one.p_holm for one in found.values()] == [pytest.approx(0.02), None, pytest.approx(0.03)]
    assert [one.shown for one in found.values()] == [True, False, True]
    assert not effect(0.01).shown, "nothing is shown before the correction"


def test_every_design_names_its_rules() -> None:
    rng = np.random.default_rng(0)
    a, b, c = (evaluation(rng.integers(20, size=60)) for _ in range(3))
    alone, several = (paired_by_query(*sides, ["ndcg@10"])["ndcg@10"].effect for sides in ((a, b), ([a, b], [c])))
    frame = [pl.DataFrame({"user": np.arange(60), "value": rng.random(60)}) for _ in range(4)]
    pooled = difference_over_seeds(frame[:2], frame[2:])
    by_seed = paired_by_seed([0.1, 0.2, 0.4], [0.1, 0.1, 0.2])
    rules = [(one.interval, one.test, one.n, one.seeds) for one in (alone, several, pooled, by_seed)]
    assert rules == [
        ("cluster_bootstrap(1000)", "sign_flip(10000)", 60, 1),
        ("seeds_x_clusters(2/1,1000)", "bootstrap(1000)", 60, 1),
        ("seeds_x_clusters(2,1000)", "normal", 60, 2),
        ("t(2)", "paired_t", 3, 3),
    ]
    assert pooled.p is not None
    assert pooled.detectable is not None
    assert pooled.detectable > 0


def test_an_undefined_metric_has_no_p_value() -> None:
    nobody = Values(np.zeros(4), np.zeros(4), np.arange(4), 0)
    somebody = Values(np.ones(4), np.ones(4), np.arange(4), 4)
    found = paired_values(somebody, nobody)
    assert (found.low, found.high, found.p, found.test) == (None, None, None, "none")
    one = evaluation(np.array([3]))
    row = paired_test([one, one], [one], ["ndcg@10"]).row(0, named=True)
    assert np.isnan([row["low"], row["high"], row["detectable"]]).all(), "one cluster"
    assert row["difference"] == 0


def test_t_interval_is_that_of_the_differences() -> None:
    d = np.array([0.01, 0.02, 0.03, 0.04, 0.05])
    found = paired_by_seed(d.tolist(), [0.0] * 5)
    assert t_interval(float(d.mean()), float(d.std(ddof=1)), 5) == pytest.approx((found.low, found.high))


def test_values_of_single_targets_under_ties() -> None:
    greater, equal = np.array([0, 9, 10, 8, 3]), np.array([0, 1, 5, 3, 0])
    ranks = Ranks(np.arange(5), greater, equal)
    np.testing.assert_allclose(expected_hit(greater, equal, 10), [1, 0.5, 0, 0.5, 1])
    np.testing.assert_array_equal(expected_hit(greater, equal, 10), recall(ranks, 10))
    np.testing.assert_array_equal(expected_ndcg(greater, equal, 10), ndcg(ranks, 10))
    assert expected_ndcg(greater, equal, 10)[4] == pytest.approx(1 / np.log2(5))


def test_an_effect_becomes_a_claim(tmp_path: Path) -> None:
    def row(metric: str, p: float | None, dataset: str = "tiny") -> dict[str, object]:
        names = {"dataset": dataset, "first": "a", "other": "b", "why": "better?", "metric": metric, "commit": "c0ffee"}
        return to_claim_row(effect(p), **names, values=(0.3, 0.2), seeds=(3, 4))

    rows = holm_by_metric([row("ndcg@10", 0.01), row("ndcg@10", 0.03), row("recall@10", 0.04), row("ndcg@10", None)])
    assert tuple(rows[0]) == CLAIM_COLUMNS
    assert [one["p_holm"] for one in rows] == [pytest.approx(0.02), pytest.approx(0.03), pytest.approx(0.04), None]
    assert (rows[0]["difference"], rows[0]["seeds"], rows[0]["test"], rows[0]["n"]) == (0.1, "3/4", "bootstrap(1000)", 50)
    path = tmp_path / "room-claims.csv"
    write_claims(path, "other", [row("ndcg@10", 0.5, "other")])
    write_claims(path, "tiny", rows)
    write_claims(path, "tiny", rows[:2])
    assert [(one["dataset"], one["p"]) for one in read_claims(path)] == [("other", "0.5"), ("tiny", "0.01"), ("tiny", "0.03")]
    assert path.read_text(encoding="utf-8").splitlines()[0] == ",".join(CLAIM_COLUMNS)


def test_claims_of_several_recipes_are_one_family_and_old_ones_go(tmp_path: Path) -> None:
    def row(first: str, p: float, dataset: str = "tiny") -> dict[str, object]:
        names = {"dataset": dataset, "first": first, "other": "b", "why": "better?", "metric": "return", "commit": "c0ffee"}
        return to_claim_row(effect(p), **names, values=(0.3, 0.2))

    path = tmp_path / "room-claims.csv"
    write_claims(path, "tiny", [row("elsewhere", 0.01), row("of old", 0.02)])
    update_claims(path, [row("a", 0.03), row("a", 0.3, "other")], lambda one: one["first"] == "elsewhere")
    found = [(one["dataset"], one["first"], float(one["p_holm"])) for one in read_claims(path)]
    assert found == [("tiny", "elsewhere", 0.02), ("tiny", "a", 0.03), ("other", "a", 0.3)]
    with pytest.raises(ValueError, match="same dataset"):
        update_claims(path, [row("a", 0.03), row("a", 0.04)], lambda one: True)


def test_draws_that_leave_a_seed_without_users_do_not_make_a_difference_certain() -> None:
    # two folds of two users each: a draw of four users often leaves a fold empty
    values, others = ([{"a": 1.0, "b": 0.0}, {"c": 1.0, "d": 1.0}], [{"a": 0.0, "b": 0.0}, {"c": 0.0, "d": 1.0}])
    sides = [[pl.DataFrame({"user": list(one), "value": list(one.values())}) for one in side] for side in (values, others)]
    found = difference_over_seeds(*sides)
    users, folds = ["a", "b", "c", "d"], [{"a": 1.0, "b": 0.0}, {"c": 1.0, "d": 0.0}]
    rng, draws = numpy_generator(0, "bootstrap", "clusters"), numpy_generator(0, "bootstrap", "seeds")
    weights, means = draws.multinomial(2, [0.5, 0.5], RESAMPLES) / 2, []
    picks = np.concatenate(
        [rng.integers(4, size=(min(BLOCK, RESAMPLES - at), 4), dtype=np.int32) for at in range(0, RESAMPLES, BLOCK)]
    )
    for drawn, weight in zip(picks, weights, strict=True):
        parts = [[fold[users[at]] for at in drawn if users[at] in fold] for fold in folds]
        if all(parts):
            means.append(sum(w * sum(part) / len(part) for w, part in zip(weight, parts, strict=True)))
    assert 0 < len(means) < RESAMPLES
    assert found.value == 0.5
    assert found.p == pytest.approx(math.erfc(0.5 / np.std(means) / math.sqrt(2)))
    assert found.low == pytest.approx(np.quantile(means, 0.025))
    assert found.p > 0.01


def test_without_draws_there_is_no_p() -> None:
    nothing = [pl.DataFrame({"user": [1, 2], "value": [math.nan, 0.5]})]
    found = mean_over_seeds(nothing)
    assert (found.p, found.low, found.detectable) == (None, None, None)
