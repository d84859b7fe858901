"""Metrics of lists against loops that follow their definitions, by hand-made cases, and metrics that a session registers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import reverie as rv
from reverie.data.categories import category_matrix, shares
from reverie.evaluation import judge, paired_test, sliced
from reverie.evaluation.list_metrics import intra_list_diversity, miscalibration, serendipity
from reverie.report.ranking import leaderboard
from reverie.testing import tiny_dataset
from reverie.training.recipe import RECIPES
from reverie.training.run import run_recipe

if TYPE_CHECKING:
    from pathlib import Path

    from reverie.data.dataset import Dataset
    from reverie.data.split import Split

KINDS = (("x",), ("y",), ("x", "y"), ("x", "y", "z"), (), ("z",))


@pytest.fixture(scope="module")
def data() -> Dataset:
    tiny = tiny_dataset()
    categories = ["|".join(KINDS[at % len(KINDS)]) for at in range(tiny.catalog.height)]
    return replace(tiny, catalog=tiny.catalog.with_columns(categories=pl.Series(categories)))


@pytest.fixture(scope="module")
def split(data: Dataset) -> Split:
    return rv.leave_one_out(data)


@pytest.fixture(scope="module")
def model(split: Split) -> Any:
    model = rv.create_model("markov", split)
    rv.fit(model, split, show=False)
    return model


def naive_diversity(row: list[int], kinds: list[set[int]]) -> float:
    known = [kinds[item - 1] for item in row if item and kinds[item - 1]]
    pairs = [(a, b) for i, a in enumerate(known) for b in known[:i]]
    return sum(1 - len(a & b) / math.sqrt(len(a) * len(b)) for a, b in pairs) / len(pairs) if pairs else math.nan


def distribution(items: list[int], kinds: list[set[int]]) -> dict[int, float]:
    known = [kinds[item - 1] for item in items if item and kinds[item - 1]]
    total: dict[int, float] = {}
    for one in known:
        for kind in one:
            total[kind] = total.get(kind, 0.0) + 1 / len(one) / len(known)
    return total


def naive_miscalibration(row: list[int], history: list[int], kinds: list[set[int]]) -> float:
    p, q = distribution(history, kinds), distribution(row, kinds)
    return sum(v * math.log(v / (0.99 * q.get(g, 0.0) + 0.01 * v)) for g, v in p.items()) if p and q else math.nan


def naive_serendipity(row: list[int], targets: set[int], counts: list[int]) -> float:
    total, n = 0.0, len(counts) - 1
    for place, item in enumerate(row, start=1):
        if item in targets:
            above = sum(c > counts[item] for c in counts[1:])
            same = sum(c == counts[item] for c in counts[1:])
            total += max(0.0, (n + 1 - place) / n - (n + 1 - (above + (same + 1) / 2)) / n)
    return total / len(row)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_metrics_of_lists_follow_their_definitions(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, places = 12, int(rng.integers(1, 6))
    member = rng.random((n, 4)) < 0.4
    kinds = [set(np.flatnonzero(row).tolist()) for row in member]
    table = csr_array(member.astype(float))
    lists = np.stack([rng.permutation(n)[:places] + 1 for _ in range(7)]) * (rng.random((7, places)) < 0.8)
    histories = [(rng.integers(1, n + 1, size=rng.integers(0, 5))).tolist() for _ in range(7)]
    wanted = np.stack([shares(table).toarray()[np.array(h, dtype=int) - 1].sum(axis=0) for h in histories])
    counts = np.append(0, rng.integers(0, 5, size=n))
    targets = [set(rng.integers(1, n + 1, size=3).tolist()) for _ in range(7)]
    hits = np.array([[bool(item) and item in t for item in row] for row, t in zip(lists.tolist(), targets, strict=True)])
    expected = [
        (naive_diversity(row, kinds), naive_miscalibration(row, h, kinds), naive_serendipity(row, t, counts.tolist()))
        for row, h, t in zip(lists.tolist(), histories, targets, strict=True)
    ]
    found = (intra_list_diversity(lists, table), miscalibration(lists, wanted, shares(table)), serendipity(lists, hits, counts))
    np.testing.assert_allclose(np.stack(found, axis=1), expected, atol=1e-12)


def test_known_values() -> None:
    table = csr_array(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]))
    lists = np.array([[1, 2], [1, 1], [1, 3], [1, 4]])
    np.testing.assert_allclose(intra_list_diversity(lists, table), [1, 0, 1 - math.sqrt(0.5), math.nan])
    even = np.full((4, 2), 0.5)
    only_first = 0.5 * math.log(0.5 / (0.99 + 0.005)) + 0.5 * math.log(0.5 / 0.005)
    np.testing.assert_allclose(
        miscalibration(lists, even, shares(table)),
        [0, only_first, naive_miscalibration([1, 3], [1, 2], [{0}, {1}, {0, 1}, set()]), only_first],
    )
    counts = np.array([0, 9, 5, 5, 1])  # popularity ranks 1, 2.5, 2.5, 4 of four items
    first = np.array([[True, False]])
    assert serendipity(np.array([[4, 1]]), first, counts)[0] == pytest.approx((1 - 1 / 4) / 2)
    assert serendipity(np.array([[1, 4]]), first, counts)[0] == 0  # popularity says it, too


def test_asked_metrics_have_intervals_are_kept_and_are_paired(model: Any, split: Split, tmp_path: Path) -> None:
    names = ["ndcg@10", "precision@10", "f1@10", "ild@5", "miscalibration@10", "serendipity@10", "popularity@10"]
    found = rv.evaluate(model, split.test, train=split.train, metrics=names)
    table = found.metrics()
    assert table["metric"].to_list() == names
    assert table["low"].null_count() == 0
    assert str(found).count("\n") == len(names) - 1
    found.save(tmp_path / "kept")
    again = rv.Evaluation.load(tmp_path / "kept")
    assert again.metrics(names).equals(table)
    best = rv.create_model("popularity", split)
    rv.fit(best, split, show=False)
    other = rv.evaluate(best, split.test, train=split.train, metrics=names)
    assert paired_test(found, other, ["ild@5"])["first"].item() == found.value("ild@5")
    parts = sliced(found, split.train)
    long, short = parts["history:long"], parts["history:short"]
    both = [(p.value("ild@5"), p.metrics(["ild@5"])["n"].item()) for p in (long, short)]
    assert sum(v * n for v, n in both) / sum(n for _, n in both) == pytest.approx(found.value("ild@5"))


def test_values_of_an_evaluation_are_those_of_a_loop(model: Any, split: Split) -> None:
    found = rv.evaluate(model, split.test, train=split.train, metrics=["miscalibration@5", "serendipity@5", "ild@5"])
    matrix, _ = category_matrix(split.vocabulary, "this")
    kinds = [set(np.flatnonzero(row).tolist()) for row in matrix.toarray()]
    counts = split.train.item_counts().tolist()
    rows = []
    for q, mine in found.topk.filter(pl.col("rank") <= 5).group_by("query", maintain_order=True):
        row = mine["item"].to_list()
        history = split.test.sequences.items[split.test.start[q[0]] : split.test.stop[q[0]]].tolist()
        target = {int(split.test.targets[q[0]])}
        rows.append(
            (naive_miscalibration(row, history, kinds), naive_serendipity(row, target, counts), naive_diversity(row, kinds))
        )
    for name, values in zip(found.asked, zip(*rows, strict=True), strict=True):
        assert found.value(name) == pytest.approx(np.nanmean(values), abs=1e-12), name


def test_an_own_metric_goes_everywhere(model: Any, split: Split, data: Dataset, tmp_path: Path) -> None:
    @rv.metric
    def mine(shown: rv.evaluation.Shown) -> np.ndarray:  # type: ignore[name-defined]
        return shown.hits[:, : shown.k].any(axis=1)

    @rv.metric(name="worst")
    def _(shown: Any) -> float:
        return float(shown.items.max())

    found = rv.evaluate(model, split.test, metrics=["mine@30", "ndcg@10"])
    assert found.top == 30
    assert found.value("mine@10") == pytest.approx(found.value("hit@10"))
    assert found.metrics(["worst@3"])["low"].item() is None
    lists = rv.evaluation.recommend_all(model, split.test, k=10)  # type: ignore[attr-defined]
    assert judge(lists, split.test, metrics="mine@10").value("mine@10") == pytest.approx(found.value("mine@10"))
    chosen = rv.fit(rv.create_model("ease", split, grid=(0.01, 1000.0)), split, metric="mine@10", show=False).chosen
    assert chosen == rv.fit(rv.create_model("ease", split, grid=(0.01, 1000.0)), split, metric="hit@10", show=False).chosen
    data.events.write_csv(tmp_path / "log.csv")
    values = {
        "dataset": {"name": str(tmp_path / "log.csv")},
        "model": {"name": "markov"},
        "evaluation": {"metrics": ["mine@10", "serendipity@10"]},
    }
    run = run_recipe(RECIPES.parse({"name": "own", **values}, "own"), tmp_path / "run", show=False)
    assert set(leaderboard([run]).metrics) >= {"mine@10", "serendipity@10"}
    assert run.test.value("mine@10") == pytest.approx(run.test.value("hit@10"))


SAID: dict[str, tuple[Callable[[Any, Split], Any], str]] = {
    "unknown": (lambda m, s: rv.evaluate(m, s.test, metrics=["ngcd@10"]), r"unknown metric 'ngcd@10' \(did you mean 'ndcg@10'\?\)"),
    "calibration": (lambda m, s: rv.evaluate(m, s.test, metrics=["calibration@10"]), "did you mean 'miscalibration@10'"),
    "no cut-off": (lambda m, s: rv.evaluate(m, s.test, metrics=["ild"]), "needs a cut-off"),
    "no train": (lambda m, s: rv.evaluate(m, s.test, metrics=["serendipity@10"]), "needs training events; evaluate with train"),
    "not asked": (lambda m, s: rv.evaluate(m, s.test).value("ild@10"), r"evaluate with metrics=\['ild@10'\]"),
    "ours": (lambda m, s: rv.metric(name="ndcg")(lambda shown: 0), "'ndcg' is a metric of Reverie"),
    "no name": (lambda m, s: rv.metric(lambda shown: 0), "'<lambda>' cannot name a metric|cannot name a metric"),
    "shape": (lambda m, s: _own(m, s, np.zeros(3)), "returned float64 of shape \\[3\\]; one number for each of"),
    "texts": (lambda m, s: _own(m, s, "much"), "one number for each of"),
    "pairs": (lambda m, s: _pair(m, s), "describes all lists together and cannot be paired"),
}  # fmt: skip


def _own(model: Any, split: Split, value: Any) -> None:
    rv.metric(name="own")(lambda shown: value)
    rv.evaluate(model, split.test, metrics=["own@3"])


def _pair(model: Any, split: Split) -> None:
    rv.metric(name="own")(lambda shown: 1.0)
    found = rv.evaluate(model, split.test, metrics=["own@3"])
    paired_test(found, found, ["own@3"])


@pytest.mark.parametrize("case", SAID)
def test_what_is_wrong_is_one_sentence(case: str, model: Any, split: Split) -> None:
    call, said = SAID[case]
    with pytest.raises(rv.ReverieError, match=said) as caught:
        call(model, split)
    assert "\n" not in str(caught.value)


def test_no_categories_is_one_sentence() -> None:
    split = rv.leave_one_out(tiny_dataset())
    model = rv.create_model("popularity", split)
    rv.fit(model, split, show=False)
    with pytest.raises(rv.ReverieError, match=r"metric 'ild@10' needs categories of items, which this catalogue lacks"):
        rv.evaluate(model, split.test, metrics=["ild@10"])
